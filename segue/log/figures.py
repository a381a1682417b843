"""Figures of the log, as they are read from the database and as the API gives them.

Kept apart from the queries: the page imports these classes, and its image has no database packages.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from segue.log.record import Api

__all__ = ["Bucket", "RecentRequest", "Totals"]


@dataclass(frozen=True, kw_only=True)
class Totals:
    """Figures of a stretch of time. Means are null where nothing was logged."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    requests: int
    degraded: int
    empty: int
    sessions: int
    latency_p50_seconds: float | None
    latency_p95_seconds: float | None
    list_diversity: Annotated[float | None, Field(description="1: as different as two random tracks.")]
    avg_popularity: Annotated[float | None, Field(description="0–100.")]
    genre_precision: Annotated[float | None, Field(description="Share of tracks of a seed's genre.")]


@dataclass(frozen=True, kw_only=True)
class Bucket(Totals):
    """Figures of one bucket of time."""

    start: datetime


@dataclass(frozen=True, kw_only=True)
class RecentRequest:
    """One of the latest lists."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    impression_id: UUID
    at: datetime
    api: Api
    seeds: tuple[str, ...]
    k: int
    list_size: int
    latency_seconds: float
    digest: str
    degraded: bool
    list_diversity: float | None
    avg_popularity: float | None
    genre_precision: float | None
