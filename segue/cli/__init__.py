"""``segue``: the command line. A command is imported only when it is called.

So ``segue --help`` is fast, and ``segue recommend`` works in an image without the training extras.
"""

from __future__ import annotations

import importlib
import os
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Annotated

import typer

from segue import __version__
from segue.errors import SegueError

__all__ = ["COMMANDS", "build_app", "main"]


@dataclass(frozen=True)
class Command:
    """A command: its help line, its module, the function or Typer app in it, and the extras that it needs."""

    help: str
    module: str
    attribute: str
    extra: str


COMMANDS: dict[str, Command] = {
    "sample": Command("Write a synthetic catalogue and playlists.", "segue.cli.sample", "sample", "train"),
    "check": Command(
        "Read a catalogue and say what is right and wrong with it.", "segue.cli.check", "check", "train"
    ),
    "search": Command("Find tracks and their ids in a bundle.", "segue.cli.search", "search", "rank,store"),
    "genres": Command("List the genres of a bundle.", "segue.cli.search", "genres", "rank,store"),
    "recommend": Command("Recommend tracks from a bundle.", "segue.cli.recommend", "recommend", "rank,store"),
    "bundle": Command("List, verify, promote and roll back bundles.", "segue.cli.bundle", "app", "store"),
    "database": Command("Create the tables of the log and the keys.", "segue.cli.database", "app", "db"),
    "keys": Command("Create, list and revoke the gateway's keys.", "segue.cli.keys", "app", "db"),
    "log": Command("Export the log as training data, and erase from it.", "segue.cli.log", "app", "db"),
}


def main() -> None:
    """Run the console script. A `SegueError` is one line on stderr and exit code 1."""
    try:
        build_app(_called(sys.argv[1:]))(prog_name="segue")
    except SegueError as error:
        sys.exit(f"segue: {error}")


def build_app(called: str | None = None) -> typer.Typer:
    """Build the app with the command `called`, or all if None; of the others it has only the help line."""
    app = typer.Typer(
        help="More like this, from your own catalogue.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_options)
    for name, command in COMMANDS.items():
        if called not in (None, name):
            app.command(name, help=command.help)(_not_loaded)
            continue
        loaded = getattr(_load(name, command), command.attribute)
        if isinstance(loaded, typer.Typer):
            app.add_typer(loaded, name=name)
        else:
            app.command(name)(loaded)
    return app


def _called(arguments: list[str]) -> str | None:
    """Name of the command in these arguments; empty if there is none, None for shell completion of all."""
    if "_SEGUE_COMPLETE" in os.environ:
        return None
    return next((argument for argument in arguments if not argument.startswith("-")), "")


def _load(name: str, command: Command) -> ModuleType:
    try:
        return importlib.import_module(command.module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "segue":
            raise
        raise SegueError(
            f"segue {name} needs {error.name}, which is not installed: pip install 'segue[{command.extra}]'"
        ) from None


def _show_version(is_set: bool) -> None:
    if is_set:
        typer.echo(f"segue {__version__}")
        raise typer.Exit


def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version  # handled by the callback


def _not_loaded() -> None:
    """Placeholder for a command that is not called, to list it in the help."""
