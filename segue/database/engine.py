"""Connections to any of the databases, with time limits, so that nobody waits for ever on one that hangs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError, TimeoutError

from segue.errors import DatabaseError, DatabaseUnavailable, SettingsError

__all__ = ["WRITE", "address", "explained", "open_engine", "parse_url"]

# What a user writes, and the driver that speaks to it.
_DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    # one dialect for both, so that a table made under one name reads the same under the other
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
}
_CONNECT_SECONDS = 5
_ANSWER_SECONDS = 30
# The longest wait for another process that writes to the same SQLite file.
_BUSY_SECONDS = 60

# Execution option of a connection that is going to write. SQLite then takes the writer's lock at once, and
# waits for it; a transaction that first reads and then writes is refused without waiting.
WRITE = {"segue_write": True}

_OPTIONS: dict[str, Any] = {
    "hide_parameters": True,  # an error's text would otherwise hold what a listener asked for
    "json_serializer": lambda value: orjson.dumps(value).decode(),
    "json_deserializer": orjson.loads,
}


def parse_url(text: str) -> URL:
    """Read a database's URL and pick the driver.

    Raises
    ------
    SettingsError
        It is no URL, or of a database that Segue is not tested on. The message never holds a password.
    """
    try:
        url = make_url(text)
    except ArgumentError:
        raise SettingsError("expected a URL such as sqlite:///segue.db or postgresql://host/name") from None
    kind = url.drivername.partition("+")[0]
    if kind not in _DRIVERS:
        raise SettingsError(f"{kind}: expected sqlite, postgresql, mysql or mariadb")
    if kind != "sqlite" and not url.database:
        raise SettingsError(f"{url.render_as_string()}: names no database, expected {kind}://host/name")
    return url.set(drivername=_DRIVERS[kind])


def open_engine(url: str, *, answer_seconds: int = _ANSWER_SECONDS) -> Engine:
    """Open a pool of connections; nothing is connected yet.

    Parameters
    ----------
    url
        As in `DatabaseSettings`. The folder of an SQLite file is made if it is missing.
    answer_seconds
        How long MySQL may take over one answer. The log's batches take milliseconds; an export takes long.

    Raises
    ------
    SettingsError
        See `parse_url`.
    """
    parsed = parse_url(url)
    kind = parsed.get_backend_name()
    if kind == "sqlite":
        return _open_sqlite(parsed)
    return create_engine(
        parsed,
        connect_args=_postgresql() if kind == "postgresql" else _mysql(answer_seconds),
        pool_pre_ping=True,
        # below the idle time after which firewalls and MariaDB's wait_timeout drop a connection
        pool_recycle=240,
        pool_timeout=_CONNECT_SECONDS,
        **_OPTIONS,
    )


def _postgresql() -> dict[str, Any]:
    return {
        "connect_timeout": _CONNECT_SECONDS,
        "options": "-c timezone=UTC",
        "application_name": "segue",
        # a host that vanished is noticed in seconds, not after the kernel's two hours
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": _ANSWER_SECONDS * 1000,
    }


def _mysql(answer_seconds: int) -> dict[str, Any]:
    return {
        "charset": "utf8mb4",
        "connect_timeout": _CONNECT_SECONDS,
        "read_timeout": answer_seconds,
        "write_timeout": answer_seconds,
        # strict: a value that does not fit is an error, never cut in silence
        "init_command": "SET time_zone = '+00:00', sql_mode = 'TRADITIONAL'",
    }


def _open_sqlite(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        try:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatabaseError(f"{url.database}: its folder can't be made: {error.strerror}") from None
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS}, **_OPTIONS)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # transactions are begun by `_begin_sqlite`: the driver's own way leaves DDL outside of them
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    is_write = connection.get_execution_options().get("segue_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_write else "BEGIN")


def address(engine: Engine) -> str:
    """Name a database for a person: what they wrote, without the password and the driver."""
    url = engine.url.set(drivername=engine.url.get_backend_name())
    return url.render_as_string(hide_password=True)


@contextmanager
def explained(engine: Engine) -> Iterator[None]:
    """Turn what a driver raises into one sentence for a person.

    Raises
    ------
    DatabaseUnavailable
        It did not answer.
    DatabaseError
        It answered with an error.
    """
    where = address(engine)
    try:
        yield
    except TimeoutError:
        raise DatabaseUnavailable(f"{where}: every connection is busy") from None
    except DBAPIError as error:
        said = " ".join(str(error.orig).split())
        kind = DatabaseUnavailable if error.connection_invalidated or _is_away(engine) else DatabaseError
        raise kind(f"{where}: {said}") from None
    except SQLAlchemyError as error:
        raise DatabaseError(f"{where}: {error}") from None


def _is_away(engine: Engine) -> bool:
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
    except SQLAlchemyError:
        return True
    return False
