"""Alembic's scripts, one per schema revision; `segue.database.migrate` runs them."""
