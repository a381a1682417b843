"""Readable progress, from the hundreds of lines that a pipeline prints."""

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
    """Shows one line for each of some steps, and collects the errors of all.

    On a terminal a live line also shows the running step.
    """

    def __init__(self, console: Console, steps: tuple[str, ...]) -> None:
        self.errors: list[tuple[str, str]] = []
        self.step_seconds = 0.0
        self._console = console
        self._steps = steps
        self._step = ""
        self._is_shown = False
        self._tail: deque[str] = deque(maxlen=200)
        self._live = LiveLine(console)

    def line(self, text: str) -> None:
        """Process one line of the pipeline's output."""
        found = parse_line(text)
        if found is not None:
            self._show(found)
            return
        started = _STARTED.match(text)
        if started:
            self._begin(started["task"].replace("-", "_"))
        elif self._is_shown:
            self._tail.append(text)

    def close(self) -> None:
        """End the live line."""
        self._live.clear()

    def failure(self) -> tuple[str, str]:
        """The failed step and its error message; for an unexpected error, the traceback's last line."""
        if self.errors:
            return self.errors[0]
        for text in reversed(self._tail):
            raised = _RAISED.fullmatch(text)
            if raised and "finished with status" not in text:
                return self._step, f"unexpected {raised['error'].strip()}"
        return self._step, "it ended without an error message; was it killed for lack of memory?"

    def _begin(self, step: str) -> None:
        # the exit handler runs after the step that failed, and must not be reported instead of it
        self._is_shown = step in self._steps
        if not self._is_shown:
            return
        self._step = step
        self._tail.clear()
        self._live.begin(f"{step:<12}")

    def _show(self, line: Line) -> None:
        if line.kind == "error":
            self.errors.append((line.step, line.text))
            # recording the failure in store and MLflow takes seconds
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
