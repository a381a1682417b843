"""What comes from files and bundles, on a terminal: text, never a command."""

from __future__ import annotations

__all__ = ["escape"]

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
