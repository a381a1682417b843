"""Transactions that delete many rows while others write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, text

from segue.database.engine import WRITE

__all__ = ["deleting"]


@contextmanager
def deleting(engine: Engine) -> Iterator[Connection]:
    """Begin a transaction that finds rows by index, and locks only the rows that it deletes."""
    options: dict[str, Any] = dict(WRITE)
    if engine.dialect.name == "mysql":
        # the default, REPEATABLE READ, also locks gaps between rows, which deadlocks with concurrent inserts
        options["isolation_level"] = "READ COMMITTED"
    with engine.connect().execution_options(**options) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            # without statistics, as after a restore, PostgreSQL scans the whole table for a few keys
            for setting in ("enable_seqscan", "jit"):
                connection.execute(text(f"SET LOCAL {setting} = off"))
        yield connection
