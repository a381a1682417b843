"""The thread that writes records to the database: batches from memory first, then what the spool holds."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine

from segue.log.insert import insert_records, takes_rows
from segue.log.record import Record
from segue.log.rejected import set_aside
from segue.log.spool import Spool, read_segment

__all__ = ["Loader"]

_LOG = logging.getLogger(__name__)

_FIRST_WAIT_SECONDS = 0.25
_LONGEST_WAIT_SECONDS = 5.0
# A record is refused for good after so many tries alone: a deadlock looks the same at first.
_TRIES = 3
_TRY_AGAIN_SECONDS = 0.05
_LONGEST_REST_SECONDS = 0.5
# How often the spools of dead writers are looked for.
_ADOPT_SECONDS = 30.0


class _Away(Exception):
    """The database takes nothing at the moment."""


class _Refused(NamedTuple):
    """A record that the database refused for what it holds, and why."""

    record: Record
    reason: str


@dataclass
class _Replay:
    """How far a file of the spool was replayed."""

    path: Path
    records: list[Record]
    done: int = 0


class Loader:
    """Writes batches to the database, one at a time, and replays the spool when there is none.

    Parameters
    ----------
    engine
        The database.
    spool
        Where records wait while it is away; read here, written elsewhere.
    batch
        Most records in one transaction.
    on_change
        Called when a batch was dealt with.

    Attributes
    ----------
    written, rejected, corrupt
        Records that the database has, that it refused for what they hold, and that could not be read.
    """

    def __init__(self, engine: Engine, spool: Spool, *, batch: int, on_change: Callable[[], None]) -> None:
        self._engine = engine
        self._spool = spool
        self._batch_size = batch
        self._on_change = on_change
        self._changed = threading.Condition()
        self._batch: Sequence[Record] = ()
        self._batch_since = 0.0
        self._is_copied = False
        self._returned: Sequence[Record] = ()
        self._is_stopping = False
        self._away_since: float | None = None
        self._failures = 0
        self._next_try = 0.0
        self._next_adoption = 0.0
        self._replay: _Replay | None = None
        self._thread = threading.Thread(target=self._run, name="segue-log-database", daemon=True)
        self.written = 0
        self.rejected = 0
        self.corrupt = 0

    @property
    def is_away(self) -> bool:
        """Whether records have to go to the spool."""
        return self.has_failed or self._is_copied

    @property
    def has_failed(self) -> bool:
        """Whether the database took nothing when it was last asked; else it may merely be slow."""
        return self._away_since is not None

    @property
    def in_flight(self) -> int:
        """Records that are nowhere but in memory here."""
        return (0 if self._is_copied else len(self._batch)) + len(self._returned)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout_seconds: float) -> None:
        """Stop once the batch in hand is written, or the time is up."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        self._thread.join(max(0.0, timeout_seconds))

    def offer(self, records: Sequence[Record]) -> bool:
        """Hand over a batch; False where another is being written, or the database is away."""
        with self._changed:
            if self._batch or self._returned or self.is_away or self._is_stopping:
                return False
            self._batch, self._batch_since = records, time.monotonic()
            self._changed.notify()
            return True

    def take_back(self, *, after_seconds: float) -> Sequence[Record]:
        """Take back the batch that failed, or that has been in hand for so long, so that it can be spooled.

        One that is written all the same after that is written once: inserts are idempotent.
        """
        with self._changed:
            taken, self._returned = self._returned, ()
            if not self._batch or self._is_copied:
                return taken
            if time.monotonic() - self._batch_since < after_seconds:
                return taken
            self._is_copied = True
            return [*taken, *self._batch]

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._is_stopping and not self._batch and (wait := self._wait_seconds()) > 0:
                    self._changed.wait(wait)
                if self._is_stopping and not self._batch:
                    return
            try:
                self._step()
            except _Away as error:
                self._fail(str(error))
            except Exception as error:
                # a bug or a full disk must not end the log: it is told, and tried again
                _LOG.exception("the log's writer failed")
                self._fail(str(error))

    def _wait_seconds(self) -> float:
        now = time.monotonic()
        if self._away_since is not None:
            return self._next_try - now
        if self._spool.records or self._replay is not None:
            return 0.0
        return self._next_adoption - now

    def _step(self) -> None:
        if self._away_since is not None:
            self._probe()
        if self._batch:
            self._end_batch(self._load(self._batch))
        else:
            self._replay_some()

    def _end_batch(self, refused: Sequence[_Refused] | None) -> None:
        """Let go of the batch: written but for what was refused, or, with None, given back."""
        with self._changed:
            # what was copied to the spool meanwhile is counted when that is replayed
            if not self._is_copied:
                if refused is None:
                    self._returned = self._batch
                else:
                    self._settle(self._batch, refused)
            self._batch, self._is_copied = (), False
        self._on_change()

    def _load(self, records: Sequence[Record]) -> list[_Refused]:
        """Write records; returns those that the database refuses for what they hold."""
        try:
            insert_records(self._engine, records)
        except Exception as error:  # drivers raise all sorts of things about a value
            if not takes_rows(self._engine):
                raise _Away(_reason(error)) from None
            if len(records) == 1:
                return self._load_alone(records[0])
            half = len(records) // 2
            return [*self._load(records[:half]), *self._load(records[half:])]
        return []

    def _load_alone(self, record: Record) -> list[_Refused]:
        reason = ""
        for _ in range(_TRIES):
            time.sleep(_TRY_AGAIN_SECONDS)
            try:
                insert_records(self._engine, [record])
            except Exception as error:
                reason = _reason(error)
                if not takes_rows(self._engine):
                    raise _Away(reason) from None
            else:
                return []
        return [_Refused(record, reason)]

    def _settle(self, records: Sequence[Record], refused: Sequence[_Refused]) -> None:
        """Count records that were dealt with, and set aside what was refused."""
        for record, reason in refused:
            set_aside(self._spool.root, record, reason)
        self.rejected += len(refused)
        self.written += len(records) - len(refused)

    def _replay_some(self) -> None:
        """Replay a batch of the oldest file, so that a new batch never waits for long."""
        if time.monotonic() >= self._next_adoption:
            self._adopt()
        if self._replay is None:
            self._replay = self._open_oldest()
        if self._replay is None:
            return
        replay, end = self._replay, self._replay.done + self._batch_size
        started = time.monotonic()
        records = replay.records[replay.done : end]
        self._settle(records, self._load(records))
        replay.done = end
        if replay.done >= len(replay.records):
            self._spool.remove(replay.path)
            self._replay = None
        self._rest(time.monotonic() - started)

    def _rest(self, seconds: float) -> None:
        """Leave the processor to requests for as long as a replay had it, unless a batch comes."""
        with self._changed:
            if not self._batch and not self._is_stopping:
                self._changed.wait(min(seconds, _LONGEST_REST_SECONDS))

    def _open_oldest(self) -> _Replay | None:
        path = self._spool.oldest()
        if path is None:
            return None
        records, corrupt = read_segment(path)
        if corrupt:
            self.corrupt += corrupt
            _LOG.warning("%s: %d lines can't be read, and are lost", path, corrupt)
        return _Replay(path, records)

    def _adopt(self) -> None:
        self._next_adoption = time.monotonic() + _ADOPT_SECONDS
        try:
            adopted = self._spool.adopt()
        except OSError as error:
            _LOG.warning("%s can't be searched for what others left: %s", self._spool.root, error.strerror)
            return
        if adopted:
            _LOG.info("replaying %d records of the log that another process left", adopted)

    def _probe(self) -> None:
        if not takes_rows(self._engine):
            raise _Away("still away")
        assert self._away_since is not None
        _LOG.info("the log's database is back after %.1f s", time.monotonic() - self._away_since)
        self._away_since, self._failures = None, 0
        self._on_change()

    def _fail(self, reason: str) -> None:
        now = time.monotonic()
        if self._away_since is None:
            _LOG.warning("the log's database takes no records, they go to the spool: %s", reason)
            self._away_since = now
        self._next_try = now + min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2**self._failures)
        self._failures = min(self._failures + 1, 16)
        self._end_batch(None)


def _reason(error: Exception) -> str:
    """Say why in one line, without the statement and the values in it."""
    cause = getattr(error, "orig", None) or error
    return f"{type(cause).__name__}: {' '.join(str(cause).split())}"[:500]
