"""Backup and restore, with the very commands of docs/OPERATIONS.md."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from segue.database import migrate, open_engine
from segue.database.migrate import check_schema
from segue.database.tables import FEEDBACK, RECOMMEND_ITEMS, RECOMMEND_LOGS
from segue.keys import KeyRing, Scope, create_key
from segue.log.insert import insert_records
from tests.conftest import require
from tests.database_servers import DatabaseServer
from tests.log.records import feedback, impression, rows

MANUAL = Path(__file__).resolve().parents[2] / "docs" / "OPERATIONS.md"
TABLES = (RECOMMEND_LOGS, RECOMMEND_ITEMS, FEEDBACK)


def commands(heading: str) -> list[str]:
    """The lines below the first comment of a block about backups: one that saves, one that restores."""
    section = MANUAL.read_text(encoding="utf-8").split("**Backup and restore.**")[1].split("\n## ")[0]
    lines = re.split(rf"^# {heading}.*\n", section, flags=re.MULTILINE)[1].splitlines()
    return lines[:2]


def check_round_trip(url: str, folder: Path, heading: str, wreck: Callable[[], None]) -> None:
    save, restore = commands(heading)
    name = make_url(url).database or ""

    def run(line: str) -> None:
        line = re.sub(r"(?<= )segue(?= [<>])", name, line)
        line = line.replace("python ", f"{sys.executable} ")
        env = {**os.environ, "SEGUE_DATABASE_URL": url}
        done = subprocess.run(
            ["bash", "-euc", line], cwd=folder, env=env, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr

    migrate(url)
    engine = open_engine(url)
    _, credential = create_key(engine, name="page", scopes=[Scope.READ])
    kept = [impression(n, session="세션 🎧", request={"artist": "방탄소년단"}) for n in range(20)]
    insert_records(engine, [*kept, *(feedback(record.impression_id) for record in kept)])
    before = {table.name: rows(engine, table) for table in TABLES}
    run(save)
    later = impression(session="later")
    insert_records(engine, [later])
    engine.dispose()
    wreck()
    run(restore)
    engine = open_engine(url)
    check_schema(engine)
    assert {table.name: rows(engine, table) for table in TABLES} == before
    ring = KeyRing(engine)
    ring.refresh()
    assert ring.check(credential)
    # what was logged after the backup comes out of a spool; what was in it comes once
    insert_records(engine, [*kept, later])
    assert len(rows(engine, RECOMMEND_LOGS)) == len([*kept, later])
    engine.dispose()


def test_sqlite(tmp_path: Path) -> None:
    folder = tmp_path / ".segue"
    folder.mkdir()
    check_round_trip(f"sqlite:///{folder / 'segue.db'}", tmp_path, "SQLite", (folder / "segue.db").unlink)


@pytest.mark.live
def test_postgresql(postgresql: DatabaseServer, tmp_path: Path) -> None:
    require(shutil.which("pg_restore") is not None, "pg_restore", "apt-get install postgresql-client")
    url = postgresql.make_database()

    def wreck() -> None:
        engine = open_engine(url)
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE recommend_items"))
            connection.execute(text("DELETE FROM api_keys"))
        engine.dispose()

    check_round_trip(url, tmp_path, "needs PostgreSQL", wreck)


@pytest.mark.live
def test_mariadb(mariadb: DatabaseServer, tmp_path: Path) -> None:
    require(shutil.which("mariadb-dump") is not None, "mariadb-dump", "apt-get install mariadb-client")
    url = mariadb.make_database()
    address = make_url(url)
    (tmp_path / "segue.cnf").write_text(
        f"[client]\nhost={address.host}\nport={address.port}\nuser={address.username}\npassword={address.password}\n"
    )

    def wreck() -> None:
        mariadb.execute(f"DROP DATABASE {address.database}")
        mariadb.execute(f"CREATE DATABASE {address.database}")

    check_round_trip(url, tmp_path, "needs MySQL or MariaDB", wreck)
