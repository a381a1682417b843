"""A person's terminal: names from files and bundles are text there, and progress is shown there alone."""

from __future__ import annotations

from rich.console import Console
from rich.progress import Progress, ProgressColumn

__all__ = ["can_redraw", "escape", "progress_bar"]

_CLIP = 48


def escape(value: str, *, limit: int = _CLIP) -> str:
    r"""Write a value so that it can do nothing to a terminal.

    Control characters, line ends, and marks that turn the direction of text become ``\x1b``, ``\n``,
    ``\u202e``; letters of every script stay.
    """
    shown = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in value[: limit + 1]
    )
    return shown if len(value) <= limit else shown[:limit] + "…"


def progress_bar(*columns: ProgressColumn) -> Progress:
    """Make a progress bar on stderr that goes away at its end; nothing where stderr is no terminal.

    It redirects nothing. By default rich shows on the terminal what is printed to sys.stdout meanwhile, even
    where stdout is a file.
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
    """Whether a line can be written over: not on a dumb terminal, and not in a file, which rich takes for a
    terminal where FORCE_COLOR is set.
    """
    return console.is_terminal and not console.is_dumb_terminal and console.file.isatty()
