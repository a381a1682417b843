"""The records of the log, and their form as a line of JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson

__all__ = ["Event", "Feedback", "Impression", "ImpressionItem", "Record", "decode", "encode", "record_id"]

Api = Literal["native", "spotify"]
Event = Literal["click", "play", "skip", "like", "dislike"]


@dataclass(frozen=True, kw_only=True)
class ImpressionItem:
    """A track of a list. A model needs its rank, from 1, to correct for the position."""

    rank: int
    track_id: str
    score: float


@dataclass(frozen=True, kw_only=True)
class Impression:
    """A list that was shown.

    Attributes
    ----------
    impression_id
        Made by the process that answers.
    at
        Time of the answer, with its time zone.
    session
        The ``X-Session-Id`` of the request.
    request
        The request as it was sent.
    latency_seconds
        Time to answer.
    list_diversity, avg_popularity, genre_precision
        Measures of the list, None where they could not be computed.
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


def record_id(record: Record) -> UUID:
    """Get the id by which a record that arrives twice is stored once."""
    return record.impression_id if isinstance(record, Impression) else record.feedback_id


def encode(record: Record) -> bytes:
    """Encode a record as a line of JSON without a newline.

    Raises
    ------
    TypeError
        A value has no form in JSON, or a text is not valid Unicode.
    """
    kind = "impression" if isinstance(record, Impression) else "feedback"
    return orjson.dumps({kind: record}, option=orjson.OPT_NON_STR_KEYS)


def decode(line: bytes) -> Record:
    """Decode a line of `encode`.

    Raises
    ------
    ValueError
        The line is incomplete, or not a record.
    """
    try:
        value = orjson.loads(line)
        if "impression" in value:
            return Impression(**_fields(Impression, value["impression"]))
        return Feedback(**_fields(Feedback, value["feedback"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a record of the log: {error!r}") from None


def _fields(kind: type[Record], value: dict[str, Any]) -> dict[str, Any]:
    known = {name: value[name] for name in kind.__dataclass_fields__}
    for name in known.keys() & {"impression_id", "feedback_id"}:
        known[name] = UUID(known[name])
    known["at"] = datetime.fromisoformat(known["at"])
    if kind is Impression:
        known["seeds"] = tuple(known["seeds"])
        known["items"] = tuple(
            ImpressionItem(rank=item["rank"], track_id=item["track_id"], score=item["score"])
            for item in known["items"]
        )
    return known
