"""What a caller gets back. orjson writes these dataclasses as they stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Answer", "Item", "Pool"]


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
    """How many tracks were retrieved, and how many were left once the rules had dropped theirs."""

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
