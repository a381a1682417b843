"""``segue search`` and ``segue genres``: find what can be a seed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich import box
from rich.console import Console
from rich.table import Table

from segue.bundle.definition import DEFINITION
from segue.cli.terminal import BundleArgument, JsonOption, escape, print_json
from segue.errors import RequestError

__all__ = ["genres", "search"]

_SEARCH_EXAMPLES = """
Examples:

  segue search .segue/demo/channels/champion love

  export SEGUE_BUNDLE=.segue/demo/channels/champion

  segue search nina sinner

  segue search --artist "nina simone" --limit 100 --ids > ids.txt
"""
_GENRES_EXAMPLE = """
Example:

  segue genres .segue/demo/channels/champion
"""


def search(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[BUNDLE] WORDS...", help="The bundle, unless SEGUE_BUNDLE names it, and words."
        ),
    ] = [],
    artist: Annotated[str | None, typer.Option(metavar="WORDS", help="Words of the artist's name.")] = None,
    title: Annotated[str | None, typer.Option(metavar="WORDS", help="Words of the title.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="Number of tracks.")] = 20,
    ids: Annotated[
        bool, typer.Option("--ids", help="Print ids only, one per line, for --seeds-file.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Find tracks and their ids by words of title and artist; exit 1 if there are none."""
    # imported here, so that the help does not wait for FAISS
    from segue.api import open as open_model
    from segue.cli.list_view import print_tracks

    bundle, query = _split(words)
    if not (query or artist or title):
        raise RequestError("", "expected words to search for, or --artist, or --title")
    found = open_model(bundle).search(query or None, artist=artist, title=title, limit=limit)
    if as_json:
        print_json(found.table().to_pylist())
    elif ids:
        typer.echo("".join(f"{track_id}\n" for track_id in found.ids), nl=False)
    elif len(found):
        print_tracks(found)
    if not len(found):
        typer.echo(f"nothing found for {escape(' '.join(filter(None, (query, artist, title))))}", err=True)
        raise typer.Exit(1)


def genres(bundle: BundleArgument, as_json: JsonOption = False) -> None:
    """List the genres that can be a seed or a filter, with the number of their tracks."""
    from segue.api import open as open_model

    counted = open_model(bundle).genres
    if as_json:
        typer.echo(orjson.dumps([{"genre": genre, "tracks": count} for genre, count in counted.items()]))
        return
    table = Table("genre", box=box.SIMPLE_HEAD)
    table.add_column("tracks", justify="right")
    for genre, count in counted.items():
        table.add_row(escape(genre), f"{count:,}")
    Console().print(table if counted else "the catalogue has no genre")


def _split(words: list[str]) -> tuple[str, str]:
    """The bundle's address, and the words to search for."""
    if words and _is_address(words[0]):
        return words[0], " ".join(words[1:])
    bundle = os.environ.get("SEGUE_BUNDLE")
    if not bundle:
        raise RequestError("", "no bundle: name one before the words, or set SEGUE_BUNDLE")
    return bundle, " ".join(words)


def _is_address(word: str) -> bool:
    # AC/DC is none
    return "://" in word or "/channels/" in word or "/bundles/" in word or (Path(word) / DEFINITION).exists()


search.__doc__ = f"{search.__doc__}\n{_SEARCH_EXAMPLES}"
genres.__doc__ = f"{genres.__doc__}\n{_GENRES_EXAMPLE}"
