"""Bringing the tables up, on each database."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from segue.database import migrate, open_engine, schema_state
from segue.database.migrate import check_schema
from segue.database.tables import METADATA
from segue.errors import DatabaseUnavailable, SchemaError

MIGRATE = "import sys; from segue.database import migrate; migrate(sys.argv[1])"


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def set_revision(engine: Engine, revision: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def test_it_makes_the_tables_and_does_nothing_the_second_time(database_url: str, engine: Engine) -> None:
    assert schema_state(engine) == "empty"
    migrate(database_url)
    assert schema_state(engine) == "current"
    assert set(inspect(engine).get_table_names()) == {*METADATA.tables, "alembic_version"}
    migrate(database_url)
    assert schema_state(engine) == "current"


def test_it_makes_the_tables_that_the_code_expects(database_url: str, engine: Engine) -> None:
    migrate(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_it_is_safe_when_several_processes_start_at_once(database_url: str, engine: Engine) -> None:
    started = [
        subprocess.Popen([sys.executable, "-c", MIGRATE, database_url], stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    ended = [process.communicate() for process in started]
    assert [(process.returncode, errors) for process, (_, errors) in zip(started, ended, strict=True)] == [
        (0, "")
    ] * 4
    check_schema(engine)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar() == 1


def test_it_goes_on_where_a_process_was_killed_half_way(database_url: str, engine: Engine) -> None:
    migrate(database_url)
    # what a MySQL has that was stopped between two of its statements
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE feedback"))
        connection.execute(text("DELETE FROM alembic_version"))
    assert schema_state(engine) == "empty"
    migrate(database_url)
    check_schema(engine)
    assert "feedback" in inspect(engine).get_table_names()


def test_it_refuses_tables_that_are_newer_than_the_code(database_url: str, engine: Engine) -> None:
    migrate(database_url)
    set_revision(engine, "9999")
    assert schema_state(engine) == "ahead"
    for refused in (lambda: migrate(database_url), lambda: check_schema(engine)):
        with pytest.raises(SchemaError, match=r"revision 9999, which is newer than what Segue .* knows"):
            refused()
    assert schema_state(engine) == "ahead"


def test_it_says_what_to_do_where_there_are_no_tables(engine: Engine) -> None:
    with pytest.raises(SchemaError, match=r"has no tables yet: run segue database migrate$"):
        check_schema(engine)


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_it_says_that_the_database_is_away_without_its_password(kind: str) -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        migrate(f"{kind}://segue:hunter2@127.0.0.1:1/segue")
    assert "127.0.0.1:1/segue: " in str(caught.value)
    assert "hunter2" not in str(caught.value)
