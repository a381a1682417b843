"""Alembic's scripts, one a version of the schema; `segue.database.migrate` runs them."""
