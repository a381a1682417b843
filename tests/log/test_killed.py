"""A process that is killed: what it had spooled is replayed, what it had in memory is a second's at most."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine

from segue.database import migrate, open_engine
from segue.database.tables import RECOMMEND_ITEMS, RECOMMEND_LOGS
from segue.log import LogWriter
from tests.log.records import count, impression, rows, until


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
    writer = LogWriter(engine, spool=tmp_path / "spool")
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
    (segment,) = (tmp_path / "spool").glob("*/*.jsonl")
    whole = segment.read_bytes()
    segment.write_bytes(whole + b'{"impression":{"impression_id":"0b')  # killed while it wrote
    migrate(database_url)
    engine = open_engine(database_url)
    writer = LogWriter(engine, spool=tmp_path / "spool")
    with caplog.at_level(logging.INFO, "segue.log"):
        writer.start()
        spooled = whole.count(b"\n")
        until(lambda: writer.written == spooled)
        writer.stop(5)
    assert set(put.older_than(1.2)) <= ids_in(engine)
    assert (writer.spooled, writer.lost) == (0, 1)
    said = [record.getMessage() for record in caplog.records]
    assert said[0] == f"replaying {spooled} records of the log that another process left"
    assert said[1].endswith("1 lines can't be read, and are lost")
    assert list((tmp_path / "spool").glob("*/*")) == []
    engine.dispose()


def test_living_writers_should_leave_each_others_spool_alone(tmp_path: Path) -> None:
    url, spool = f"sqlite:///{tmp_path / 'segue.db'}", tmp_path / "spool"
    engine = open_engine(url)
    with writing(url, spool, rate=100) as other:
        assert other.stdout is not None
        while int(other.stdout.readline().split()[2]) < 50:
            pass
        writer = LogWriter(engine, spool=spool, flush_seconds=0.02)
        writer.start()
        assert writer.put(impression())
        until(lambda: writer.spooled == 1)
        time.sleep(0.5)
        assert writer.spooled == 1
        assert len(list(spool.glob("*/*.jsonl"))) == 2
        writer.stop(1)
        assert other.poll() is None
    # both are gone, one killed: the next one has both of theirs
    migrate(url)
    after = LogWriter(engine, spool=spool, flush_seconds=0.02)
    after.start()
    until(lambda: after.written > 50)
    after.stop(5)
    assert len(list(spool.glob("*/*.jsonl"))) == 0
    assert count(engine, RECOMMEND_LOGS) == after.written
    engine.dispose()


def test_a_disk_that_is_full_should_cost_what_memory_does_not_hold(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"sqlite:///{tmp_path / 'segue.db'}"
    with writing(url, tmp_path / "spool", rate=300, most_bytes="200000") as process:
        put = read(process, until=lambda put: len(put.ids) > 700)
        assert process.stderr is not None
        said = process.stderr.read()
    # the spool's file ends with a whole line, and there is one complaint, not one a record
    (segment,) = (tmp_path / "spool").glob("*/*.jsonl")
    assert 100_000 < len(segment.read_bytes()) <= 200_000
    assert segment.read_bytes().endswith(b"}\n")
    assert said.count("the log's spool takes no records, they stay in memory") == 1
    assert len(put.ids) > 700  # and it went on
