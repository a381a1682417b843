"""Statistics of the log for the monitoring page: counts over time, latest requests, feedback, tracks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    Integer,
    RowMapping,
    Subquery,
    case,
    cast,
    extract,
    func,
    literal,
    select,
    text,
)

from segue.database.engine import explained
from segue.database.tables import FEEDBACK, RECOMMEND_ITEMS, RECOMMEND_LOGS
from segue.errors import RequestError
from segue.log.figures import Bucket, RecentRequest, Totals

__all__ = ["Stats", "read_stats"]

# A chart has no room for more, and a response should stay small.
_MAX_BUCKETS = 1_000

_MEANS = ("list_diversity", "avg_popularity", "genre_precision")
# Columns whose names the figures keep.
_RECENT = [name for name in RecentRequest.__dataclass_fields__ if name not in ("at", "seeds")]
_MEASURED = [
    RECOMMEND_LOGS.c[name] for name in ("session", "list_size", "degraded", "latency_seconds", *_MEANS)
]


@dataclass(frozen=True, kw_only=True)
class Stats:
    """Statistics of the log since a time, in buckets of a width.

    Attributes
    ----------
    totals
        Of the whole period.
    buckets
        Oldest first, without empty ones.
    recent
        Newest first.
    feedback
        Number of events by kind.
    tracks
        Number of times each track was shown in the latest lists, the most frequent first.
    """

    since: datetime
    bucket_seconds: int
    totals: Totals
    buckets: tuple[Bucket, ...]
    recent: tuple[RecentRequest, ...]
    feedback: Mapping[str, int]
    tracks: Mapping[str, int]


def read_stats(
    engine: Engine,
    *,
    since: datetime,
    bucket_seconds: int,
    recent: int = 50,
    lists: int = 2_000,
) -> Stats:
    """Compute the statistics of the log since a time.

    Parameters
    ----------
    since
        Time with its time zone.
    bucket_seconds
        Width of a bucket; at most 1,000 of them fit between `since` and now.
    recent
        Number of the latest requests to return.
    lists
        Number of the latest lists that `Stats.tracks` counts, which bounds its cost.

    Raises
    ------
    RequestError
        `since` has no time zone, or there would be more than 1,000 buckets.
    DatabaseError
        The database is unavailable or refused.
    """
    if since.tzinfo is None:
        raise RequestError("since", "expected a time with its zone")
    seconds = (datetime.now(UTC) - since).total_seconds()
    if bucket_seconds < 1 or seconds / bucket_seconds > _MAX_BUCKETS:
        least = max(1, -(-int(seconds) // _MAX_BUCKETS))
        raise RequestError("bucket_seconds", f"expected at least {least}, got {bucket_seconds}")
    with explained(engine), engine.connect() as connection:
        of_all = _ranked(since, literal(0))
        return Stats(
            since=since,
            bucket_seconds=bucket_seconds,
            totals=Totals(**_plain(connection.execute(select(*_figures(of_all))).mappings().one())),
            buckets=_buckets(connection, since, bucket_seconds),
            recent=_recent(connection, since, recent),
            feedback=_feedback(connection, since),
            tracks=_tracks(connection, since, lists),
        )


def _buckets(connection: Connection, since: datetime, bucket_seconds: int) -> tuple[Bucket, ...]:
    ranked = _ranked(since, _bucket_number(connection, since, bucket_seconds))
    rows = connection.execute(
        select(ranked.c.bucket, *_figures(ranked)).group_by(ranked.c.bucket).order_by(ranked.c.bucket)
    ).mappings()
    return tuple(
        Bucket(start=since + timedelta(seconds=int(row["bucket"]) * bucket_seconds), **_plain(row))
        for row in rows
    )


def _bucket_number(connection: Connection, since: datetime, bucket_seconds: int) -> ColumnElement[int]:
    time = RECOMMEND_LOGS.c.time
    epoch: ColumnElement[int]
    if connection.dialect.name == "postgresql":
        epoch = cast(func.floor(extract("epoch", time)), BigInteger)
    elif connection.dialect.name == "sqlite":
        epoch = cast(func.strftime("%s", time), Integer)
    else:
        epoch = func.timestampdiff(text("SECOND"), text("'1970-01-01'"), time)
    return (epoch - int(since.timestamp())) // bucket_seconds


def _ranked(since: datetime, bucket: ColumnElement[int]) -> Subquery:
    """Rank the lists of each bucket by latency, as not every database has percentiles."""
    logs = RECOMMEND_LOGS.c
    numbered = select(*_MEASURED, bucket.label("bucket")).where(logs.time >= since).subquery()
    place = func.row_number().over(partition_by=numbered.c.bucket, order_by=numbered.c.latency_seconds)
    count = func.count().over(partition_by=numbered.c.bucket)
    return select(numbered, place.label("place"), count.label("of")).subquery()


def _figures(ranked: Subquery) -> list[ColumnElement[Any]]:
    of = ranked.c
    return [
        func.count().label("requests"),
        func.sum(case((of.degraded.is_(True), 1), else_=0)).label("degraded"),
        func.sum(case((of.list_size == 0, 1), else_=0)).label("empty"),
        func.count(of.session.distinct()).label("sessions"),
        *(
            # nearest rank: the smallest latency that this share of the lists did not exceed
            func.min(case((of.place >= share * of.of, of.latency_seconds))).label(name)
            for name, share in (("latency_p50_seconds", 0.5), ("latency_p95_seconds", 0.95))
        ),
        *(func.avg(of[name]).label(name) for name in _MEANS),
    ]


def _plain(row: RowMapping) -> dict[str, Any]:
    # a sum of no rows is None, and a Decimal on two of the databases
    counts = {name: int(row[name] or 0) for name in ("requests", "degraded", "empty", "sessions")}
    names = ("latency_p50_seconds", "latency_p95_seconds", *_MEANS)
    return counts | {name: None if row[name] is None else float(row[name]) for name in names}


def _recent(connection: Connection, since: datetime, limit: int) -> tuple[RecentRequest, ...]:
    logs = RECOMMEND_LOGS.c
    query = select(RECOMMEND_LOGS).where(logs.time >= since).order_by(logs.time.desc()).limit(limit)
    return tuple(
        RecentRequest(at=row.time, seeds=tuple(row.seeds), **{name: getattr(row, name) for name in _RECENT})
        for row in connection.execute(query)
    )


def _feedback(connection: Connection, since: datetime) -> dict[str, int]:
    of = FEEDBACK.c
    query = select(of.event, func.count()).where(of.time >= since).group_by(of.event).order_by(of.event)
    return {row[0]: row[1] for row in connection.execute(query)}


def _tracks(connection: Connection, since: datetime, lists: int) -> dict[str, int]:
    logs, items = RECOMMEND_LOGS.c, RECOMMEND_ITEMS.c
    latest = (
        select(logs.impression_id).where(logs.time >= since).order_by(logs.time.desc()).limit(lists)
    ).subquery()
    shown = func.count()
    query = (
        select(items.track_id, shown)
        .join(latest, latest.c.impression_id == items.impression_id)
        .group_by(items.track_id)
        .order_by(shown.desc(), items.track_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}
