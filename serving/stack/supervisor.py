"""Start processes, wait until all are ready, and stop them when one ends or on a signal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from segue.errors import SegueError

__all__ = ["Member", "MemberEnded", "Stopped", "Supervisor", "raise_on_signals"]

ROOT = Path(__file__).resolve().parents[2]
_LOOK_SECONDS = 0.1
_PROBE_SECONDS = 2.0
_TELL_SECONDS = 2.0
_STOP_SECONDS = 30.0
_TAIL_BYTES = 2_000


class MemberEnded(SegueError):
    """A process ended unexpectedly, or was not ready in time."""


class Stopped(Exception):
    """SIGINT or SIGTERM was received."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """One process, the module ``serving.<name>``.

    Attributes
    ----------
    flags
        Its flags by name.
    environment
        Variables in addition to this process's.
    log
        File for its output; None for the output of this process.
    """

    name: str
    flags: Mapping[str, object]
    ready_url: str
    environment: Mapping[str, str] = field(default_factory=dict)
    log: Path | None = None

    @property
    def command(self) -> list[str]:
        """The command line."""
        flags = [part for name, value in self.flags.items() for part in (f"--{name}", str(value))]
        return [sys.executable, "-m", f"serving.{self.name}", *flags]


class Supervisor:
    """Runs the members of a stack. A context manager that stops them at its end.

    They are started in their order, must all be ready in `ready_seconds`, and are stopped in reverse order.
    """

    def __init__(self, members: Sequence[Member], *, ready_seconds: float = 120.0) -> None:
        self._members = members
        self._ready_seconds = ready_seconds
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Supervisor:
        """Start all members."""
        try:
            for member in self._members:
                self._running[member.name] = _start(member)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop all members."""
        self.stop()

    def wait_ready(
        self,
        on_ready: Callable[[Member], None] | None = None,
        on_wait: Callable[[Member, float], None] | None = None,
    ) -> None:
        """Wait until every member is ready.

        `on_ready` is called with each member that is, `on_wait` every two seconds with the member that is
        waited for and the seconds since the start.

        Raises `MemberEnded`, with the end of its log, if one ended or was not ready in time.
        """
        began = told = time.monotonic()
        ends = began + self._ready_seconds
        for member in self._members:
            while not _answers(member.ready_url):
                self._check()
                if time.monotonic() > ends:
                    raise MemberEnded(
                        f"{member.name} was not ready after {self._ready_seconds:g} s{_tail(member)}"
                    )
                if on_wait and time.monotonic() - told >= _TELL_SECONDS:
                    told = time.monotonic()
                    on_wait(member, told - began)
                time.sleep(_LOOK_SECONDS)
            if on_ready:
                told = time.monotonic()
                on_ready(member)

    def wait(self) -> None:
        """Wait until a member ends, which raises `MemberEnded`, or a signal raises `Stopped`."""
        while True:
            self._check()
            time.sleep(_LOOK_SECONDS)

    def stop(self) -> None:
        """Send SIGTERM to all members in reverse order, then SIGKILL to those that do not end."""
        for process in reversed(self._running.values()):
            process.terminate()
        for process in reversed(self._running.values()):
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()

    def _check(self) -> None:
        for member in self._members:
            code = self._running[member.name].poll()
            if code is not None:
                raise MemberEnded(f"{member.name} ended with exit code {code}{_tail(member)}")


def raise_on_signals() -> None:
    """Make SIGINT and SIGTERM raise `Stopped` in this process."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)


def _start(member: Member) -> subprocess.Popen[bytes]:
    environment = {**os.environ, **member.environment}
    if member.log is None:
        return _popen(member, environment, None)
    member.log.parent.mkdir(parents=True, exist_ok=True)
    with member.log.open("wb") as log:
        return _popen(member, environment, log.fileno())


def _popen(member: Member, environment: Mapping[str, str], output: int | None) -> subprocess.Popen[bytes]:
    # in a session of its own, so that Ctrl-C reaches only the supervisor, which stops the members in order
    return subprocess.Popen(
        member.command, cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True
    )


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=_PROBE_SECONDS) as answer:  # noqa: S310 - http of our own
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _tail(member: Member) -> str:
    if member.log is None:
        return ""
    text = member.log.read_bytes()[-_TAIL_BYTES:].decode("utf-8", errors="replace").strip()
    return f"; its log, {member.log}, ends with:\n{text}" if text else f"; its log is {member.log}"


def _stop(_number: int, _frame: FrameType | None) -> None:
    # a second Ctrl-C must not interrupt the stopping
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    raise Stopped
