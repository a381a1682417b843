"""The answer to a request. orjson serialises these dataclasses as they are."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Answer", "Item", "Pool", "numbers"]


@dataclass(slots=True)
class Item:
    """One recommended track. `similarity` is 1 at the seed itself; `score` is relative to the request."""

    rank: int
    track_id: str
    track_name: str
    artist_name: str
    score: float
    similarity: float
    popularity: float | None
    predicted_popularity: float | None
    relevance: float | None


@dataclass(slots=True)
class Pool:
    """How many tracks were retrieved, and how many were left after the filters."""

    retrieved: int
    after_filters: int


@dataclass(slots=True)
class Answer:
    """The answer to one request, from one bundle."""

    items: list[Item]
    digest: str
    degraded: bool
    unknown_seeds: list[str]
    pool: Pool
    reason: str | None = None
    explanation: dict[str, Any] | None = field(default=None)


def numbers(items: Iterable[Item], name: str) -> list[float]:
    """The values of one field of `items`, NaN where missing."""
    values = (getattr(item, name, None) for item in items)
    return [math.nan if value is None else value for value in values]
