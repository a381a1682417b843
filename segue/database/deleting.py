"""Transactions that delete many rows beside others that write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, text

from segue.database.engine import WRITE

__all__ = ["deleting"]


@contextmanager
def deleting(engine: Engine) -> Iterator[Connection]:
    """Begin a transaction that finds what it deletes by indexes, and locks that and nothing beside it."""
    options: dict[str, Any] = dict(WRITE)
    if engine.dialect.name == "mysql":
        # by default it locks the gaps between rows too, into which others insert: that ends in deadlocks
        options["isolation_level"] = "READ COMMITTED"
    with engine.connect().execution_options(**options) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            # of a table that it has not analysed, as after a restore, it reads all rows for every few keys
            for setting in ("enable_seqscan", "jit"):
                connection.execute(text(f"SET LOCAL {setting} = off"))
        yield connection
