"""Who writes where while a run goes on: the console has one owner, and everything else goes to a log.

On a terminal rich's own live displays (`Console.status`, `Progress`) take over sys.stdout and sys.stderr too.
Started within `captured`, they print all of kfp's output beside the live line, and leave a closed log as
sys.stdout. So the live line here redirects nothing.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from segue.cli.terminal import can_redraw

__all__ = ["LOG", "LineSink", "LiveLine", "captured"]

# In a run's folder: everything that was printed.
LOG = "run.log"
_FRAMES_A_SECOND = 8


class LiveLine:
    """One line at the bottom of a terminal that says what is under way; nothing where there is no terminal.

    Parameters
    ----------
    console
        Where to. Only what is printed to this console appears above the line.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._spinner = Spinner("dots", style="status.spinner")
        self._live: Live | None = None
        self.is_shown = can_redraw(console)

    def show(self, text: str) -> None:
        """Say what is under way, in place of what was said before."""
        if not self.is_shown:
            return
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

    def clear(self) -> None:
        """Take the line away."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _line(self) -> Text:
        line = self._spinner.render(self._console.get_time())
        assert isinstance(line, Text)  # it is, for a spinner whose text is one
        # a line that wraps would leave a part behind when the terminal is made narrower
        line.no_wrap, line.overflow = True, "ellipsis"
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
