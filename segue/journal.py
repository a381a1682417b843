"""Progress, result and errors of a pipeline step, as lines for a pod's log that a runner can parse.

::

    segue ingest | 20,000 rows read
    segue ingest = 19,870 tracks kept of 20,024 rows, 154 rejected · 0.9 s
    segue ingest ! catalog.csv has no column artist_name; it has name, artist, energy

A `SegueError` ends a step with one such line and exit code 1; other exceptions keep their traceback.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TextIO

from segue.errors import SegueError

__all__ = ["Journal", "Line", "parse_line", "step"]

Kind = Literal["progress", "result", "error"]

_MARKS: dict[str, Kind] = {"|": "progress", "=": "result", "!": "error"}
_LINE = re.compile(r"\s*segue (?P<step>[a-z_]+) (?P<mark>[|=!]) (?P<text>.*)")
_EVERY_SECONDS = 2.0


@dataclass(frozen=True)
class Line:
    """One parsed line of a journal."""

    step: str
    kind: Kind
    text: str


class Journal:
    """Writes the lines of a step.

    Parameters
    ----------
    name
        Name of the step.
    stream
        Stream to write to; None: write nothing.
    """

    def __init__(self, name: str, stream: TextIO | None = None) -> None:
        self.name = name
        self._stream = stream
        self._last = float("-inf")
        self.start()

    def start(self) -> None:
        """Start the clock; a step does so once its libraries are imported."""
        self._started = time.monotonic()

    def say(self, text: str) -> None:
        """Report progress."""
        self._last = time.monotonic()
        self._write("|", text)

    def tick(self, text: str) -> None:
        """Report progress, at most every two seconds: for frequent callbacks."""
        if time.monotonic() - self._last >= _EVERY_SECONDS:
            self.say(text)

    def result(self, text: str) -> None:
        """Report the result, with the seconds since the start."""
        self._write("=", f"{text} · {time.monotonic() - self._started:.1f} s")

    def error(self, text: str) -> None:
        """Report an error."""
        self._write("!", text)

    def _write(self, mark: str, text: str) -> None:
        if self._stream is None:
            return
        # names from a catalogue must not inject lines or terminal escapes
        plain = "".join(char if char.isprintable() else " " for char in text)
        self._stream.write(f"segue {self.name} {mark} {plain}\n")
        self._stream.flush()


@contextmanager
def step(name: str) -> Iterator[Journal]:
    """Run the body as a step: a `SegueError` becomes one line and exit code 1."""
    journal = Journal(name, sys.stdout)  # a pod's log
    try:
        yield journal
    except SegueError as error:
        journal.error(str(error))
        raise SystemExit(1) from None


def parse_line(text: str) -> Line | None:
    """Parse a line of a journal; None for any other line."""
    matched = _LINE.fullmatch(text.rstrip("\r\n"))
    return Line(matched["step"], _MARKS[matched["mark"]], matched["text"]) if matched else None
