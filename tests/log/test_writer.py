"""The writer on each database: every record arrives, once, as it was."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from segue.database.tables import FEEDBACK, RECOMMEND_ITEMS, RECOMMEND_LOGS
from segue.log.insert import insert_records, takes_rows
from segue.log.record import ImpressionItem
from segue.log.settings import LogSettings
from segue.log.writer import LogWriter
from tests.log.records import START, count, feedback, impression, rows, spooled_lines, until

Start = Callable[..., LogWriter]


@pytest.fixture
def start(database: Engine, tmp_path: Path) -> Iterator[Start]:
    started: list[LogWriter] = []

    def start(**options: Any) -> LogWriter:
        settings = LogSettings(**{"spool": tmp_path / "spool", "flush_seconds": 0.02, **options})
        writer = LogWriter(database, settings)
        writer.start()
        started.append(writer)
        return writer

    yield start
    for writer in started:
        writer.stop(5)


def test_it_writes_a_list_as_it_was(database: Engine, start: Start) -> None:
    seoul = timezone(timedelta(hours=9))
    record = impression(
        at=START.astimezone(seoul),
        session="세션 🎧",
        request={"seeds": [{"artist": "방탄소년단"}], "note": '봄날 "quoted" \\ 🎶'},
        seeds=("4uLU6hMCjMI75M1A2tKUQC", "봄날"),
        degraded=True,
        genre_precision=0.1,
        items=(
            ImpressionItem(rank=1, track_id="봄날", score=0.1),
            ImpressionItem(rank=2, track_id="b", score=-2.5),
        ),
    )
    writer = start()
    assert writer.put(record)
    until(lambda: writer.written == 1)
    (row,) = rows(database, RECOMMEND_LOGS)
    assert row.impression_id == record.impression_id
    assert row.time == START
    assert row.time.utcoffset() == timedelta(0)
    assert (row.session, row.request, tuple(row.seeds)) == (record.session, record.request, record.seeds)
    assert (row.api, row.k, row.list_size, row.digest) == ("native", 3, 2, record.digest)
    assert (row.latency_seconds, row.degraded) == (record.latency_seconds, True)
    assert (row.list_diversity, row.avg_popularity, row.genre_precision) == (0.5, 40.0, 0.1)
    items = [(row.rank, row.track_id, row.score) for row in rows(database, RECOMMEND_ITEMS)]
    assert items == [(1, "봄날", 0.1), (2, "b", -2.5)]


def test_it_writes_feedback_whose_list_is_not_there(database: Engine, start: Start) -> None:
    record = feedback(event="dislike", session=None)
    writer = start()
    assert writer.put(record)
    until(lambda: writer.written == 1)
    (row,) = rows(database, FEEDBACK)
    assert (row.feedback_id, row.impression_id) == (record.feedback_id, record.impression_id)
    assert (row.track_id, row.event, row.time, row.session) == (record.track_id, "dislike", record.at, None)


def test_it_writes_a_record_once_however_often_it_comes(database: Engine, start: Start) -> None:
    lists = [impression(n) for n in range(20)]
    events = [feedback(record.impression_id, n) for n, record in enumerate(lists)]
    writer = start(batch=7)
    for _ in range(3):
        for record in (*lists, *events):
            assert writer.put(record)
    until(lambda: writer.written == 120)
    assert [count(database, table) for table in (RECOMMEND_LOGS, RECOMMEND_ITEMS, FEEDBACK)] == [20, 60, 20]


def test_ids_that_differ_in_case_alone_are_two(database: Engine) -> None:
    items = tuple(
        ImpressionItem(rank=rank, track_id=name, score=0) for rank, name in ((1, "abc"), (2, "ABC"))
    )
    insert_records(database, [impression(session="Anna", items=items), impression(session="anna")])
    assert {row.session for row in rows(database, RECOMMEND_LOGS)} == {"Anna", "anna"}
    assert {row.track_id for row in rows(database, RECOMMEND_ITEMS)} >= {"abc", "ABC"}


POISON = {
    "a text that is too long": {"session": "x" * 300},
    "a character that PostgreSQL has not": {"session": "a\x00b" * 100},
    "no Unicode": {"session": "\ud800" + "x" * 300},
    "a value that is missing": {"digest": None},
    "a time without its zone": {"at": START.replace(tzinfo=None)},
    "a number that is too great": {"k": 1 << 70},
    "what is no JSON": {"request": {"seeds": object()}},
    "an item that is no number": {"items": (ImpressionItem(rank=1, track_id="a", score=math.nan),)},
}


@pytest.mark.parametrize("changes", POISON.values(), ids=POISON)
def test_a_record_that_is_refused_does_not_stop_the_others(
    database: Engine, start: Start, tmp_path: Path, changes: dict[str, Any]
) -> None:
    before, after = [impression(n) for n in range(9)], [impression(n) for n in range(9, 20)]
    poison = impression(impression_id=UUID(int=7), **changes)
    writer = start()
    for record in (*before, poison, *after, feedback()):
        assert writer.put(record)
    until(lambda: writer.written + writer.rejected == 22)
    ids = {row.impression_id for row in rows(database, RECOMMEND_LOGS)}
    assert ids == {record.impression_id for record in (*before, *after)}
    assert count(database, FEEDBACK) == 1
    assert (writer.written, writer.rejected, writer.lost) == (21, 1, 0)
    (aside,) = spooled_lines(tmp_path / "spool", "rejected")
    assert aside["record"]["impression_id"] == str(poison.impression_id)
    assert aside["reason"]
    assert writer.put(impression(21))
    until(lambda: writer.written == 22)


def test_it_waits_for_tables_that_are_not_there_yet(
    database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from segue.database import migrate, open_engine

    engine = open_engine(database_url)
    writer = LogWriter(engine, LogSettings(spool=tmp_path / "spool", flush_seconds=0.02))
    with caplog.at_level(logging.INFO, "segue.log"):
        writer.start()
        records = [impression(n) for n in range(50)]
        for record in records:
            assert writer.put(record)
        until(lambda: writer.spooled == 50)
        time.sleep(0.6)  # long enough for a second try
        migrate(database_url)
        until(lambda: writer.written == 50)
    writer.stop(5)
    assert {row.impression_id for row in rows(engine, RECOMMEND_LOGS)} == {r.impression_id for r in records}
    assert (writer.spooled, writer.queued, writer.lost, writer.rejected) == (0, 0, 0, 0)
    assert [record.message.partition(":")[0] for record in caplog.records][0:1] == [
        "the log's database takes no records, they go to the spool"
    ]
    assert len(caplog.records) == 2  # gone and back, once each
    engine.dispose()


def test_stopping_writes_what_is_queued(database: Engine, start: Start) -> None:
    writer = start(flush_seconds=30.0)
    for n in range(1_200):
        assert writer.put(impression(n))
    writer.stop(30)
    assert (writer.queued, writer.spooled, writer.written) == (0, 0, 1_200)
    assert count(database, RECOMMEND_LOGS) == 1_200
    assert not writer.put(impression())
    assert writer.lost == 1


def test_asking_whether_rows_are_taken_leaves_none(database: Engine) -> None:
    assert takes_rows(database)
    assert [count(database, table) for table in (RECOMMEND_LOGS, RECOMMEND_ITEMS, FEEDBACK)] == [0, 0, 0]
