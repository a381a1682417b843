"""Progress that a person can follow, out of the hundreds of lines that a pipeline prints."""

from __future__ import annotations

import re
from collections import deque

from rich.console import Console
from rich.markup import escape

from pipelines.output import LiveLine
from segue.journal import Line, parse_line

__all__ = ["Display"]

_STARTED = re.compile(r".*Executing task .*?'(?P<task>[a-z0-9-]+)'")
_RAISED = re.compile(r"\s*(?P<error>(\w+\.)*\w*(Error|Exception|Interrupt)\b.*)")
_SECONDS = re.compile(r"(?P<text>.*) · (?P<seconds>[\d.]+) s")


class Display:
    """Shows a line a step, keeps what went wrong.

    Parameters
    ----------
    console
        Where to; a terminal also gets a live line about the step that runs.
    steps
        The steps that are shown; of others only their errors are kept.
    """

    def __init__(self, console: Console, steps: tuple[str, ...]) -> None:
        self.errors: list[tuple[str, str]] = []
        self.step_seconds = 0.0
        self._console = console
        self._steps = steps
        self._step = ""
        self._listening = False
        self._tail: deque[str] = deque(maxlen=200)
        self._live = LiveLine(console)

    def line(self, text: str) -> None:
        """Take one line of the pipeline's output."""
        found = parse_line(text)
        if found is not None:
            self._said(found)
            return
        started = _STARTED.match(text)
        if started:
            self._begin(started["task"].replace("-", "_"))
        elif self._listening:
            self._tail.append(text)

    def close(self) -> None:
        """End the live line."""
        self._live.clear()

    def failure(self) -> tuple[str, str]:
        """Step and reason: its own sentence or, for an unexpected error, the last line of its stack."""
        if self.errors:
            return self.errors[0]
        for text in reversed(self._tail):
            raised = _RAISED.fullmatch(text)
            if raised and "finished with status" not in text:
                return self._step, f"unexpected {raised['error'].strip()}"
        return self._step, "it ended without a word; was it killed for want of memory?"

    def _begin(self, step: str) -> None:
        # the exit handler comes after the step that failed, and may not stand in for it
        self._listening = step in self._steps
        if not self._listening:
            return
        self._step = step
        self._tail.clear()
        self._live.begin(f"{step:<12}")

    def _said(self, line: Line) -> None:
        if line.kind == "error":
            self.errors.append((line.step, line.text))
            # what follows, a note of it in store and MLflow, takes seconds
            self._live.begin(f"{line.step:<12} failed: {line.text}")
        elif line.step not in self._steps:
            return
        elif line.kind == "result":
            self._result(line)
        else:
            self._live.show(line.text)

    def _result(self, line: Line) -> None:
        self.close()
        found = _SECONDS.fullmatch(line.text)
        text, seconds = (found["text"], float(found["seconds"])) if found else (line.text, 0.0)
        self.step_seconds += seconds
        self._print(f"[bold]{line.step:<12}[/] {seconds:7.1f} s  {escape(text)}")

    def _print(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)
