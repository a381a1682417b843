"""Alembic's entry point: runs the migrations on the connection that `segue.database.migrate` has locked."""

from alembic import context

from segue.database.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    # one transaction for all: on SQLite and PostgreSQL a failed migration changes nothing
    transaction_per_migration=False,
)
context.run_migrations()
