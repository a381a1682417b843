"""A process that is killed: what it had spooled is replayed, what it had in memory is a second's at most."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine

from segue.database import migrate, open_engine
from segue.database.tables import RECOMMEND_ITEMS, RECOMMEND_LOGS
from segue.log.settings import LogSettings
from segue.log.writer import LogWriter
from tests.log.records import count, impression, rows, spooled_lines, until


@dataclass
class Put:
    """What the killed process handed over: each id, when, and how many it had in its spool by then."""

    ids: list[UUID]
    times: list[float]
    spooled: int

    def older_than(self, seconds: float) -> list[UUID]:
        """What was handed over so long before the end."""
        return [one for one, at in zip(self.ids, self.times, strict=True) if at < self.times[-1] - seconds]


@contextmanager
def writing(url: str, spool: Path, *, rate: int, most_bytes: str = "") -> Iterator[subprocess.Popen[str]]:
    program = [sys.executable, "-m", "tests.log.writing_process", url, str(spool), str(rate), most_bytes]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def read(process: subprocess.Popen[str], *, until: Callable[[Put], bool]) -> Put:
    """Read what it says until there is enough of it, then kill it."""
    assert process.stdout is not None
    put = Put([], [], 0)
    while not until(put):
        _note(put, process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    # the last may be half a line
    for line in process.stdout.read().splitlines()[:-1]:
        _note(put, line)
    return put


def _note(put: Put, line: str) -> None:
    name, at, spooled = line.split()
    put.ids.append(UUID(name))
    put.times.append(float(at))
    put.spooled = max(put.spooled, int(spooled))


def ids_in(engine: Engine) -> set[UUID]:
    return {row.impression_id for row in rows(engine, RECOMMEND_LOGS)}


def test_it_loses_a_second_at_most_while_the_database_is_there(database_url: str, tmp_path: Path) -> None:
    migrate(database_url)
    with writing(database_url, tmp_path / "spool", rate=300) as process:
        put = read(process, until=lambda put: len(put.older_than(1.2)) > 300)
    engine = open_engine(database_url)
    writer = LogWriter(engine, LogSettings(spool=tmp_path / "spool"))
    writer.start()
    writer.stop(5)
    written, old = ids_in(engine), put.older_than(1.2)
    assert len(old) > 300
    assert set(old) <= written
    assert count(engine, RECOMMEND_ITEMS) == 3 * len(written)  # no list without its tracks
    engine.dispose()


def test_it_replays_what_a_killed_process_spooled(
    database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # a database that has no tables yet takes no rows: to the writer it is away
    with writing(database_url, tmp_path / "spool", rate=300) as process:
        put = read(process, until=lambda put: put.spooled > 300)
    spooled = len(spooled_lines(tmp_path / "spool"))
    assert spooled >= put.spooled
    migrate(database_url)
    engine = open_engine(database_url)
    writer = LogWriter(engine, LogSettings(spool=tmp_path / "spool"))
    with caplog.at_level(logging.INFO, "segue.log"):
        writer.start()
        until(lambda: writer.written == spooled)
        writer.stop(5)
    assert set(put.older_than(1.2)) <= ids_in(engine)
    assert (writer.spooled, writer.lost) == (0, 0)
    said = [record.getMessage() for record in caplog.records]
    assert said == [f"replaying {spooled} records of the log that are in the spool"]
    assert spooled_lines(tmp_path / "spool") == []
    engine.dispose()


def test_writers_share_a_spool_and_write_each_record_once(tmp_path: Path) -> None:
    url, spool = f"sqlite:///{tmp_path / 'segue.db'}", tmp_path / "spool"
    engine = open_engine(url)
    with writing(url, spool, rate=100) as other:
        assert other.stdout is not None
        while int(other.stdout.readline().split()[2]) < 50:
            pass
        writer = LogWriter(engine, LogSettings(spool=spool, flush_seconds=0.02))
        writer.start()
        assert writer.spooled >= 50  # of the other one
        own = impression(session="own")
        assert writer.put(own)
        until(lambda: any(line["impression"]["session"] == "own" for line in spooled_lines(spool)))
        writer.stop(1)
        assert other.poll() is None
    # both have ended, one was killed: the next ones have the records of both
    records = len(spooled_lines(spool))
    migrate(url)
    both = [LogWriter(engine, LogSettings(spool=spool, flush_seconds=0.02)) for _ in range(2)]
    for after in both:
        after.start()
    until(lambda: sum(after.written for after in both) == records)
    for after in both:
        after.stop(5)
    assert spooled_lines(spool) == []
    assert count(engine, RECOMMEND_LOGS) == records > 50
    engine.dispose()


def test_a_disk_that_is_full_costs_what_memory_does_not_hold(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"sqlite:///{tmp_path / 'segue.db'}"
    with writing(url, tmp_path / "spool", rate=300, most_bytes="200000") as process:
        put = read(process, until=lambda put: len(put.ids) > 700)
        assert process.stderr is not None
        said = process.stderr.read()
    # the spool holds whole records in the order they came, and there is one complaint, not one a record
    size = sum(
        path.stat().st_size for path in (tmp_path / "spool").iterdir() if not path.name.endswith("-shm")
    )
    assert 100_000 < size <= 400_000
    found = [UUID(line["impression"]["impression_id"]) for line in spooled_lines(tmp_path / "spool")]
    assert put.ids[: len(found)] == found
    assert len(found) >= put.spooled > 50
    assert said.count("the log's spool takes no records, they stay in memory") == 1
    assert len(put.ids) > 700  # and it went on
