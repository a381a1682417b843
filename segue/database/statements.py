"""Statements whose SQL differs between databases."""

from __future__ import annotations

from sqlalchemy import Connection, Insert, Table
from sqlalchemy.dialects import mysql, postgresql, sqlite

__all__ = ["insert_once", "upsert"]


def insert_once(connection: Connection, table: Table) -> Insert:
    """Statement that inserts rows, and skips those whose primary key exists."""
    key = list(table.primary_key.columns)
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing(index_elements=key)
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing(index_elements=key)
    # not INSERT IGNORE, which silently truncates or replaces a value that does not fit
    return mysql.insert(table).on_duplicate_key_update({key[0].name: key[0]})


def upsert(connection: Connection, table: Table) -> Insert:
    """Statement that inserts rows, and replaces those whose primary key exists."""
    key = list(table.primary_key.columns)
    others = [column.name for column in table.columns if column not in key]
    if connection.dialect.name == "mysql":
        replaced = mysql.insert(table)
        return replaced.on_duplicate_key_update({name: replaced.inserted[name] for name in others})
    new = postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
    return new.on_conflict_do_update(index_elements=key, set_={name: new.excluded[name] for name in others})
