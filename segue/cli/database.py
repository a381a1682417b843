"""``segue database``: the tables of the log and the keys."""

from __future__ import annotations

import typer
from sqlalchemy import Engine

from segue.cli.terminal import JsonOption, print_json
from segue.database import open_engine
from segue.database.engine import address
from segue.database.migrate import check_schema, migrate, newest_revision, schema_revision, schema_state
from segue.database.settings import DatabaseSettings
from segue.settings import read_settings

__all__ = ["app", "open_current"]

app = typer.Typer(
    help="Create and check the tables of the log and the keys.\n\n"
    "SEGUE_DATABASE_URL is the database: sqlite:///file (.segue/segue.db if it is not set), "
    "postgresql://user:password@host/name, mysql://… or mariadb://….",
    no_args_is_help=True,
    rich_markup_mode=None,
)
"""The sub-command, mounted by `segue.cli`."""


@app.command("migrate", epilog="Example: SEGUE_DATABASE_URL=postgresql://… segue database migrate")
def migrate_(*, as_json: JsonOption = False) -> None:
    """Migrate the tables to this version. Does nothing if they are current; safe to run concurrently."""
    url = _url()
    engine = open_engine(url)
    before = schema_state(engine)
    migrate(url)
    if as_json:
        print_json(_status(engine))
        return
    outcome = "is current" if before == "current" else "was migrated"
    typer.echo(f"{address(engine)}: {outcome}, revision {schema_revision(engine)}")


@app.command("status", epilog="Example: segue database status")
def status(*, as_json: JsonOption = False) -> None:
    """Compare the tables with this version. Exit 1 unless they are current."""
    engine = open_engine(_url())
    fields = _status(engine)
    if as_json:
        print_json(fields)
    else:
        typer.echo(f"{address(engine)}: {fields['state']}, revision {fields['revision'] or 'none'}")
    if fields["state"] != "current":
        if not as_json:
            check_schema(engine)
        raise typer.Exit(1)


def open_current() -> Engine:
    """Open the database of SEGUE_DATABASE_URL, and check its tables.

    Raises
    ------
    SchemaError
        Its tables are not those of this version.
    """
    engine = open_engine(_url(), answer_seconds=_ANSWER_SECONDS)
    check_schema(engine)
    return engine


# Exports and deletions of years take longer than requests.
_ANSWER_SECONDS = 3600


def _url() -> str:
    return read_settings(DatabaseSettings).url.get_secret_value()


def _status(engine: Engine) -> dict[str, str | None]:
    return {
        "database": address(engine),
        "state": schema_state(engine),
        "revision": schema_revision(engine),
        "newest": newest_revision(),
    }
