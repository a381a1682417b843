"""Erasing a session and deleting what is old, on each database and in the spool."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from segue.database import migrate, open_engine
from segue.database.tables import FEEDBACK, FORGOTTEN_SESSIONS, RECOMMEND_ITEMS, RECOMMEND_LOGS
from segue.errors import RequestError
from segue.log.erase import Deleted, Forgotten, delete_older_than, forget_session
from segue.log.insert import insert_records
from segue.log.record import Record
from segue.log.settings import LogSettings
from segue.log.spool import Spool
from segue.log.writer import LogWriter
from tests.log.records import count, feedback, impression, rows, spooled_lines, until


def sessions_in(engine: Engine) -> set[str | None]:
    tables = (RECOMMEND_LOGS, FEEDBACK)
    return {row.session for table in tables for row in rows(engine, table)}


def of_anna() -> list[Record]:
    """1,001 lists of three tracks, and three events, one of which does not say whose it is."""
    lists = [impression(n, session="anna") for n in range(1_001)]
    return [
        *lists,
        feedback(session="anna"),
        feedback(lists[0].impression_id, session="anna"),
        feedback(lists[0].impression_id, session=None),
    ]


def of_others() -> list[Record]:
    shown = impression(session="Anna")
    return [
        shown,
        impression(session=None),
        feedback(shown.impression_id, session="Anna"),
        feedback(session="bo"),
    ]


def test_it_erases_a_session_and_no_other(database: Engine) -> None:
    insert_records(database, [*of_anna(), *of_others()])
    gone = forget_session(database, "anna")
    assert gone == Forgotten(impressions=1_001, items=3_003, feedback=3, spooled=0)
    assert sessions_in(database) == {"Anna", "bo", None}
    assert [count(database, table) for table in (RECOMMEND_LOGS, RECOMMEND_ITEMS, FEEDBACK)] == [2, 6, 2]
    assert forget_session(database, "anna") == Forgotten(impressions=0, items=0, feedback=0, spooled=0)


def test_it_does_not_let_a_session_come_back_but_lets_it_go_on(database: Engine) -> None:
    forget_session(database, "anna")
    now = datetime.now(UTC)
    late: Sequence[Record] = [
        impression(session="anna", at=now - timedelta(seconds=5)),
        feedback(session="anna", at=now - timedelta(seconds=5)),
        impression(session="bo", at=now - timedelta(seconds=5)),
    ]
    again = impression(session="anna", at=now + timedelta(seconds=5))
    insert_records(database, [*late, again])
    assert {row.impression_id for row in rows(database, RECOMMEND_LOGS)} == {
        late[2].impression_id,
        again.impression_id,
    }
    assert count(database, FEEDBACK) == 0
    assert not any("anna" in str(row) for row in rows(database, FORGOTTEN_SESSIONS))


def test_it_erases_from_the_spools_of_dead_and_living_processes(tmp_path: Path) -> None:
    url, spool = f"sqlite:///{tmp_path / 'segue.db'}", tmp_path / "spool"
    engine = open_engine(url)  # no tables yet: whatever is logged is spooled
    living = LogWriter(engine, LogSettings(spool=spool, flush_seconds=0.02))
    living.start()
    dead = LogWriter(engine, LogSettings(spool=spool, flush_seconds=0.02))
    dead.start()
    for record in (*of_anna()[-2:], *of_others()):
        assert dead.put(record)
    until(lambda: dead.spooled == 6)
    dead.stop(1)
    assert living.put(impression(session="anna"))
    assert living.put(impression(session="bo"))
    assert living.put(impression(session="anna", k=1 << 70))
    assert living.put(impression(session="bo", k=1 << 70))
    until(lambda: (living.spooled, living.rejected) == (8, 2))

    # as a command on the same machine would, while one process lives
    other = open_engine(f"sqlite:///{tmp_path / 'other.db'}")
    migrate(f"sqlite:///{tmp_path / 'other.db'}")
    gone = forget_session(other, "anna", spool=spool)
    assert gone.spooled == 3
    left = str([*spooled_lines(spool), *spooled_lines(spool, "rejected")])
    assert (left.count("'anna'"), left.count("'Anna'"), left.count("'bo'")) == (0, 2, 3)

    migrate(url)
    until(lambda: living.spooled == 0)
    living.stop(5)
    assert sessions_in(engine) == {"Anna", "bo", None}


def test_what_a_process_spools_of_an_erased_session_does_not_reach_the_database(tmp_path: Path) -> None:
    url, spool = f"sqlite:///{tmp_path / 'segue.db'}", tmp_path / "spool"
    migrate(url)
    engine = open_engine(url)
    forget_session(engine, "anna", spool=spool)
    before = datetime.now(UTC) - timedelta(minutes=1)
    late = Spool(spool)  # as one whose queue still held it
    late.append([impression(session="anna", at=before), impression(session="bo", at=before)])
    late.close()
    writer = LogWriter(engine, LogSettings(spool=spool))
    writer.start()
    until(lambda: writer.spooled == 0)
    writer.stop(5)
    assert sessions_in(engine) == {"bo"}


def test_it_erases_where_there_is_no_spool(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'segue.db'}"
    migrate(url)
    assert forget_session(open_engine(url), "anna", spool=tmp_path / "spool").spooled == 0
    assert not (tmp_path / "spool").exists()


def test_it_deletes_what_is_older_than_so_many_days(database: Engine) -> None:
    now = datetime.now(UTC)
    old, new = now - timedelta(days=90, seconds=5), now - timedelta(days=90, seconds=-60)
    insert_records(
        database,
        [
            *(impression(n, at=old - timedelta(seconds=n)) for n in range(1_200)),
            *(impression(at=new, session="new") for _ in range(3)),
            *(feedback(at=old) for _ in range(4)),
            feedback(at=new, session="new"),
        ],
    )
    assert delete_older_than(database, 90) == Deleted(impressions=1_200, items=3_600, feedback=4)
    assert sessions_in(database) == {"new"}
    assert count(database, RECOMMEND_ITEMS) == 9
    assert delete_older_than(database, 90) == Deleted(impressions=0, items=0, feedback=0)
    assert delete_older_than(database, 0.5) == Deleted(impressions=3, items=9, feedback=1)


def test_it_deletes_the_note_of_an_erased_session_when_it_is_old_too(database: Engine) -> None:
    forget_session(database, "anna")
    delete_older_than(database, 1)
    assert count(database, FORGOTTEN_SESSIONS) == 1
    time.sleep(0.01)
    delete_older_than(database, 0)
    assert count(database, FORGOTTEN_SESSIONS) == 0


@pytest.mark.parametrize("days", [-1, float("nan"), 1e9])
def test_it_refuses_a_number_of_days_that_is_none(days: float) -> None:
    with pytest.raises(RequestError, match="days: expected 0 to 36,500"):
        delete_older_than(open_engine("sqlite://"), days)
