"""Databases that are killed, hang or are locked, for real: every record arrives, once."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from segue.database import migrate, open_engine
from segue.database.tables import FEEDBACK, RECOMMEND_ITEMS, RECOMMEND_LOGS
from segue.log.settings import LogSettings
from segue.log.spool import Spool
from segue.log.writer import LogWriter
from tests.database_servers import DatabaseServer
from tests.log.records import count, feedback, impression, rows, spooled_lines, until

SERVERS = pytest.mark.parametrize("kind", ["postgresql", "mariadb"])


@pytest.fixture
def server(kind: str, request: pytest.FixtureRequest) -> Iterator[DatabaseServer]:
    server: DatabaseServer = request.getfixturevalue(kind)
    yield server
    server.start()


@pytest.fixture
def engine(server: DatabaseServer) -> Iterator[Engine]:
    url = server.make_database()
    migrate(url)
    engine = open_engine(url)
    yield engine
    engine.dispose()


def put_all(writer: LogWriter, numbers: range) -> None:
    """Log a list and, for every fifth, feedback; a thousand a second."""
    for n in numbers:
        record = impression(n)
        assert writer.put(record)
        if n % 5 == 0:
            assert writer.put(feedback(record.impression_id, n))
        if n % 10 == 0:
            time.sleep(0.01)


@pytest.mark.live
@SERVERS
def test_it_loses_nothing_when_the_database_is_killed_for_a_third_of_the_time(
    server: DatabaseServer, engine: Engine, tmp_path: Path
) -> None:
    writer = LogWriter(engine, LogSettings(spool=tmp_path / "spool"))
    writer.start()
    put_all(writer, range(3_333))
    server.kill()
    put_all(writer, range(3_333, 6_667))
    until(lambda: writer.spooled > 2_000)
    server.start()
    put_all(writer, range(6_667, 10_000))
    until(lambda: writer.queued == 0 and writer.spooled == 0)
    writer.stop(10)
    # each once: the ids are the primary key, so as many rows as lists are as many lists
    assert count(engine, RECOMMEND_LOGS) == 10_000
    assert count(engine, RECOMMEND_ITEMS) == 30_000
    assert count(engine, FEEDBACK) == 2_000
    assert sorted(int(row.seeds[0].removeprefix("seed-")) for row in rows(engine, RECOMMEND_LOGS)) == list(
        range(10_000)
    )
    assert (writer.lost, writer.rejected) == (0, 0)
    assert spooled_lines(tmp_path / "spool") == []


@pytest.mark.live
@SERVERS
def test_it_goes_on_when_the_database_hangs(server: DatabaseServer, engine: Engine, tmp_path: Path) -> None:
    writer = LogWriter(engine, LogSettings(spool=tmp_path / "spool"))
    writer.start()
    put_all(writer, range(500))
    until(lambda: writer.written == 600)
    server.pause()
    try:
        put_all(writer, range(500, 1_500))
        until(lambda: writer.spooled == 1_200 and writer.queued == 0)
    finally:
        server.resume()
    put_all(writer, range(1_500, 2_000))
    until(lambda: writer.spooled == 0 and writer.queued == 0)
    writer.stop(10)
    assert count(engine, RECOMMEND_LOGS) == 2_000
    assert count(engine, FEEDBACK) == 400
    assert writer.lost == 0


@pytest.mark.live
@SERVERS
def test_stopping_while_the_database_hangs_leaves_the_rest_in_the_spool(
    server: DatabaseServer, engine: Engine, tmp_path: Path
) -> None:
    writer = LogWriter(engine, LogSettings(spool=tmp_path / "spool"))
    writer.start()
    until(lambda: count(engine, RECOMMEND_LOGS) == 0)
    server.pause()
    try:
        put_all(writer, range(200))
        writer.stop(2)  # who waited for the database would wait for ever
    finally:
        server.resume()
    after = LogWriter(engine, LogSettings(spool=tmp_path / "spool"))
    after.start()
    until(lambda: after.written == 240)
    after.stop(10)
    assert count(engine, RECOMMEND_LOGS) == 200


@pytest.mark.live
@SERVERS
def test_two_writers_that_replay_one_spool_neither_reject_nor_count_twice(
    engine: Engine, server: DatabaseServer, tmp_path: Path
) -> None:
    spool = Spool(tmp_path / "spool")
    for start in range(0, 5_000, 500):
        spool.append([impression(n) for n in range(start, start + 500)])
    spool.close()
    writers = [LogWriter(engine, LogSettings(spool=tmp_path / "spool")) for _ in range(2)]
    for writer in writers:
        writer.start()
    until(lambda: sum(writer.written for writer in writers) == 5_000)
    for writer in writers:
        writer.stop(10)
        assert (writer.rejected, writer.lost) == (0, 0)
    assert count(engine, RECOMMEND_LOGS) == 5_000
    assert count(engine, RECOMMEND_ITEMS) == 15_000


def test_it_goes_on_while_another_process_has_the_file_locked(tmp_path: Path) -> None:
    path = tmp_path / "segue.db"
    migrate(f"sqlite:///{path}")
    engine = open_engine(f"sqlite:///{path}")
    writer = LogWriter(engine, LogSettings(spool=tmp_path / "spool"))
    writer.start()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    put_all(writer, range(1_000))
    until(lambda: writer.spooled == 1_200 and writer.queued == 0)
    assert writer.written == 0
    other.execute("COMMIT")
    until(lambda: writer.spooled == 0)
    writer.stop(10)
    assert count(engine, RECOMMEND_LOGS) == 1_000
    assert count(engine, FEEDBACK) == 200
    assert writer.lost == 0
    engine.dispose()


@pytest.mark.parametrize("poison", [{"session": "x" * 300}, {"k": 1 << 70}], ids=["refused", "unwritable"])
def test_it_sets_aside_once_what_was_tried_while_the_database_was_slow(
    tmp_path: Path, poison: dict[str, Any]
) -> None:
    path = tmp_path / "segue.db"
    migrate(f"sqlite:///{path}")
    engine = open_engine(f"sqlite:///{path}")
    writer = LogWriter(engine, LogSettings(spool=tmp_path / "spool", flush_seconds=0.02))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    writer.start()
    for record in (impression(), impression(**poison), impression()):
        assert writer.put(record)
    # the batch is copied to the spool, while the thread that has it still waits to write it
    until(lambda: writer.spooled >= 2)
    other.execute("COMMIT")
    until(lambda: writer.spooled == 0 and count(engine, RECOMMEND_LOGS) == 2)
    writer.stop(5)
    assert (writer.written, writer.rejected, writer.lost) == (2, 1, 0)
    assert len(spooled_lines(tmp_path / "spool", "rejected")) == 1
    engine.dispose()


def test_it_loses_only_what_neither_memory_nor_disk_holds(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"sqlite:///{tmp_path / 'segue.db'}"
    engine = open_engine(url)  # no tables: away
    settings = LogSettings(spool=tmp_path / "spool", max_queued=1_000, batch=20, flush_seconds=0.02)
    # smaller than a setting can be, so that few records fill it
    writer = LogWriter(engine, settings.model_copy(update={"max_spool_bytes": 100_000}))
    writer.start()
    taken = 0
    for n in range(3_000):
        taken += writer.put(impression(n))
        if n % 10 == 0:
            time.sleep(0.002)
    until(lambda: writer.spooled > 100)
    assert writer.lost == 3_000 - taken > 1_000
    migrate(url)
    until(lambda: writer.written == taken)
    assert writer.put(impression())
    until(lambda: writer.written == taken + 1)
    writer.stop(5)
    assert count(engine, RECOMMEND_LOGS) == taken + 1
    assert sum("is lost" in record.message for record in caplog.records) == 1
    assert sum("they stay in memory" in record.message for record in caplog.records) == 1
    engine.dispose()
