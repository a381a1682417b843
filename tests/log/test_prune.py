"""Deleting what is old from a large log, on each database: killed half way, and beside a writer."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, delete, func, select, text

from segue.database import migrate, open_engine
from segue.database.deleting import deleting
from segue.database.tables import FEEDBACK, RECOMMEND_ITEMS, RECOMMEND_LOGS
from segue.log.erase import Deleted, delete_older_than
from segue.log.insert import insert_records
from segue.log.record import Impression
from tests.database_servers import DatabaseServer
from tests.log.records import count, feedback, impression, rows, until

pytestmark = pytest.mark.live

OLD = 20_000
NEW = 300


def fill(engine: Engine) -> set[object]:
    """20,000 lists that are too old, many at the same moment, and 300 that are not; the ids of these."""
    now = datetime.now(UTC)
    old = now - timedelta(days=91)
    # 700 at one moment: a batch of the prune may end between two of them
    for start in range(0, OLD, 2_000):
        lists = [impression(n, at=old - timedelta(seconds=n // 700)) for n in range(start, start + 2_000)]
        insert_records(engine, [*lists, *(feedback(each.impression_id, at=each.at) for each in lists[::10])])
    new = [impression(n, at=now - timedelta(days=89, seconds=n)) for n in range(NEW)]
    insert_records(engine, [*new, *(feedback(each.impression_id, at=each.at) for each in new)])
    return {each.impression_id for each in new}


def lists_of_wrong_size(engine: Engine) -> int:
    """Lists that don't have their three tracks, and tracks that don't have their list."""
    tracks = (
        select(RECOMMEND_ITEMS.c.impression_id, func.count().label("tracks"))
        .group_by(RECOMMEND_ITEMS.c.impression_id)
        .subquery()
    )
    same = RECOMMEND_LOGS.c.impression_id == tracks.c.impression_id
    whole = select(func.count()).select_from(RECOMMEND_LOGS.join(tracks, same))
    with engine.connect() as connection:
        of_three = connection.execute(whole.where(tracks.c.tracks == 3)).scalar_one()
        lists_with_tracks = connection.execute(select(func.count()).select_from(tracks)).scalar_one()
    return abs(count(engine, RECOMMEND_LOGS) - of_three) + abs(lists_with_tracks - of_three)


def left(engine: Engine) -> set[object]:
    return {row.impression_id for row in rows(engine, RECOMMEND_LOGS)}


def test_it_goes_on_where_it_was_killed_half_way(database: Engine, database_url: str) -> None:
    new = fill(database)
    pruning = subprocess.Popen(
        [sys.executable, "-m", "segue.cli", "log", "prune", "--older-than", "90d"],
        env={**os.environ, "SEGUE_DATABASE_URL": database_url},
    )
    until(lambda: count(database, RECOMMEND_LOGS) < OLD + NEW)
    pruning.kill()
    pruning.wait()
    remaining = count(database, RECOMMEND_LOGS) - NEW
    assert 0 < remaining < OLD, "it was over before it was killed"
    assert new < left(database)
    assert lists_of_wrong_size(database) == 0
    assert count(database, FEEDBACK) == OLD // 10 + NEW

    gone = delete_older_than(database, 90)
    assert gone == Deleted(impressions=remaining, items=3 * remaining, feedback=OLD // 10)
    assert left(database) == new
    assert lists_of_wrong_size(database) == 0
    assert {row.impression_id for row in rows(database, FEEDBACK)} == new


def test_it_holds_up_nobody_who_writes(database: Engine) -> None:
    new = fill(database)
    written: list[Impression] = []
    with ThreadPoolExecutor(1) as pool:
        pruning = pool.submit(delete_older_than, database, 90)
        while not pruning.done():
            batch: Sequence[Impression] = [impression(n, at=datetime.now(UTC)) for n in range(50)]
            # without the writer's second tries: a deadlock would be an error here
            insert_records(database, batch)
            written.extend(batch)
    assert pruning.result() == Deleted(impressions=OLD, items=3 * OLD, feedback=OLD // 10)
    # it got in between the batches
    assert len(written) >= 5 * 50
    assert left(database) == new | {each.impression_id for each in written}
    assert lists_of_wrong_size(database) == 0


def test_it_finds_rows_by_index_in_a_database_that_was_never_analysed(postgresql: DatabaseServer) -> None:
    url = postgresql.make_database()
    migrate(url)
    engine = open_engine(url)
    insert_records(engine, [impression(n) for n in range(3_000)])
    keys = [row.impression_id for row in rows(engine, RECOMMEND_LOGS)][::3]
    statement = delete(RECOMMEND_ITEMS).where(RECOMMEND_ITEMS.c.impression_id.in_(keys))
    plain = str(statement.compile(engine, compile_kwargs={"literal_binds": True}))
    with deleting(engine) as connection:
        plan = "\n".join(connection.execute(text(f"EXPLAIN {plain}")).scalars())
    assert "pk_recommend_items" in plan
    assert "Seq Scan" not in plan
    engine.dispose()
