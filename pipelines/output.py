"""Who writes where while a run goes on: the console has one owner, and everything else goes to a log.

On a terminal rich's own live displays (`Console.status`, `Progress`) take over sys.stdout and sys.stderr too.
Started within `captured`, they print all of kfp's output beside the live line, and leave a closed log as
sys.stdout. So the live line here redirects nothing.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from segue.cli.terminal import can_redraw

__all__ = ["LOG", "LineSink", "LiveLine", "Output", "captured"]

# In a run's folder: everything that was printed.
LOG = "run.log"
_FRAMES_A_SECOND = 8
_EVERY_SECONDS = 15.0


class Output(Console):
    """The console of a run: this process's stdout, whatever sys.stdout is replaced by meanwhile."""

    def __init__(self) -> None:
        super().__init__(file=sys.stdout)

    def on_broken_pipe(self) -> None:
        """End without a stack where nobody reads any more, such as `head`."""
        # or the interpreter would fail to flush it at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())
        raise SystemExit(1)


class LiveLine:
    """What is under way: the last line of a terminal, elsewhere a line of its own every quarter of a minute.

    Parameters
    ----------
    console
        Where to. Only what is printed to this console appears above the line.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._can_redraw = can_redraw(console)
        self._spinner = Spinner("dots", style="status.spinner")
        self._live: Live | None = None
        self.begin("")

    def begin(self, doing: str) -> None:
        """Say what is begun, for example the name of a step."""
        self._doing = doing
        self._began = self._printed = time.monotonic()
        if doing and self._can_redraw:
            self._draw(doing)

    def show(self, text: str) -> None:
        """Say how far it is, in place of what was said before."""
        if self._can_redraw:
            self._draw(f"{self._doing} {text}")
        elif text and time.monotonic() - self._printed > _EVERY_SECONDS:
            self._printed = time.monotonic()
            line = f"{self._doing} {self._printed - self._began:7.0f} s  … {text}"
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def clear(self) -> None:
        """Take the line away."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _draw(self, text: str) -> None:
        self._spinner.update(text=Text(text))
        if self._live is None:
            self._live = Live(
                get_renderable=self._line,
                console=self._console,
                refresh_per_second=_FRAMES_A_SECOND,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start(refresh=True)

    def _line(self) -> Text:
        line = self._spinner.render(self._console.get_time())
        assert isinstance(line, Text)  # it is, for a spinner whose text is one
        # one row, with room for the ^C that a terminal writes where the cursor is
        line.truncate(max(self._console.width - 4, 1), overflow="ellipsis")
        return line


class LineSink(io.TextIOBase):
    """A stream that writes all it gets to a log, and hands on each whole line.

    Parameters
    ----------
    log
        Once it is closed, what still comes is dropped: a library may have kept the stream.
    take_line
        Given each line without its end.
    """

    def __init__(self, log: TextIO, take_line: Callable[[str], None]) -> None:
        self._log = log
        self._take_line = take_line
        self._rest = ""

    def writable(self) -> bool:
        """A stream to write to."""
        return True

    def write(self, text: str) -> int:
        """Take a piece of text."""
        if not self._log.closed:
            self._log.write(text)
            *lines, self._rest = (self._rest + text).split("\n")
            for line in lines:
                self._take_line(line)
        return len(text)

    def flush(self) -> None:
        """Make the log readable up to here."""
        if not self._log.closed:
            self._log.flush()


@contextlib.contextmanager
def captured(log: Path, take_line: Callable[[str], None]) -> Iterator[None]:
    """Send all that this process prints to a log, and hand on each line.

    Parameters
    ----------
    log
        The file, written anew.
    take_line
        Given each line without its end.
    """
    with log.open("w", encoding="utf-8", errors="backslashreplace") as file:
        sink = LineSink(file, take_line)
        with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
            yield
