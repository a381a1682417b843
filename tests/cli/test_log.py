"""``segue log``, as a person and a nightly job run it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from segue.cli import main
from segue.database import migrate, open_engine
from segue.database.tables import RECOMMEND_LOGS
from segue.log.insert import insert_records
from segue.log.spool import Spool
from tests.commands import call_main
from tests.log.records import count, feedback, impression


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    url = f"sqlite:///{tmp_path / 'segue.db'}"
    migrate(url)
    return open_engine(url)


def variables(folder: Path) -> dict[str, str]:
    return {
        "SEGUE_DATABASE_URL": f"sqlite:///{folder / 'segue.db'}",
        "SEGUE_LOG_SPOOL": str(folder / "spool"),
    }


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return call_main(main, "log", *arguments, variables=variables(folder), cwd=folder)


def run_as_process(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command, env = [sys.executable, "-m", "segue.cli", "log", *arguments], variables(folder)
    return subprocess.run(command, check=False, capture_output=True, text=True, env=env, cwd=folder)


def test_it_exports_what_was_played_since_a_day(engine: Engine, tmp_path: Path) -> None:
    old = datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC)
    insert_records(engine, [feedback(track_id="new"), feedback(track_id="old", at=old)])
    done = run_as_process(tmp_path, "export", "--since", "2026-01-01", "--out", "interactions.csv")
    assert done.stdout == "interactions.csv: 1 interactions of 1 sessions\n"
    assert done.stderr.endswith(
        "Next: python -m pipelines run --catalog CATALOG --interactions interactions.csv\n"
    )
    assert (tmp_path / "interactions.csv").read_text().splitlines()[1].endswith(",new")
    again = run(tmp_path, "export", "--since", "2025-12-31T23:59:59+00:00", "-o", "i.csv", "--json")
    assert json.loads(again.stdout) == {"out": "i.csv", "sessions": 1, "interactions": 2}


def test_it_erases_a_session_also_from_the_spool(engine: Engine, tmp_path: Path) -> None:
    insert_records(engine, [impression(session="anna"), impression(session="bo")])
    spool = Spool(tmp_path / "spool")
    spool.append([impression(session="anna"), impression(session="bo")])
    spool.close()
    done = run(tmp_path, "forget", "--session", "anna")
    assert done.stdout == "erased 1 lists, 3 tracks in them, 0 feedback; 1 records in the spool\n"
    assert count(engine, RECOMMEND_LOGS) == 1
    left = b"".join(path.read_bytes() for path in (tmp_path / "spool").iterdir())
    assert (left.count(b"anna"), left.count(b'"session":"bo"')) == (0, 1)


def test_it_deletes_what_is_old(engine: Engine, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    insert_records(engine, [impression(at=now - timedelta(days=days)) for days in (1, 13, 15, 400)])
    done = run(tmp_path, "prune", "--older-than", "2w")
    assert done.stdout == "deleted 2 lists, 6 tracks in them, 0 feedback\n"
    gone = json.loads(run(tmp_path, "prune", "--older-than", "36h", "--json").stdout)
    assert gone == {"impressions": 1, "items": 3, "feedback": 0}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("export", "--since", "yesterday", "--out", "i.csv"), "--since: expected a date such as 2026-01-31"),
        (("prune", "--older-than", "90"), "--older-than: expected a number and m, h, d or w, such as 90d"),
    ],
)
def test_it_says_in_one_line_what_is_wrong(
    engine: Engine, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = run(tmp_path, *arguments)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert message in line
    assert not (tmp_path / "i.csv").exists()
