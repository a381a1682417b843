"""A terminal for tests: runs a program on one, and says what a person sees there once it has ended."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pexpect
import pyte

__all__ = ["Session", "TerminalText", "run_in_terminal", "seen_on"]

# Taller than any output, so that nothing scrolls away.
_ROWS = 2_000


class TerminalText(io.StringIO):
    """A text in memory that says it is a terminal."""

    def isatty(self) -> bool:
        """It is one."""
        return True


@dataclass(frozen=True)
class Session:
    """A program that has ended.

    Attributes
    ----------
    code
        Its exit code, negative where a signal killed it.
    output
        Every byte that it wrote, decoded.
    lines
        What stands on the screen at the end; a line that the terminal wrapped is one line.
    shows_cursor
        Whether the cursor is visible, as a shell needs it.
    """

    code: int
    output: str
    lines: list[str]
    shows_cursor: bool

    @property
    def text(self) -> str:
        """The screen."""
        return "\n".join(self.lines)


def run_in_terminal(
    *command: object,
    columns: int = 80,
    cwd: Path | None = None,
    variables: Mapping[str, str] | None = None,
    interrupt_at: str | None = None,
    interrupt_with: int | None = None,
    seconds: float = 240,
) -> Session:
    """Run a program on a terminal until it ends.

    Parameters
    ----------
    command
        The program and its arguments.
    columns
        Width of the terminal.
    cwd
        Where it runs.
    variables
        Environment variables beside those of this process; of Segue's there are these alone.
    interrupt_at
        The program is interrupted once it has written this.
    interrupt_with
        Signal to interrupt it with; Ctrl-C is pressed if not given.
    seconds
        How long it may take.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SEGUE_")}
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"):
        environment.pop(name, None)
    program, *arguments = map(str, command)
    process = pexpect.spawn(
        program,
        arguments,
        dimensions=(24, columns),
        cwd=cwd,
        env={**environment, "TERM": "xterm-256color", **(variables or {})},
        encoding="utf-8",
        timeout=seconds,
    )
    output = ""
    try:
        if interrupt_at is not None:
            process.expect_exact(interrupt_at)
            output = process.before + process.after
            if interrupt_with is None:
                process.sendintr()
            else:
                process.kill(interrupt_with)
        process.expect(pexpect.EOF)
        output += process.before
    finally:
        process.close(force=True)
    code = process.exitstatus if process.exitstatus is not None else -(process.signalstatus or 0)
    return Session(code, output, *seen_on(columns, output))


def seen_on(columns: int, output: str) -> tuple[list[str], bool]:
    """What a terminal of that width shows of an output: its lines, and whether the cursor is visible."""
    screen = _Screen(columns, _ROWS)
    pyte.Stream(screen).feed(output)
    lines: list[str] = []
    for row, text in enumerate(screen.display):
        if row in screen.continued:
            lines[-1] += text
        else:
            lines.append(text)
    lines = [line.rstrip() for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    return lines, not screen.cursor.hidden


class _Screen(pyte.Screen):
    """A screen that remembers which rows go on with a line that was too long for the one above."""

    def __init__(self, columns: int, rows: int) -> None:
        self.continued: set[int] = set()
        super().__init__(columns, rows)

    def draw(self, data: str) -> None:
        """Draw character by character, to see where the terminal breaks a line."""
        for char in data:
            wraps = self.cursor.x == self.columns
            super().draw(char)
            if wraps:
                self.continued.add(self.cursor.y)

    def linefeed(self) -> None:
        """Begin a new line."""
        super().linefeed()
        self.continued.discard(self.cursor.y)
