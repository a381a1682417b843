"""``segue check``: read a catalogue as the pipeline does, and report what is right and wrong with it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from segue.catalog.ingest import MAX_REJECTED, examine
from segue.catalog.layouts import read_alias
from segue.catalog.limits import refuse_rejects
from segue.catalog.profile import Profile
from segue.cli.profile_view import show_profile
from segue.cli.terminal import print_json, progress_bar

__all__ = ["check"]


def check(
    catalogue: Annotated[
        str,
        typer.Argument(
            help="CSV, CSV.gz or Parquet: a file, folder or glob, s3://, https://, kaggle://owner/dataset "
            "or sample://ROWS."
        ),
    ],
    interactions: Annotated[
        str, typer.Option(help="Playlists to check too: playlist_id,track_id[,position].")
    ] = "",
    alias: Annotated[
        list[str],
        typer.Option(
            metavar="THEIRS=CANONICAL",
            help="Canonical name of a column; repeatable.",
        ),
    ] = [],
    max_rejected: Annotated[
        float, typer.Option(min=0, max=1, help="Share of rejected rows above which a catalogue is refused.")
    ] = MAX_REJECTED,
    as_json: Annotated[bool, typer.Option("--json", help="Print the profile as JSON.")] = False,
) -> None:
    """Read a catalogue as the pipeline does, and report what is right and wrong with it.

    Shows which columns were found, how their values are distributed, and which rows are rejected and why.
    Writes no files. The exit code is 1 if the pipeline would refuse the catalogue.

    For example:

      segue check tracks.csv

      segue check tracks.csv --interactions playlists.csv

      segue check songs.csv --alias "Song Title=track_name"

      segue check "exports/*.parquet" --max-rejected 0.01 --json

      segue check s3://music/catalogues/2024/
    """
    layout = dict(map(read_alias, alias))
    profile = _examine(catalogue, interactions, layout)
    if as_json:
        print_json(profile)
    else:
        console = Console()
        show_profile(profile, console)
    refuse_rejects(profile, max_rejected)
    if not as_json:
        console.print(Text("This catalogue can be used.", "green"))


def _examine(catalogue: str, interactions: str, layout: dict[str, str]) -> Profile:
    bar = progress_bar(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[rows]}"),
        TimeElapsedColumn(),
    )
    with bar:
        task = bar.add_task("reading", total=None, rows="")

        def show(rows: int, done: int, total: int) -> None:
            bar.update(
                task,
                description="reading" if rows else "fetching",
                completed=done,
                total=total or None,
                rows=f"{rows:,} rows" * bool(rows),
            )

        return examine(catalogue, interactions=interactions, layout=layout, progress=show)
