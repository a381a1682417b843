"""Records for the log's tests."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine, Table, func, select

from segue.log.record import Feedback, Impression, ImpressionItem

DIGEST = "ab" * 32
START = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)


def impression(n: int = 0, **changes: Any) -> Impression:
    """The n-th list: a second and a track after the one before."""
    values: dict[str, Any] = {
        "impression_id": uuid4(),
        "at": START + timedelta(seconds=n),
        "session": f"session-{n % 7}",
        "api": "native",
        "request": {"seeds": [f"seed-{n}"], "k": 3},
        "seeds": (f"seed-{n}",),
        "k": 3,
        "latency_seconds": 0.001 * (n % 100 + 1),
        "digest": DIGEST,
        "degraded": False,
        "list_diversity": 0.5,
        "avg_popularity": 40.0,
        "genre_precision": None,
        "items": tuple(
            ImpressionItem(rank=rank, track_id=f"track-{n + rank}", score=1 / rank) for rank in (1, 2, 3)
        ),
    }
    return Impression(**(values | changes))


def feedback(of: UUID | None = None, n: int = 0, **changes: Any) -> Feedback:
    values: dict[str, Any] = {
        "feedback_id": uuid4(),
        "impression_id": of or uuid4(),
        "track_id": f"track-{n}",
        "event": "play",
        "at": START + timedelta(seconds=n),
        "session": f"session-{n % 7}",
    }
    return Feedback(**(values | changes))


def rows(engine: Engine, table: Table) -> Sequence[Any]:
    with engine.connect() as connection:
        return connection.execute(select(table).order_by(*table.primary_key.columns)).all()


def count(engine: Engine, table: Table) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def spooled_lines(spool: Path, table: str = "records") -> list[Any]:
    """The lines of JSON that are in a spool's file, read as a stranger would."""
    with closing(sqlite3.connect(f"file:{spool / 'spool.sqlite'}?mode=ro", uri=True)) as connection:
        return [
            json.loads(line) for (line,) in connection.execute(f"SELECT line FROM {table} ORDER BY rowid")
        ]


def until(is_so: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
