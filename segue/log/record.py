"""What is logged, and how it is written as a line of JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson

__all__ = ["Api", "Event", "Feedback", "Impression", "ImpressionItem", "Record", "decode", "encode"]

Api = Literal["native", "spotify"]
Event = Literal["click", "play", "skip", "like", "dislike"]


@dataclass(frozen=True, kw_only=True)
class ImpressionItem:
    """One track of a list. Its rank, from 1, is kept so that a model can correct for position."""

    rank: int
    track_id: str
    score: float


@dataclass(frozen=True, kw_only=True)
class Impression:
    """A list that was shown.

    Attributes
    ----------
    impression_id
        Drawn by who answers; a record that arrives twice is one.
    at
        When it was answered, with its zone.
    session
        The caller's opaque ``X-Session-Id``.
    request
        The instance as it was asked.
    latency_seconds
        Time to answer.
    list_diversity, avg_popularity, genre_precision
        Of the list, where they could be computed.
    """

    impression_id: UUID
    at: datetime
    session: str | None
    api: Api
    request: Mapping[str, Any]
    seeds: tuple[str, ...]
    k: int
    latency_seconds: float
    digest: str
    degraded: bool
    list_diversity: float | None
    avg_popularity: float | None
    genre_precision: float | None
    items: tuple[ImpressionItem, ...]


@dataclass(frozen=True, kw_only=True)
class Feedback:
    """What a listener did with a track of a list. It may arrive before its impression does."""

    feedback_id: UUID
    impression_id: UUID
    track_id: str
    event: Event
    at: datetime
    session: str | None


Record = Impression | Feedback


def encode(record: Record) -> bytes:
    """Write a record as one line of JSON, without its end.

    Raises
    ------
    TypeError
        A value is none of JSON's, or a text is no Unicode.
    """
    kind = "impression" if isinstance(record, Impression) else "feedback"
    return orjson.dumps({kind: record}, option=orjson.OPT_NON_STR_KEYS)


def decode(line: bytes) -> Record:
    """Read a line of `encode`.

    Raises
    ------
    ValueError
        It is none, or half of one.
    """
    try:
        value = orjson.loads(line)
        if "impression" in value:
            return _impression(value["impression"])
        return _feedback(value["feedback"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a record of the log: {error!r}") from None


def _impression(value: dict[str, Any]) -> Impression:
    known = {name: value[name] for name in Impression.__dataclass_fields__}
    known["impression_id"] = UUID(value["impression_id"])
    known["at"] = datetime.fromisoformat(value["at"])
    known["seeds"] = tuple(value["seeds"])
    known["items"] = tuple(
        ImpressionItem(rank=item["rank"], track_id=item["track_id"], score=item["score"])
        for item in value["items"]
    )
    return Impression(**known)


def _feedback(value: dict[str, Any]) -> Feedback:
    known = {name: value[name] for name in Feedback.__dataclass_fields__}
    known["feedback_id"] = UUID(value["feedback_id"])
    known["impression_id"] = UUID(value["impression_id"])
    known["at"] = datetime.fromisoformat(value["at"])
    return Feedback(**known)
