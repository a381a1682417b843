"""The log's writer: a request puts its record in a queue; threads write the queue to the database."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence

from sqlalchemy import Engine

from segue.errors import LogError
from segue.log.loader import Loader
from segue.log.record import Record
from segue.log.settings import LogSettings
from segue.log.spool import Spool

__all__ = ["LogWriter"]

_LOG = logging.getLogger(__name__)

# A batch that the database has not written after this time is copied to the spool.
_MAX_BATCH_SECONDS = 0.5


class LogWriter:
    """Takes records without making a request wait, and writes them to the database in batches.

    While the database is unavailable, hangs, or is too slow, records go to a spool on disk, and from there to
    the database when it is back. Each is there once, because its id is the row's key. A killed process loses
    at most the records of its last second. All writers on a machine may share a spool.
    """

    def __init__(self, engine: Engine, settings: LogSettings) -> None:
        self._engine = engine
        self._settings = settings
        self._queue: deque[Record] = deque()
        self._wake = threading.Event()
        self._counting = threading.Lock()
        self._lost = 0
        self._not_json = 0
        self._is_accepting = False
        self._stop_at: float | None = None
        self._is_spool_failing = False
        self._spool: Spool | None = None
        self._loader: Loader | None = None
        self._thread: threading.Thread | None = None

    @property
    def queued(self) -> int:
        """Number of records that are only in memory."""
        return len(self._queue) + (self._loader.in_flight if self._loader else 0)

    @property
    def spooled(self) -> int:
        """Number of records that wait on disk, of all processes that share the spool."""
        return self._spool.records if self._spool else 0

    @property
    def written(self) -> int:
        """Number of records that this process wrote to the database."""
        return self._loader.written if self._loader else 0

    @property
    def rejected(self) -> int:
        """Number of records that were rejected for what they hold; they are kept in the spool."""
        return self._not_json + (self._loader.rejected if self._loader else 0)

    @property
    def lost(self) -> int:
        """Number of records that are lost: memory and disk were full, or one on disk was corrupt."""
        return self._lost + (self._spool.corrupt if self._spool else 0)

    def start(self) -> None:
        """Open the spool and start the threads. The database may be unavailable.

        Raises
        ------
        LogError
            The spool can't be written to.
        """
        settings = self._settings
        self._spool = Spool(settings.spool, max_bytes=settings.max_spool_bytes)
        self._loader = Loader(self._engine, self._spool, batch=settings.batch, on_change=self._wake.set)
        self._thread = threading.Thread(
            target=self._run, args=(self._spool, self._loader), name="segue-log", daemon=True
        )
        self._is_accepting = True
        self._loader.start()
        self._thread.start()

    def stop(self, timeout_seconds: float = 10.0) -> None:
        """Write what is queued; what the database has not taken after the timeout stays in the spool."""
        if self._thread is None or self._spool is None or self._loader is None:
            return
        self._is_accepting = False
        self._stop_at = time.monotonic() + timeout_seconds
        self._wake.set()
        self._thread.join(timeout_seconds + 1.0)
        self._loader.stop(self._stop_at - time.monotonic())
        self._spool.close()
        self._thread = None

    def put(self, record: Record) -> bool:
        """Take a record without waiting; False if memory is full, and the record lost and counted."""
        queued = len(self._queue)
        if not self._is_accepting or queued >= self._settings.max_queued:
            self._lose()
            return False
        self._queue.append(record)
        if queued >= self._settings.batch and not self._wake.is_set():
            self._wake.set()
        return True

    def _lose(self) -> None:
        with self._counting:
            self._lost += 1
            is_first = self._lost == 1
        if is_first:
            _LOG.error("a record of the log is lost: %d are in memory, and the spool takes none", self.queued)

    def _run(self, spool: Spool, loader: Loader) -> None:
        while self._stop_at is None:
            self._wake.wait(self._settings.flush_seconds)
            self._wake.clear()
            try:
                self._flush(spool, loader)
            except Exception:
                _LOG.exception("a fault of the log's writer, which goes on")
        # a database that is only slow may still take all records, those of the spool too
        while (self._queue or loader.in_flight or spool.records) and time.monotonic() < self._stop_at:
            self._flush(spool, loader)
            if loader.has_failed:
                break
            self._wake.wait(0.01)
            self._wake.clear()
        rest = [*loader.take_back(after_seconds=0.0), *self._take(len(self._queue))]
        if not self._keep(spool, rest):
            with self._counting:
                self._lost += len(rest)
            _LOG.error("%d records of the log are lost: neither database nor spool takes them", len(rest))

    def _flush(self, spool: Spool, loader: Loader) -> None:
        """Give what is queued to the database, or to the spool where that does not take it."""
        if not self._keep(spool, loader.take_back(after_seconds=_MAX_BATCH_SECONDS)):
            return
        while self._queue:
            records = self._take(self._settings.batch)
            if loader.offer(records):
                continue
            if not loader.needs_spool and len(self._queue) + len(records) <= self._settings.max_queued // 2:
                self._put_back(records)
                break
            if not self._keep(spool, records):
                break

    def _keep(self, spool: Spool, records: Sequence[Record]) -> bool:
        """Add records to the spool; if it takes none they go back to the queue."""
        if not records:
            return True
        try:
            self._not_json += spool.append(records)
        except LogError as error:
            if not self._is_spool_failing:
                _LOG.error("the log's spool takes no records, they stay in memory: %s", error)
            self._is_spool_failing = True
            self._put_back(records)
            return False
        # a nearly full disk may take a few and then none: that is not worth a message
        if self._is_spool_failing and not self._queue:
            _LOG.info("the log's spool takes records again")
            self._is_spool_failing = False
        return True

    def _take(self, limit: int) -> list[Record]:
        return [self._queue.popleft() for _ in range(min(limit, len(self._queue)))]

    def _put_back(self, records: Sequence[Record]) -> None:
        self._queue.extendleft(reversed(records))
