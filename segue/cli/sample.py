"""``segue sample``: a synthetic catalogue with playlists."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from segue.cli.terminal import progress_bar
from segue.sample import MIN_ROWS, SampleSummary, generate

__all__ = ["sample"]


def sample(
    *,
    rows: Annotated[int, typer.Option("--rows", "-n", help=f"Rows of the catalogue, {MIN_ROWS:,} or more.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for catalog.csv and playlists.csv.")],
    seed: Annotated[int, typer.Option("--seed", help="Random seed.")] = 7,
    hints: Annotated[bool, typer.Option("--hints/--no-hints", help="Say what to type next.")] = True,
) -> None:
    """Write a synthetic catalogue in the Kaggle layout, and playlists of its tracks.

    For demos and tests where no real data may be distributed. One row in two hundred is broken on purpose,
    so that ingest has rows to reject. The same rows and seed give the same bytes.

    For example:

      segue sample --rows 20000 --out data

      segue sample --rows 1160000 --out big --seed 3
    """
    console = Console()
    bar = progress_bar(TextColumn("writing"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with bar:
        task = bar.add_task("sample", total=1.0)
        summary = generate(rows, out, seed=seed, progress=lambda share: bar.update(task, completed=share))
    for line in (*_lines(summary), *(_next(summary) if hints else ())):
        console.print(Text(line), soft_wrap=True)


def _lines(summary: SampleSummary) -> tuple[str, ...]:
    return (
        f"{summary.catalog}  {summary.rows:,} rows by {summary.artists:,} artists, "
        f"{summary.broken_rows:,} of them broken on purpose",
        f"{summary.playlists}  {summary.playlist_count:,} playlists, {summary.memberships:,} rows",
    )


def _next(summary: SampleSummary) -> tuple[str, ...]:
    catalog, playlists = (shlex.quote(str(path)) for path in (summary.catalog, summary.playlists))
    return (
        "",
        "Next:",
        f"  segue check {catalog}",
        f"  python -m pipelines run --catalog {catalog} --interactions {playlists}",
    )
