"""The records of the log, and their form as a line of JSON."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import orjson

__all__ = [
    "Api",
    "Event",
    "Feedback",
    "Impression",
    "ImpressionItem",
    "Record",
    "Row",
    "decode",
    "encode",
    "record_id",
    "rejected_rows",
    "session_key",
]

_LOG = logging.getLogger(__name__)

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
Row = tuple[bytes, bytes | None, str | bytes]
"""A record's id, its session, and its line of JSON."""


def record_id(record: Record) -> UUID:
    """Get the id by which a record that arrives twice is stored once."""
    return record.impression_id if isinstance(record, Impression) else record.feedback_id


def session_key(session: str | None) -> bytes | None:
    """Encode a session, also one that is not valid Unicode, which may be why a record was rejected."""
    return None if session is None else session.encode("utf-8", "surrogatepass")


def rejected_rows(rejected: Iterable[tuple[Record, str]]) -> Iterator[Row]:
    """Make rows of rejected records; their lines have ``at``, ``reason`` and ``record``."""
    at = datetime.now(UTC).isoformat()
    for record, reason in rejected:
        _LOG.error("a record of the log is rejected: %s", reason)
        # the standard library's encoder also takes text that is not valid Unicode
        line = json.dumps({"at": at, "reason": reason, "record": asdict(record)}, default=str, skipkeys=True)
        yield record_id(record).bytes, session_key(record.session), line


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
