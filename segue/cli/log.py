"""``segue log``: export the log of recommendations and feedback as training data, and erase from it."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import SpinnerColumn, TextColumn

from segue.cli.database import open_current
from segue.cli.terminal import JsonOption, print_json, progress_bar
from segue.cli.times import parse_duration, parse_moment
from segue.log.erase import delete_older_than, forget_session
from segue.log.export import export_interactions
from segue.log.settings import LogSettings
from segue.settings import read_settings

__all__ = ["app"]

app = typer.Typer(
    help="Export the log as training data, erase a session from it, and delete old records.\n\n"
    "The log is in the database of SEGUE_DATABASE_URL; while that is down, records wait in the folder "
    "SEGUE_LOG_SPOOL.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
"""The sub-command, mounted by `segue.cli`."""


@app.command(epilog="Example: segue log export --since 2026-01-01 --out interactions.csv")
def export(
    *,
    since: Annotated[str, typer.Option("--since", help="A date, or 90d for the last 90 days.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="CSV file; replaced if it exists.")],
    as_json: JsonOption = False,
) -> None:
    """Write the tracks that listeners played and liked as interactions for the pipeline.

    A session becomes a playlist under a pseudonym. Tracks that were last skipped or disliked are left out.
    """
    moment = parse_moment("--since", since, ahead=False)
    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} rows"))
    with progress_bar(*columns) as progress:
        task = progress.add_task("export", total=None)
        exported = export_interactions(
            open_current(), since=moment, out=out, on_rows=lambda rows: progress.update(task, completed=rows)
        )
    if as_json:
        print_json({"out": str(out), **asdict(exported)})
        return
    typer.echo(f"{out}: {exported.interactions:,} interactions of {exported.sessions:,} sessions")
    if exported.interactions:
        run = "python -m pipelines run --catalog CATALOG --interactions"
        typer.echo(f"Next: {run} {shlex.quote(str(out))}", err=True)


@app.command(epilog="Example: segue log forget --session 5f1c0d2e")
def forget(
    *,
    session: Annotated[str, typer.Option("--session", help="The X-Session-Id that was sent.")],
    as_json: JsonOption = False,
) -> None:
    """Erase a session's lists and feedback, also from the spool on this machine.

    Spools on other machines drop its records when they reach the database.
    """
    erased = forget_session(open_current(), session, spool=read_settings(LogSettings).spool)
    if as_json:
        print_json(erased)
    else:
        typer.echo(
            f"erased {erased.impressions:,} lists, {erased.items:,} tracks in them, "
            f"{erased.feedback:,} feedback; {erased.spooled:,} records in the spool"
        )


@app.command(epilog="Example: segue log prune --older-than 90d")
def prune(
    *,
    older_than: Annotated[str, typer.Option("--older-than", help="Age, such as 90d or 12w.")],
    as_json: JsonOption = False,
) -> None:
    """Delete lists and feedback older than an age. Run it nightly."""
    age = parse_duration("--older-than", older_than)
    deleted = delete_older_than(open_current(), age.total_seconds() / 86_400)
    if as_json:
        print_json(deleted)
    else:
        typer.echo(
            f"deleted {deleted.impressions:,} lists, {deleted.items:,} tracks in them, "
            f"{deleted.feedback:,} feedback"
        )
