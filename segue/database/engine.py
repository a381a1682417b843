"""Connections to all supported databases, with timeouts: a database that hangs blocks nothing for ever."""

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

# Scheme of the user's URL -> SQLAlchemy's dialect and driver.
_DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    # one dialect for both, so that a table created by one URL is read the same by the other
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
}
_CONNECT_SECONDS = 5
_ANSWER_SECONDS = 30
# Timeout for the write lock of an SQLite file.
_BUSY_SECONDS = 60

# Execution option of a connection that writes. SQLite then waits for the write lock when the transaction
# begins; a transaction that reads first and then writes would fail without waiting.
WRITE = {"segue_write": True}

_OPTIONS: dict[str, Any] = {
    "hide_parameters": True,  # otherwise an error message contains a listener's request
    "json_serializer": lambda value: orjson.dumps(value).decode(),
    "json_deserializer": orjson.loads,
}


def parse_url(text: str) -> URL:
    """Parse a database's URL and choose the driver.

    Raises
    ------
    SettingsError
        Not a URL, or of an unsupported database. The message never contains a password.
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
    """Create a connection pool; connections are opened on first use.

    Parameters
    ----------
    url
        As in `DatabaseSettings`. The folder of an SQLite file is created if missing.
    answer_seconds
        Timeout of one statement on MySQL. The log's batches take milliseconds; an export takes long.

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
        # less than the idle time after which firewalls and MariaDB's wait_timeout close a connection
        pool_recycle=240,
        pool_timeout=_CONNECT_SECONDS,
        **_OPTIONS,
    )


def _postgresql() -> dict[str, Any]:
    return {
        "connect_timeout": _CONNECT_SECONDS,
        "options": "-c timezone=UTC",
        "application_name": "segue",
        # detects a host that disappeared in seconds, not after the kernel's two hours
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
        # strict: a value that does not fit is an error, never truncated silently
        "init_command": "SET time_zone = '+00:00', sql_mode = 'TRADITIONAL'",
    }


def _open_sqlite(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        try:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatabaseError(f"{url.database}: its folder can't be created: {error.strerror}") from None
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS}, **_OPTIONS)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # `_begin_sqlite` begins transactions: those of the driver exclude DDL
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    is_write = connection.get_execution_options().get("segue_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_write else "BEGIN")


def address(engine: Engine) -> str:
    """URL of a database for messages, without password and driver."""
    url = engine.url.set(drivername=engine.url.get_backend_name())
    return url.render_as_string(hide_password=True)


@contextmanager
def explained(engine: Engine) -> Iterator[None]:
    """Raise a driver's exceptions as errors with a one-line message.

    Raises
    ------
    DatabaseUnavailable
        The database did not answer.
    DatabaseError
        The database reported an error.
    """
    where = address(engine)
    try:
        yield
    except TimeoutError:
        raise DatabaseUnavailable(f"{where}: every connection is busy") from None
    except DBAPIError as error:
        message = " ".join(str(error.orig).split())
        kind = DatabaseUnavailable if error.connection_invalidated or _is_down(engine) else DatabaseError
        raise kind(f"{where}: {message}") from None
    except SQLAlchemyError as error:
        raise DatabaseError(f"{where}: {error}") from None


def _is_down(engine: Engine) -> bool:
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
    except SQLAlchemyError:
        return True
    return False
