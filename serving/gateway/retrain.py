"""Training runs that alerts start, limited by a cooldown and a maximum a day over all replicas.

The times of the starts are kept in the store, one object a channel, written by compare-and-swap: of two
replicas that get the same alert one starts the run, and a restart forgets nothing.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import orjson

from segue.errors import SettingsError
from segue.store.base import Store

__all__ = ["CommandRetrainer", "claim_start", "release_start"]

logger = logging.getLogger(__name__)

_FOLDER = "retraining"
_DAY = timedelta(days=1)
_ATTEMPTS = 5
_MAX_KEPT = 50


class CommandRetrainer:
    """Runs a command in the background, for example ``python -m pipelines submit …``; one at a time.

    It is split as a shell does, and run without one. Its environment has ``SEGUE_RETRAIN_REASON``. Raises
    `SettingsError` if it can't be split.
    """

    def __init__(self, command: str) -> None:
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise SettingsError(f"SEGUE_RETRAIN_COMMAND: {error}, got {command!r}") from None
        self._running: set[asyncio.Task[None]] = set()

    async def start(self, reason: str) -> None:
        """Start it; raises `OSError` if there is no such program."""
        process = await asyncio.create_subprocess_exec(
            *self._words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "SEGUE_RETRAIN_REASON": reason},
            start_new_session=True,
        )
        logger.info("retraining started, process %d: %s", process.pid, reason)
        task = asyncio.create_task(self._watch(process))
        # without a reference the garbage collector may end the task
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        output, _ = await process.communicate()
        last = output.decode("utf-8", "replace").strip()[-500:]
        level = logging.INFO if process.returncode == 0 else logging.ERROR
        logger.log(level, "the retraining command ended with %d: %s", process.returncode, last)


def claim_start(
    store: Store, channel: str, *, cooldown_seconds: float, most_a_day: int, now: datetime | None = None
) -> str | None:
    """Claim the start of a run now; returns why none may start, or None if it may."""
    now = now or datetime.now(UTC)
    for _ in range(_ATTEMPTS):
        starts, version = _read(store, channel)
        if starts and (left := starts[0] + timedelta(seconds=cooldown_seconds) - now) > timedelta(0):
            return f"cooling down: a run was started at {_text(starts[0])}, the next may be in {_span(left)}"
        today = [start for start in starts if now - start < _DAY]
        if len(today) >= most_a_day:
            return f"{len(today)} runs were started within a day, the maximum is {most_a_day}"
        if store.replace(_key(channel), _write([now, *starts]), version):
            return None
    return "other replicas are starting a run at this moment"


def release_start(store: Store, channel: str) -> None:
    """Take a claim back: the run could not be started."""
    starts, version = _read(store, channel)
    store.replace(_key(channel), _write(starts[1:]), version)


def _key(channel: str) -> str:
    return f"{_FOLDER}/{channel}.json"


def _read(store: Store, channel: str) -> tuple[list[datetime], str | None]:
    """Times of the starts, the newest first; none if the object can't be read, which is then replaced."""
    found = store.read_with_version(_key(channel))
    if found is None:
        return [], None
    try:
        starts = [datetime.fromisoformat(text) for text in orjson.loads(found[0])["starts"]]
    except (ValueError, LookupError, TypeError):
        logger.warning("%s/%s can't be read, no cooldown is known", store.url, _key(channel))
        return [], found[1]
    return sorted((start for start in starts if start.tzinfo), reverse=True), found[1]


def _write(starts: Sequence[datetime]) -> bytes:
    return orjson.dumps(
        {"starts": [_text(start) for start in starts[:_MAX_KEPT]]}, option=orjson.OPT_INDENT_2
    )


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _span(left: timedelta) -> str:
    minutes = -(-int(left.total_seconds()) // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
