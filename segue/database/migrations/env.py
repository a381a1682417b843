"""What Alembic runs: the migrations, over the connection that `segue.database.migrate` has locked."""

from alembic import context

from segue.database.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    # all of them in one transaction: on SQLite and PostgreSQL a migration that fails has changed nothing
    transaction_per_migration=False,
)
context.run_migrations()
