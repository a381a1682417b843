"""Migrate a database's tables to this version with Alembic; safe for concurrent processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from segue import __version__
from segue.database.engine import WRITE, address, explained, open_engine
from segue.errors import DatabaseUnavailable, SchemaError

__all__ = ["SchemaState", "check_schema", "migrate", "newest_revision", "schema_revision", "schema_state"]

SchemaState = Literal["current", "behind", "ahead", "empty"]

# An arbitrary number: all Segue processes of a PostgreSQL database take this lock to migrate.
_ADVISORY_LOCK = 0x5E90E
_LOCK_NAME = "segue.migrate"
_LOCK_SECONDS = 120
# Long enough to rebuild an index of a large table.
_MIGRATION_SECONDS = 3600


def migrate(url: str) -> None:
    """Migrate a database's tables to this version; does nothing if they are current.

    If several processes start at once, one migrates and the others wait.

    Parameters
    ----------
    url
        See `segue.database.engine.open_engine`.

    Raises
    ------
    SchemaError
        The tables are newer than this version.
    DatabaseUnavailable
        The database does not answer, or another process holds the lock for two minutes.
    DatabaseError
        The database reported an error.
    """
    engine = open_engine(url, answer_seconds=_MIGRATION_SECONDS)
    try:
        with (
            explained(engine),
            engine.connect().execution_options(**WRITE) as connection,
            _locked(connection),
        ):
            _upgrade(connection)
    finally:
        engine.dispose()


def schema_state(engine: Engine) -> SchemaState:
    """Compare a database's tables with this version.

    Raises
    ------
    DatabaseError
        The database does not answer, or reported an error.
    """
    return _state_of(schema_revision(engine))


def check_schema(engine: Engine) -> None:
    """Check that a database's tables are those of this version.

    Raises
    ------
    SchemaError
        They are not. The message says what to do.
    """
    state = schema_state(engine)
    if state == "ahead":
        raise SchemaError(_newer(engine, schema_revision(engine)))
    if state != "current":
        have = "no tables yet" if state == "empty" else "tables of an older version"
        raise SchemaError(f"{address(engine)} has {have}: run segue database migrate")


def schema_revision(engine: Engine) -> str | None:
    """Read the revision of a database's tables; None if there are no tables."""
    with explained(engine), engine.connect() as connection:
        return _revision(connection)


def newest_revision() -> str:
    """Newest revision that this version knows."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "segue.database:migrations")
    return config


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _state_of(revision: str | None) -> SchemaState:
    if revision is None:
        return "empty"
    if revision == newest_revision():
        return "current"
    scripts = ScriptDirectory.from_config(_config()).walk_revisions()
    return "behind" if revision in {script.revision for script in scripts} else "ahead"


def _upgrade(connection: Connection) -> None:
    revision = _revision(connection)
    if _state_of(revision) == "ahead":
        raise SchemaError(_newer(connection.engine, revision))
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _newer(engine: Engine, revision: str | None) -> str:
    return (
        f"{address(engine)} has tables of revision {revision}, which is newer than what Segue {__version__} "
        f"knows ({newest_revision()}): use the version of Segue that made them, or restore a backup"
    )


@contextmanager
def _locked(connection: Connection) -> Iterator[None]:
    """Begin a transaction that holds the migration lock; other processes wait."""
    if connection.dialect.name == "mysql":
        with _named_lock(connection), connection.begin():
            yield
        return
    with connection.begin():  # on SQLite this takes the lock: see `WRITE`
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        yield


@contextmanager
def _named_lock(connection: Connection) -> Iterator[None]:
    """Hold a session lock: on MySQL, DDL commits the transaction and releases its locks."""
    # names are global to the server, and have at most 64 characters
    values = {"name": f"{_LOCK_NAME}.{connection.engine.url.database}"[:64], "seconds": _LOCK_SECONDS}
    if connection.execute(text("SELECT GET_LOCK(:name, :seconds)"), values).scalar() != 1:
        raise DatabaseUnavailable(f"{address(connection.engine)}: another process is migrating it")
    connection.commit()
    try:
        yield
    finally:
        if not connection.invalidated:
            connection.execute(text("SELECT RELEASE_LOCK(:name)"), values)
            connection.commit()
