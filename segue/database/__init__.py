"""The database that keeps the log and the keys: SQLite, PostgreSQL, or MySQL and MariaDB."""

from segue.database.engine import open_engine
from segue.database.migrate import migrate, schema_state

__all__ = ["migrate", "open_engine", "schema_state"]
