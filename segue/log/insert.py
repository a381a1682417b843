"""Writing records to the database: each is there once, also if it arrives twice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import SQLAlchemyError

from segue.database.engine import WRITE
from segue.database.statements import insert_once
from segue.database.tables import FEEDBACK, FORGOTTEN_SESSIONS, RECOMMEND_ITEMS, RECOMMEND_LOGS
from segue.limits import ID_LENGTH
from segue.log.pseudonyms import pseudonym, pseudonym_key
from segue.log.record import Feedback, Impression, ImpressionItem, Record

__all__ = ["insert_records", "takes_rows"]


def insert_records(engine: Engine, records: Sequence[Record]) -> None:
    """Write records in one transaction: all or none.

    A record that exists is left as it is. A record older than the erasure of its session is dropped.
    """
    with engine.connect().execution_options(**WRITE) as connection, connection.begin():
        _insert(connection, _without_forgotten(connection, records))


def takes_rows(engine: Engine) -> bool:
    """Test whether the database takes rows, by inserting some and rolling back."""
    try:
        with engine.connect().execution_options(**WRITE) as connection:
            _insert(connection, _test_records())
            connection.rollback()
    except SQLAlchemyError:
        return False
    return True


def _insert(connection: Connection, records: Sequence[Record]) -> None:
    impressions = [record for record in records if isinstance(record, Impression)]
    rows = {
        RECOMMEND_LOGS: [_log_row(impression) for impression in impressions],
        RECOMMEND_ITEMS: [row for impression in impressions for row in _item_rows(impression)],
        FEEDBACK: [_row(record) for record in records if isinstance(record, Feedback)],
    }
    for table, values in rows.items():
        if values:
            connection.execute(insert_once(connection, table), values)


def _without_forgotten(connection: Connection, records: Sequence[Record]) -> Sequence[Record]:
    sessions = {record.session for record in records if record.session is not None}
    if not sessions:
        return records
    # usually there is none, and then no session needs to be hashed
    if connection.execute(select(FORGOTTEN_SESSIONS.c.pseudonym).limit(1)).first() is None:
        return records
    key = pseudonym_key(connection)
    names = {pseudonym(key, session): session for session in sessions}
    is_one = FORGOTTEN_SESSIONS.c.pseudonym.in_(list(names))
    found = connection.execute(select(FORGOTTEN_SESSIONS).where(is_one)).all()
    forgotten = {names[row.pseudonym]: row.forgotten_at for row in found}
    if not forgotten:
        return records
    return [record for record in records if not _is_forgotten(record, forgotten)]


def _is_forgotten(record: Record, forgotten: dict[str, datetime]) -> bool:
    moment = forgotten.get(record.session) if record.session is not None else None
    return moment is not None and record.at <= moment


def _log_row(impression: Impression) -> dict[str, Any]:
    row = _row(impression)
    return row | {"list_size": len(row.pop("items"))}


def _item_rows(impression: Impression) -> list[dict[str, Any]]:
    return [_row(item) | {"impression_id": impression.impression_id} for item in impression.items]


def _row(record: Record | ImpressionItem) -> dict[str, Any]:
    """Make a row of a record, whose fields have the names of the columns, except for the time.

    A value that one of the databases refuses is refused for all: SQLite takes a text of any length and NaN,
    PostgreSQL no NUL.
    """
    row = dict(vars(record))
    for name, value in row.items():
        if name in ("session", "track_id") and value is not None:
            if len(value) > ID_LENGTH or "\0" in value:
                raise ValueError(f"{name}: expected at most {ID_LENGTH} characters and no NUL")
        elif isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{name}: expected a finite number, got {value}")
    if "at" in row:
        row["time"] = row.pop("at")
    return row


def _test_records() -> list[Record]:
    at = datetime.now(UTC)
    impression = Impression(
        impression_id=uuid4(),
        at=at,
        session=None,
        api="native",
        request={},
        seeds=(),
        k=1,
        latency_seconds=0.0,
        digest="",
        degraded=False,
        list_diversity=None,
        avg_popularity=None,
        genre_precision=None,
        items=(ImpressionItem(rank=1, track_id="", score=0.0),),
    )
    feedback = Feedback(
        feedback_id=uuid4(),
        impression_id=impression.impression_id,
        track_id="",
        event="click",
        at=at,
        session=None,
    )
    return [impression, feedback]
