"""Deleting records from the log: those of a session, or those older than a number of days."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Column, ColumnElement, Engine, Table, delete, select

from segue.database.deleting import deleting
from segue.database.engine import WRITE, explained
from segue.database.statements import upsert
from segue.database.tables import FEEDBACK, FORGOTTEN_SESSIONS, RECOMMEND_ITEMS, RECOMMEND_LOGS
from segue.errors import RequestError
from segue.log.old_spool import import_old_files
from segue.log.pseudonyms import pseudonym, pseudonym_key
from segue.log.spool import Spool

__all__ = ["Deleted", "Forgotten", "delete_older_than", "forget_session"]

# Rows of the first table in one transaction: locks are held for about 0.1 s, and no statement is longer than
# a database accepts. Larger transactions were not faster.
_BATCH = 1_000
# The log's writer commits a batch within this time.
_BATCH_SECONDS = 1.0
_MAX_DAYS = 36_500


@dataclass(frozen=True, kw_only=True)
class Deleted:
    """Number of deleted rows."""

    impressions: int
    items: int
    feedback: int


@dataclass(frozen=True, kw_only=True)
class Forgotten(Deleted):
    """Number of deleted records of a session; `spooled` are those deleted from the spool on this machine.

    Those in the spool of another machine are not counted; they are dropped when they reach the database.
    """

    spooled: int


def forget_session(engine: Engine, session: str, *, spool: Path | None = None) -> Forgotten:
    """Erase everything logged about a session until now: lists, their tracks, feedback.

    The time is stored with a keyed hash of the session's id, so that older records of it that arrive later
    are dropped. Records in the spool's folder on this machine are erased, too.

    Raises
    ------
    DatabaseError
        The database is unavailable or refused. What was erased stays erased; run it again.
    LogError
        The spool can't be written to, or is in use. Run it again.
    """
    with explained(engine):
        _remember(engine, session)
        first = _erase(engine, session)
        # a batch that was being written at that time does not know of it
        time.sleep(_BATCH_SECONDS)
        later = _erase(engine, session)
    impressions, items, feedback = (sum(counts) for counts in zip(first, later, strict=True))
    spooled = _erase_from_spool(spool, session) if spool is not None and spool.is_dir() else 0
    return Forgotten(impressions=impressions, items=items, feedback=feedback, spooled=spooled)


def delete_older_than(engine: Engine, days: float) -> Deleted:
    """Delete lists, with their tracks, and feedback that are older than a number of days.

    Raises
    ------
    RequestError
        The number of days is below 0 or above 36,500.
    DatabaseError
        The database is unavailable or refused. What was deleted stays deleted; run it again.
    """
    if not 0 <= days <= _MAX_DAYS:
        raise RequestError("days", f"expected 0 to {_MAX_DAYS:,}, got {days}")
    oldest = datetime.now(UTC) - timedelta(days=days)
    with explained(engine):
        impressions, items = _delete_before(engine, RECOMMEND_LOGS.c.time, oldest, RECOMMEND_ITEMS)
        (feedback,) = _delete_before(engine, FEEDBACK.c.time, oldest)
        # the records that it kept out would be too old now
        _delete_before(engine, FORGOTTEN_SESSIONS.c.forgotten_at, oldest)
    return Deleted(impressions=impressions, items=items, feedback=feedback)


def _remember(engine: Engine, session: str) -> None:
    with engine.connect().execution_options(**WRITE) as connection, connection.begin():
        name = pseudonym(pseudonym_key(connection), session)
        row = {"pseudonym": name, "forgotten_at": datetime.now(UTC)}
        connection.execute(upsert(connection, FORGOTTEN_SESSIONS), row)


def _erase_from_spool(root: Path, session: str) -> int:
    with closing(Spool(root)) as spool:
        import_old_files(spool)
        return spool.erase(session)


def _erase(engine: Engine, session: str) -> tuple[int, int, int]:
    of_list, of_event = RECOMMEND_LOGS.c.session, FEEDBACK.c.session
    (feedback,) = _delete(engine, of_event == session, along=of_event)
    # feedback on its lists may have arrived without the session
    impressions, items, more = _delete(
        engine, of_list == session, along=of_list, and_in=(RECOMMEND_ITEMS, FEEDBACK)
    )
    return impressions, items, feedback + more


def _delete_before(engine: Engine, time: Column[Any], oldest: datetime, *and_in: Table) -> list[int]:
    return _delete(engine, time < oldest, along=time, and_in=and_in)


def _delete(
    engine: Engine, which: ColumnElement[bool], *, along: Column[Any], and_in: tuple[Table, ...] = ()
) -> list[int]:
    """Delete rows, and those with the same key in other tables, in the order of a column; count each.

    A batch begins where the last one ended, so that it does not read the deleted rows again: PostgreSQL
    keeps them in table and index until it vacuums.
    """
    (key,) = along.table.primary_key.columns
    columns = [key, *(other.c[key.name] for other in and_in)]
    counts = [0] * len(columns)
    ahead = which
    while True:
        with deleting(engine) as connection:
            found = connection.execute(select(key, along).where(ahead).order_by(along).limit(_BATCH)).all()
            keys = [row[0] for row in found]
            for i, column in enumerate(columns):
                counts[i] += connection.execute(delete(column.table).where(column.in_(keys))).rowcount
        if len(found) < _BATCH:
            return counts
        ahead = which & (along >= found[-1][1])
