"""Settings of the build_index step."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["IndexSettings"]


class IndexSettings(BaseModel):
    """The recall target.

    Attributes
    ----------
    recall_target
        Share of the exact neighbours that a search must find, at the lower bound of its 95 % interval.
    neighbours
        Neighbours per query.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    recall_target: float = Field(default=0.99, ge=0, le=1)
    neighbours: int = Field(default=200, ge=1)
