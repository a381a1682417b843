"""Taking records out of the log: those of a session, or those that are too old."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import ColumnElement, Engine, Table, delete, select

from segue.database.engine import WRITE, explained
from segue.database.statements import upsert
from segue.database.tables import FEEDBACK, FORGOTTEN_SESSIONS, RECOMMEND_ITEMS, RECOMMEND_LOGS
from segue.errors import RequestError
from segue.log.pseudonyms import pseudonym, pseudonym_key
from segue.log.spool_erase import erase_from_spool

__all__ = ["Deleted", "Forgotten", "delete_older_than", "forget_session"]

# So many rows of the first table in one transaction: a lock is held for milliseconds, and no statement
# grows longer than a database takes.
_BATCH = 500
# A batch of the log's writer is committed within this.
_BATCH_SECONDS = 1.0
_MOST_DAYS = 36_500


@dataclass(frozen=True, kw_only=True)
class Deleted:
    """How many rows went."""

    impressions: int
    items: int
    feedback: int


@dataclass(frozen=True, kw_only=True)
class Forgotten(Deleted):
    """How many records of a session went.

    Attributes
    ----------
    spooled
        Records found in the spool on this machine. What another machine's spool holds nobody can count
        here; it is dropped when it reaches the database.
    """

    spooled: int


def forget_session(engine: Engine, session: str, *, spool: Path | None = None) -> Forgotten:
    """Erase what was logged of a session until now: lists, their tracks, feedback.

    The moment is kept beside a keyed hash of the session's id, so that no spool can bring it back.

    Parameters
    ----------
    spool
        The spool on this machine, if there is one.

    Raises
    ------
    DatabaseError
        The database is away or refused; what was erased by then stays erased, and it can be run again.
    """
    with explained(engine):
        _remember(engine, session)
        first = _erase(engine, session)
        # a batch that was being written did not know of it yet
        time.sleep(_BATCH_SECONDS)
        later = _erase(engine, session)
    impressions, items, feedback = (sum(counts) for counts in zip(first, later, strict=True))
    spooled = erase_from_spool(spool, session) if spool is not None else 0
    return Forgotten(impressions=impressions, items=items, feedback=feedback, spooled=spooled)


def delete_older_than(engine: Engine, days: float) -> Deleted:
    """Delete lists, with their tracks, and feedback that are older than so many days.

    Raises
    ------
    RequestError
        A number of days below 0 or above 36,500.
    DatabaseError
        The database is away or refused; what was deleted by then stays deleted.
    """
    if not 0 <= days <= _MOST_DAYS:
        raise RequestError("days", f"expected 0 to {_MOST_DAYS:,}, got {days}")
    oldest = datetime.now(UTC) - timedelta(days=days)
    with explained(engine):
        impressions, items = _delete_lists(engine, RECOMMEND_LOGS.c.time < oldest, and_in=(RECOMMEND_ITEMS,))
        feedback = _delete(engine, FEEDBACK, FEEDBACK.c.time < oldest)
        # what it kept away is too old by now, too
        _delete(engine, FORGOTTEN_SESSIONS, FORGOTTEN_SESSIONS.c.forgotten_at < oldest)
    return Deleted(impressions=impressions, items=items, feedback=feedback)


def _remember(engine: Engine, session: str) -> None:
    with engine.connect().execution_options(**WRITE) as connection, connection.begin():
        name = pseudonym(pseudonym_key(connection), session)
        row = {"pseudonym": name, "forgotten_at": datetime.now(UTC)}
        connection.execute(upsert(connection, FORGOTTEN_SESSIONS), row)


def _erase(engine: Engine, session: str) -> tuple[int, int, int]:
    feedback = _delete(engine, FEEDBACK, FEEDBACK.c.session == session)
    # of its lists there may be feedback that came without the session
    of_session = RECOMMEND_LOGS.c.session == session
    impressions, items, more = _delete_lists(engine, of_session, and_in=(RECOMMEND_ITEMS, FEEDBACK))
    return impressions, items, feedback + more


def _delete_lists(engine: Engine, which: ColumnElement[bool], *, and_in: tuple[Table, ...]) -> list[int]:
    """Delete lists, and their rows in other tables; returns how many went of each."""
    return _delete_in_batches(engine, RECOMMEND_LOGS, which, and_in)


def _delete(engine: Engine, table: Table, which: ColumnElement[bool]) -> int:
    return _delete_in_batches(engine, table, which, ())[0]


def _delete_in_batches(
    engine: Engine, table: Table, which: ColumnElement[bool], and_in: tuple[Table, ...]
) -> list[int]:
    (key,) = table.primary_key.columns
    counts = [0] * (1 + len(and_in))
    while True:
        with engine.connect().execution_options(**WRITE) as connection, connection.begin():
            keys = connection.execute(select(key).where(which).limit(_BATCH)).scalars().all()
            if not keys:
                return counts
            columns = [key, *(other.c[key.name] for other in and_in)]
            for i, column in enumerate(columns):
                counts[i] += connection.execute(delete(column.table).where(column.in_(keys))).rowcount
