"""The database of the log and the keys: SQLite, PostgreSQL, MySQL or MariaDB."""

from segue.database.engine import open_engine
from segue.database.migrate import migrate, schema_state

__all__ = ["migrate", "open_engine", "schema_state"]
