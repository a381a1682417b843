"""One stack per home folder: started in the background, found again, and stopped."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from segue.errors import SegueError

__all__ = ["AlreadyRunning", "leave_terminal", "running_alone", "start_detached", "stop_running"]

_LOCK = "stack.pid"
_STOP_SECONDS = 60.0
_LOOK_SECONDS = 0.1


class AlreadyRunning(SegueError):
    """Another process runs the stack of this home folder."""


@contextmanager
def running_alone(home: Path) -> Iterator[None]:
    """Hold the home folder while a stack runs.

    Raises `AlreadyRunning` if one is running: it would lose its key to this one.
    """
    home.mkdir(parents=True, exist_ok=True)
    # locked, since the number alone stays after a crash, and may be another process's by then
    with (home / _LOCK).open("a+", encoding="utf-8") as file:
        if not _lock(file.fileno()):
            file.seek(0)
            raise AlreadyRunning(
                f"the service of {home} is running already, as process {file.read().strip()}: "
                "stop it with Ctrl-C, or with make stop"
            )
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def start_detached(arguments: Sequence[str], last_line: str, say: Callable[[str], object]) -> int:
    """Start ``python -m serving.stack`` in the background, and say what it says until its `last_line`.

    By then it has left the terminal. Returns 0, or its exit code if it ended before that line.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "serving.stack", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        # out of reach of this terminal's Ctrl-C and of its end
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if line.rstrip("\n") == last_line:
                return 0
            say(line.rstrip("\n"))
    except BaseException:
        process.terminate()
        process.wait()
        raise
    return process.wait()


def leave_terminal(log: Path) -> None:
    """Write to a log from now on: nobody reads this process's output any more."""
    sys.stdout.flush()
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(descriptor, stream.fileno())
    os.close(descriptor)


def stop_running(home: Path) -> bool:
    """Stop the stack of a home folder, and wait until it has ended; returns whether one was running.

    Raises `SegueError` if it did not end within a minute.
    """
    path = home / _LOCK
    if not path.exists():
        return False
    with path.open("r+", encoding="utf-8") as file:
        if _lock(file.fileno()):
            return False
        number = int(file.read())
        os.kill(number, signal.SIGTERM)
        ends = time.monotonic() + _STOP_SECONDS
        while not _lock(file.fileno()):
            if time.monotonic() > ends:
                raise SegueError(f"process {number} did not end within {_STOP_SECONDS:g} s")
            time.sleep(_LOOK_SECONDS)
    return True


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
