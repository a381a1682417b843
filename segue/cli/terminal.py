"""Output to a terminal: escape names from files and bundles, print JSON, and show progress."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.progress import Progress, ProgressColumn

__all__ = ["BundleArgument", "JsonOption", "can_redraw", "escape", "print_json", "progress_bar"]

BundleArgument = Annotated[
    str,
    typer.Argument(envvar="SEGUE_BUNDLE", help="A bundle or channel: folder, file:// or s3:// address."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_CLIP = 48


def escape(value: str, *, limit: int = _CLIP) -> str:
    r"""Escape a value for a terminal, and truncate it to `limit` characters.

    Control characters, line breaks and marks of text direction become ``\x1b``, ``\n``, ``\u202e``; letters
    of all scripts are unchanged.
    """
    shown = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in value[: limit + 1]
    )
    return shown if len(value) <= limit else shown[:limit] + "…"


def print_json(value: Any) -> None:
    """Print a value as JSON; it may hold pydantic's models, dataclasses and NumPy's numbers."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY
    typer.echo(orjson.dumps(value, default=lambda model: model.model_dump(mode="json"), option=options))


def progress_bar(*columns: ProgressColumn) -> Progress:
    """Make a progress bar on stderr that disappears at its end; it is hidden if stderr is not a terminal.

    Redirection is off: by default, rich prints output to sys.stdout on the terminal while the bar is shown,
    even if stdout is a file.
    """
    console = Console(stderr=True)
    return Progress(
        *columns,
        console=console,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        disable=not can_redraw(console),
    )


def can_redraw(console: Console) -> bool:
    """Whether lines can be overwritten: not on a dumb terminal, and not in a file, which rich treats as a
    terminal if FORCE_COLOR is set.
    """
    return console.is_terminal and not console.is_dumb_terminal and console.file.isatty()
