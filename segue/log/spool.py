"""Records that wait on disk while the database is unavailable: one SQLite file, shared by all processes."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from segue.errors import LogError
from segue.log.record import Record, Row, decode, encode, record_id, rejected_rows, session_key

__all__ = ["Spool", "folder_lock"]

_LOG = logging.getLogger(__name__)

# Deleting rows needs disk space, too: a spool that took all of it could not be emptied.
_MIN_FREE_BYTES = 16 << 20
# A mistake in every record would otherwise fill the disk.
_MAX_REJECTED_BYTES = 64 << 20
# As long as rewriting a large file takes another process that erases from it; no request waits for it.
_LOCK_TIMEOUT_SECONDS = 20.0

# The triggers keep the totals, so that nobody has to read a million rows to count them.
_SCHEMA = """
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
PRAGMA secure_delete = ON;
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS records (
    number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, session BLOB, line BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS rejected (id BLOB PRIMARY KEY, session BLOB, line TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS totals (records INTEGER NOT NULL, bytes INTEGER NOT NULL);
INSERT INTO totals SELECT 0, 0 WHERE NOT EXISTS (SELECT * FROM totals);
CREATE TRIGGER IF NOT EXISTS record_added AFTER INSERT ON records BEGIN
    UPDATE totals SET records = records + 1, bytes = bytes + length(new.line); END;
CREATE TRIGGER IF NOT EXISTS record_deleted AFTER DELETE ON records BEGIN
    UPDATE totals SET records = records - 1, bytes = bytes - length(old.line); END;
COMMIT;
"""
_ADD = "INSERT OR IGNORE INTO records (id, session, line) VALUES (?, ?, ?)"
_REMOVE = "DELETE FROM records WHERE id = ?"


class Spool:
    """The records on disk in one folder, and those that the database rejected.

    Several processes and threads may use one folder. It holds a record once, by its id. Records that were
    added survive a killed process and a power failure. A corrupt file is moved aside, and a new one begun.
    A missing folder is made. The lines of the records that wait have at most `max_bytes` together.

    Attributes
    ----------
    records, bytes
        Number and total length of the records at the last call. Reading them never waits for the disk.
    corrupt
        Number of records that could not be read, or were in a file that was moved aside.

    Raises
    ------
    LogError
        The folder can't be written to. Each method raises it when the file can't be read or written.
    """

    def __init__(self, root: Path, *, max_bytes: int = 1 << 30) -> None:
        self.root = root
        self.records = self.bytes = self.corrupt = 0
        self._path = root / "spool.sqlite"
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._inode: int | None = None
        try:
            self._open()
        except (sqlite3.Error, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise LogError(f"{root}: the log's spool can't be written to: {reason}") from None

    def append(self, records: Sequence[Record], *, is_limited: bool = True) -> int:
        """Add all records, or none and raise; return how many were rejected, as JSON can't hold them.

        If not `is_limited`, the limits of the spool's size and of free disk space do not apply.
        """
        rows: list[Row] = []
        rejected: list[tuple[Record, str]] = []
        for record in records:
            try:
                rows.append((record_id(record).bytes, session_key(record.session), encode(record)))
            except TypeError as error:
                rejected.append((record, str(error)))
        with self._transaction() as connection:
            if is_limited:
                self._check_room(sum(len(line) for *_, line in rows))
            connection.executemany(_ADD, rows)
            _reject(connection, rejected_rows(rejected))
        return len(rejected)

    def oldest(self, limit: int) -> list[Record]:
        """Read the oldest records. Rows that are no records are deleted, and counted as corrupt."""
        records, corrupt = [], []
        with self._transaction() as connection:
            rows = connection.execute("SELECT id, line FROM records ORDER BY number LIMIT ?", (limit,))
            for name, line in rows.fetchall():
                try:
                    records.append(decode(line))
                except ValueError as error:
                    _LOG.error("%s: a record is lost: %s", self._path, error)
                    corrupt.append((name,))
            connection.executemany(_REMOVE, corrupt)
        self.corrupt += len(corrupt)
        return records

    def remove(self, records: Sequence[Record], rejected: Sequence[tuple[Record, str]]) -> tuple[int, int]:
        """Remove records that were passed to the database; those it rejected are kept apart, with the reason.

        Returns
        -------
        written, rejected
            How many records this call removed; another process may have removed some of them before.
        """
        # without a sync: records that come back after a power failure are written once all the same
        with self._transaction(is_durable=False) as connection:
            _reject(connection, rejected_rows(rejected))
            bad = [(record_id(record).bytes,) for record, _ in rejected]
            refused = connection.executemany(_REMOVE, bad).rowcount
            written = connection.executemany(_REMOVE, [(record_id(r).bytes,) for r in records]).rowcount
        if not self.records:
            with suppress(LogError), self._connected() as connection:
                connection.executescript("PRAGMA incremental_vacuum")  # gives disk space back
        return written, refused

    def reject(self, rows: Iterable[Row]) -> None:
        """Keep rejected records, up to 64 MiB."""
        with self._transaction() as connection:
            _reject(connection, rows)

    def erase(self, session: str) -> int:
        """Delete the records of a session, also rejected ones, from every byte of the file; count them."""
        key = (session_key(session),)
        with self._transaction() as connection:
            deleted = connection.execute("DELETE FROM records WHERE session = ?", key).rowcount
            deleted += connection.execute("DELETE FROM rejected WHERE session = ?", key).rowcount
        with self._connected() as connection:
            self._check_free(2 * self._path.stat().st_size, "erased, but copies may be left in the file")
            # secure_delete overwrites rows, but not the copies that SQLite left when it moved them
            connection.execute("VACUUM")
            (is_busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if is_busy:
            raise LogError(f"{self._path}: another process is using it, try again")
        return deleted

    def close(self) -> None:
        """Close the file; the next process reads what is in it."""
        with self._lock:
            self._connection.close()

    def _check_room(self, size: int) -> None:
        if size and self.bytes + size > self._max_bytes:
            raise LogError(f"{self._path}: the limit of {self._max_bytes:,} bytes is reached")
        self._check_free(_MIN_FREE_BYTES + 2 * size, "no records are taken")

    def _check_free(self, needed: int, otherwise: str) -> None:
        if (free := shutil.disk_usage(self.root).free) < needed:
            raise LogError(
                f"{self.root}: {otherwise}: expected {needed:,} free bytes on the disk, got {free:,}"
            )

    @contextmanager
    def _transaction(self, *, is_durable: bool = True) -> Iterator[sqlite3.Connection]:
        with self._connected() as connection:
            # with NORMAL a power failure takes back the transactions since the last one with FULL
            connection.execute(f"PRAGMA synchronous = {'FULL' if is_durable else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                self._count()
                yield connection
                connection.execute("COMMIT")
            finally:
                with suppress(sqlite3.Error):  # the first error says more
                    connection.rollback()  # does nothing after COMMIT
            self._count()

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection to one thread at a time; SQLite's errors become a LogError."""
        with self._lock:
            try:
                if _inode(self._path) != self._inode:  # another process moved it aside
                    self._connection.close()
                    self._open()
                yield self._connection
            except (sqlite3.Error, OSError) as error:
                if _is_corrupt(error):
                    self._replace_corrupt()
                raise LogError(f"{self._path}: {error}") from None

    def _replace_corrupt(self) -> None:
        """Move the file aside, unless another process has; the next call opens a new one."""
        self._connection.close()
        inode, self._inode = self._inode, -1
        # a disk that corrupts files may refuse this, too; then the next call tries again
        with suppress(OSError), folder_lock(self.root):
            if _inode(self._path) == inode:
                _move_aside(self._path)
                self.corrupt += max(1, self.records)

    def _count(self) -> None:
        self.records, self.bytes = self._connection.execute("SELECT records, bytes FROM totals").fetchone()

    def _open(self) -> None:
        with folder_lock(self.root):
            before = _inode(self._path)
            self._connection = _connect(self._path)
            self._inode = _inode(self._path)
            if before not in (None, self._inode):  # it was corrupt, nobody knows of how many records
                self.corrupt += 1
            self._count()


@contextmanager
def folder_lock(root: Path) -> Iterator[None]:
    """Keep other processes from opening or moving files of the spool; to be held for moments."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _connect(path: Path) -> sqlite3.Connection:
    path.touch(mode=0o600)  # SQLite gives the same mode to the files beside it
    connection = sqlite3.connect(
        path, timeout=_LOCK_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        connection.executescript(_SCHEMA)
    except sqlite3.Error as error:
        connection.close()
        if not _is_corrupt(error):
            raise
        _move_aside(path)
        return _connect(path)
    return connection


def _move_aside(path: Path) -> None:
    aside = f"{path}.corrupt-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}"
    for suffix in ("", "-wal", "-shm"):
        if (file := Path(f"{path}{suffix}")).exists():
            file.rename(f"{aside}{suffix}")
    _LOG.error("%s is corrupt and was moved to %s; new records go to a new file", path, aside)


def _is_corrupt(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def _reject(connection: sqlite3.Connection, rows: Iterable[Row]) -> None:
    rows = list(rows)
    if not rows:  # the sum reads all of them
        return
    total = connection.execute("SELECT coalesce(sum(length(line)), 0) FROM rejected")
    if total.fetchone()[0] < _MAX_REJECTED_BYTES:
        connection.executemany("INSERT OR IGNORE INTO rejected VALUES (?, ?, ?)", rows)
