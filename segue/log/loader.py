"""The thread that writes records to the database: batches from memory first, then those of the spool."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from sqlalchemy import Engine

from segue.errors import LogError
from segue.log.insert import insert_records, takes_rows
from segue.log.old_spool import import_old_files
from segue.log.record import Record, rejected_rows
from segue.log.spool import Spool

__all__ = ["Loader"]

_LOG = logging.getLogger(__name__)

_MIN_RETRY_SECONDS = 0.25
_MAX_RETRY_SECONDS = 5.0
# A record is rejected after this many attempts on its own, because a deadlock looks the same at first.
_MAX_TRIES = 4
_TRY_AGAIN_SECONDS = 0.05
_MAX_REST_SECONDS = 0.5
# How often records of other processes that share the spool are looked for.
_POLL_SECONDS = 30.0


class _Unavailable(Exception):
    """The database takes no records at the moment."""


class Loader:
    """Writes batches to the database, one at a time, and replays the spool when there is none.

    It calls `on_change` after each batch, and counts in `written` and `rejected` the records that the
    database has, and those that it rejected for what they hold.
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
        self._is_stopping = False
        self._unavailable_since: float | None = None
        self._failures = 0
        self._next_try = 0.0
        self._next_poll = 0.0
        self._is_spool_failing = False
        self._thread = threading.Thread(target=self._run, name="segue-log-database", daemon=True)
        self.written = 0
        self.rejected = 0

    @property
    def needs_spool(self) -> bool:
        """Whether new records have to go to the spool."""
        return self.has_failed or self._is_copied

    @property
    def has_failed(self) -> bool:
        """Whether the database took no records at the last try. Otherwise it may only be slow."""
        return self._unavailable_since is not None

    @property
    def in_flight(self) -> int:
        """Number of records that are only in memory here."""
        return 0 if self._is_copied else len(self._batch)

    def start(self) -> None:
        """Start the thread."""
        if self._spool.records:
            _LOG.info("replaying %d records of the log that are in the spool", self._spool.records)
        self._thread.start()

    def stop(self, timeout_seconds: float) -> None:
        """Stop after the current batch, or after the timeout."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        self._thread.join(max(0.0, timeout_seconds))

    def offer(self, records: Sequence[Record]) -> bool:
        """Pass a batch; False if another one is being written, or the database is unavailable."""
        with self._changed:
            if self._batch or self.needs_spool or self._is_stopping:
                return False
            self._batch, self._batch_since = records, time.monotonic()
            self._changed.notify()
            return True

    def take_back(self, *, after_seconds: float) -> Sequence[Record]:
        """Take back the batch, to spool it, if it failed or has been in work for `after_seconds`.

        If it is written after all, it is in the database once: inserts are idempotent.
        """
        with self._changed:
            batch = self._batch
            if self.has_failed:
                self._batch = ()
            elif self._is_copied or time.monotonic() - self._batch_since < after_seconds:
                return ()
            else:
                self._is_copied = bool(batch)
            return batch

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._is_stopping and (wait := self._wait_seconds()) > 0:
                    self._changed.wait(wait)
                if self._is_stopping and (self.has_failed or not self._batch):
                    return
            try:
                self._step()
            except _Unavailable as error:
                self._fail(str(error))
            except Exception as error:
                # a bug must not end the log: it is logged, and the batch tried again
                _LOG.exception("the log's writer failed")
                self._fail(str(error))

    def _wait_seconds(self) -> float:
        now = time.monotonic()
        if self._unavailable_since is not None:
            return self._next_try - now
        if self._batch or (self._spool.records and not self._is_spool_failing):
            return 0.0
        return self._next_poll - now

    def _step(self) -> None:
        if self._unavailable_since is not None:
            self._probe()
        if self._batch:
            self._end_batch(self._load(self._batch))
            return
        try:
            self._replay_some()
            self._is_spool_failing = False
        except LogError as error:
            if not self._is_spool_failing and not self._is_stopping:
                _LOG.error("the log's spool can't be replayed, its records stay there: %s", error)
            self._is_spool_failing = True
            self._next_poll = time.monotonic() + _MAX_RETRY_SECONDS

    def _end_batch(self, rejected: list[tuple[Record, str]]) -> None:
        """Finish the batch, which is written except for what was rejected."""
        with self._changed:
            batch, is_copied = self._batch, self._is_copied
            self._batch, self._is_copied = (), False
        if not is_copied:  # else its records are counted when they are replayed
            try:
                if rejected:
                    self._spool.reject(rejected_rows(rejected))
            except LogError as error:
                _LOG.error("%d rejected records of the log can't be kept: %s", len(rejected), error)
            self.rejected += len(rejected)
            self.written += len(batch) - len(rejected)
        self._on_change()

    def _load(self, records: Sequence[Record]) -> list[tuple[Record, str]]:
        """Write records; return those that the database rejects for what they hold, with the reason."""
        reason = ""
        for _ in range(_MAX_TRIES if len(records) == 1 else 1):
            try:
                insert_records(self._engine, records)
            except Exception as error:  # drivers raise errors of all types about a value
                reason = _reason(error)
                if not takes_rows(self._engine):
                    raise _Unavailable(reason) from None
            else:
                return []
            time.sleep(_TRY_AGAIN_SECONDS if len(records) == 1 else 0.0)
        if len(records) == 1:
            return [(records[0], reason)]
        half = len(records) // 2
        return [*self._load(records[:half]), *self._load(records[half:])]

    def _replay_some(self) -> None:
        """Write one batch of the spool's oldest records, so that a new batch never waits for long."""
        if time.monotonic() >= self._next_poll:
            self._next_poll = time.monotonic() + _POLL_SECONDS
            self._import_old_files()
        records = self._spool.oldest(self._batch_size)
        if records:
            started = time.monotonic()
            refused = self._load(records)
            seconds = time.monotonic() - started
            written, rejected = self._spool.remove(records, refused)
            self.written += written
            self.rejected += rejected
            self._rest(seconds)

    def _rest(self, seconds: float) -> None:
        """Leave the processor to requests for as long as the replay used it, unless a batch comes."""
        with self._changed:
            if not self._batch and not self._is_stopping:
                self._changed.wait(min(seconds, _MAX_REST_SECONDS))

    def _import_old_files(self) -> None:
        try:
            if moved := import_old_files(self._spool):
                _LOG.info("imported %d records of the log from files of an earlier version", moved)
        except LogError as error:
            _LOG.warning("the log's files of an earlier version can't be imported: %s", error)

    def _probe(self) -> None:
        if not takes_rows(self._engine):
            raise _Unavailable("still unavailable")
        with self._changed:
            assert self._unavailable_since is not None
            seconds = time.monotonic() - self._unavailable_since
            self._unavailable_since, self._failures = None, 0
        _LOG.info("the log's database is back after %.1f s", seconds)
        self._on_change()

    def _fail(self, reason: str) -> None:
        """Note that the database is unavailable. The batch waits to be taken back."""
        with self._changed:
            now = time.monotonic()
            if self._unavailable_since is None:
                _LOG.warning("the log's database takes no records, they go to the spool: %s", reason)
                self._unavailable_since = now
            self._next_try = now + min(_MAX_RETRY_SECONDS, _MIN_RETRY_SECONDS * 2**self._failures)
            self._failures = min(self._failures + 1, 16)
            if self._is_copied:
                self._batch, self._is_copied = (), False
        self._on_change()


def _reason(error: Exception) -> str:
    """Describe an error in one line, without the statement and its values."""
    cause = getattr(error, "orig", None) or error
    return f"{type(cause).__name__}: {' '.join(str(cause).split())}"[:500]
