"""Output of a run: progress on the console, everything else in a log.

rich's own live displays (`Console.status`, `Progress`) redirect sys.stdout and sys.stderr on a terminal.
Within `captured` they would print all of kfp's output above the live line, and leave a closed log as
sys.stdout. The live line here therefore redirects nothing.
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

__all__ = ["LOG", "LineSink", "LiveLine", "Output", "captured", "waiting"]

# File in a run's folder with everything that was printed.
LOG = "run.log"
_FRAMES_A_SECOND = 8
_EVERY_SECONDS = 15.0


class Output(Console):
    """The console of a run: this process's stdout, even while sys.stdout is redirected."""

    def __init__(self) -> None:
        super().__init__(file=sys.stdout)

    def on_broken_pipe(self) -> None:
        """Exit without a traceback if the reader has closed the pipe, as `head` does."""
        # otherwise the interpreter fails to flush stdout at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())
        raise SystemExit(1)


class LiveLine:
    """Shows the current task: in the last line of a terminal, elsewhere as a new line every 15 seconds.

    Only what is printed to the same console appears above the line.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._can_redraw = can_redraw(console)
        self._spinner = Spinner("dots", style="status.spinner")
        self._live: Live | None = None
        self._text = ""
        self.begin("")

    def begin(self, doing: str) -> None:
        """Begin a task, for example a step."""
        self._doing = doing
        self._began = self._printed = time.monotonic()
        if doing and self._can_redraw:
            self._draw(doing)

    def show(self, text: str) -> None:
        """Show progress, in place of the previous text."""
        if self._can_redraw:
            self._draw(f"{self._doing} {text}")
        elif text and time.monotonic() - self._printed > _EVERY_SECONDS:
            self._printed = time.monotonic()
            line = f"{self._doing} {self._printed - self._began:7.0f} s  … {text}"
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def clear(self) -> None:
        """Remove the line."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _draw(self, text: str) -> None:
        self._text = text
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
        # the seconds show that a task goes on that has nothing new to tell
        self._spinner.update(text=Text(f"{time.monotonic() - self._began:4.0f} s  {self._text}"))
        line = self._spinner.render(self._console.get_time())
        assert isinstance(line, Text)  # true for a spinner whose text is a Text
        # one row, with room for the ^C that a terminal echoes at the cursor
        line.truncate(max(self._console.width - 4, 1), overflow="ellipsis")
        return line


@contextlib.contextmanager
def waiting(console: Console, doing: str) -> Iterator[None]:
    """Show a live line on a terminal while the body runs."""
    line = LiveLine(console)
    line.begin(doing)
    try:
        yield
    finally:
        line.clear()


class LineSink(io.TextIOBase):
    """A stream that writes to a log, and passes each complete line, without its newline, to a function.

    Once the log is closed, writes are ignored: a library may have kept the stream.
    """

    def __init__(self, log: TextIO, take_line: Callable[[str], None]) -> None:
        self._log = log
        self._take_line = take_line
        self._rest = ""

    def writable(self) -> bool:
        """True."""
        return True

    def write(self, text: str) -> int:
        """Write to the log, and pass on the lines that are complete."""
        if not self._log.closed:
            self._log.write(text)
            *lines, self._rest = (self._rest + text).split("\n")
            for line in lines:
                self._take_line(line)
        return len(text)

    def flush(self) -> None:
        """Flush the log."""
        if not self._log.closed:
            self._log.flush()


@contextlib.contextmanager
def captured(log: Path, take_line: Callable[[str], None]) -> Iterator[None]:
    """Redirect sys.stdout and sys.stderr to a log, which is overwritten, by a `LineSink`."""
    with log.open("w", encoding="utf-8", errors="backslashreplace") as file:
        sink = LineSink(file, take_line)
        with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
            yield
