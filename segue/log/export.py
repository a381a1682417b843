"""The log as interactions that the pipeline learns from."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Select, case, func, select

from segue.database.engine import WRITE, explained
from segue.database.tables import FEEDBACK, RECOMMEND_LOGS
from segue.errors import RequestError
from segue.files import replacing
from segue.log.pseudonyms import pseudonym, pseudonym_key

__all__ = ["Exported", "export_interactions"]

_WANTED = ("play", "like")
_UNWANTED = ("skip", "dislike")
_ROWS_AT_ONCE = 2_000
# 128 bits: no two sessions get the same name, and a line stays short.
_NAME_DIGITS = 32


@dataclass(frozen=True, kw_only=True)
class Exported:
    """Number of sessions and of interactions written."""

    sessions: int
    interactions: int


def export_interactions(
    engine: Engine,
    *,
    since: datetime,
    out: Path,
    on_rows: Callable[[int], None] | None = None,
) -> Exported:
    """Write what listeners played and liked as ``playlist_id,track_id``, a session as a playlist.

    The last event of a listener with a track counts: a track that was skipped after it was played is left
    out, one that was liked after it was skipped is included. Feedback without a session gets that of its
    list; if the list has none, it is its own session. Sessions have pseudonyms, the same at every export.

    Parameters
    ----------
    since
        Time with its time zone; earlier feedback is left out.
    out
        The CSV file, ordered by session and time. Rows are streamed; the log is never all in memory.
    on_rows
        Called with the number of rows written so far.

    Raises
    ------
    RequestError
        `since` has no time zone.
    DatabaseError
        The database is unavailable or refused. Nothing is written to `out`.
    """
    if since.tzinfo is None:
        raise RequestError("since", "expected a time with its zone")
    with explained(engine), replacing(out) as temporary, temporary.open("w", newline="") as file:
        key = _pseudonym_key(engine)
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("playlist_id", "track_id"))
        sessions = rows = 0
        last = None
        with engine.connect().execution_options(stream_results=True, yield_per=_ROWS_AT_ONCE) as connection:
            for row in connection.execute(_last_verdicts(since)):
                session, list_id, track = row.session, row.list_id, row.track_id
                if (session, list_id) != last:
                    last = session, list_id
                    name = pseudonym(key, session or f"list {list_id}")[:_NAME_DIGITS]
                    sessions += 1
                writer.writerow((name, track))
                rows += 1
                if on_rows is not None and rows % _ROWS_AT_ONCE == 0:
                    on_rows(rows)
    return Exported(sessions=sessions, interactions=rows)


def _pseudonym_key(engine: Engine) -> bytes:
    with engine.connect().execution_options(**WRITE) as connection, connection.begin():
        return pseudonym_key(connection)


def _last_verdicts(since: datetime) -> Select[Any]:
    """Select the sessions and tracks whose last event is a play or a like."""
    feedback, logs = FEEDBACK.c, RECOMMEND_LOGS.c
    session = func.coalesce(feedback.session, logs.session)
    columns = (
        session.label("session"),
        case((session.is_(None), feedback.impression_id)).label("list_id"),
        feedback.track_id,
        feedback.time,
        case((feedback.event.in_(_UNWANTED), 1), else_=0).label("unwanted"),
    )
    with_list = FEEDBACK.outerjoin(RECOMMEND_LOGS, logs.impression_id == feedback.impression_id)
    counts = (feedback.time >= since) & feedback.event.in_((*_WANTED, *_UNWANTED))
    events = select(*columns).select_from(with_list).where(counts).subquery().c
    place = func.row_number().over(
        partition_by=(events.session, events.list_id, events.track_id),
        order_by=(events.time.desc(), events.unwanted.desc()),
    )
    ranked = select(*events, place.label("place")).subquery().c
    return (
        select(ranked.session, ranked.list_id, ranked.track_id)
        .where(ranked.place == 1, ranked.unwanted == 0)
        .order_by(ranked.session, ranked.list_id, ranked.time, ranked.track_id)
    )
