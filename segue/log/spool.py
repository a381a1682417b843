"""Records on disk while the database is away: files of JSON lines, each written once and read once."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from segue.log.folder import SUFFIX, OwnedFolder, take_dead
from segue.log.record import Record, decode

__all__ = ["Spool", "read_segment"]

# Small enough that replaying one again after a fault costs nothing.
_SEGMENT_BYTES = 2 << 20
_SYNC_SECONDS = 0.5


@dataclass
class _Segment:
    """A file of records."""

    path: Path
    records: int
    bytes: int


class Spool:
    """A process's part of the spool: lines are added to the newest file, the oldest is read and removed.

    Two threads use it, one to write and one to read; they never have the same file.

    Parameters
    ----------
    root
        Folder that all writers share.
    max_bytes
        Above this nothing is taken.

    Attributes
    ----------
    records, bytes
        What waits here.

    Raises
    ------
    LogError
        The folder can't be written to.
    """

    def __init__(self, root: Path, *, max_bytes: int = 1 << 30, segment_bytes: int = _SEGMENT_BYTES) -> None:
        self.root = root
        self._max_bytes = max_bytes
        self._segment_bytes = segment_bytes
        self._folder = OwnedFolder.make(root)
        self._guard = threading.Lock()
        self._sealed: list[_Segment] = []
        self._open: _Segment | None = None
        self._file: int | None = None
        self._number = 0
        self._is_unsynced = False
        self._synced_at = 0.0
        # read by others without the guard, which is held while a slow disk syncs
        self.records = 0
        self.bytes = 0

    def append(self, lines: Sequence[bytes]) -> None:
        """Add records. All of them are there afterwards, or none and an error is raised.

        Raises
        ------
        OSError
            The disk is full, or the spool has its greatest size.
        """
        data = b"".join(line + b"\n" for line in lines)
        with self._guard:
            if self.bytes + len(data) > self._max_bytes:
                raise OSError(f"the spool holds {self._max_bytes:,} bytes already")
            segment = self._writable()
            assert self._file is not None
            try:
                _write_all(self._file, data)
            except OSError:
                os.ftruncate(self._file, segment.bytes)
                raise
            segment.bytes += len(data)
            segment.records += len(lines)
            self._count(len(lines), len(data))
            self._is_unsynced = True
            if segment.bytes >= self._segment_bytes:
                self._seal()

    def sync(self, *, now: bool = False) -> None:
        """Make what was added survive a power cut; at most every half second, unless asked for at once."""
        with self._guard:
            if not self._is_unsynced or self._file is None:
                return
            if now or time.monotonic() - self._synced_at >= _SYNC_SECONDS:
                os.fsync(self._file)
                self._is_unsynced, self._synced_at = False, time.monotonic()

    def oldest(self) -> Path | None:
        """Name the oldest file with records in it; it is added to no more."""
        with self._guard:
            if not self._sealed and self._open is not None and self._open.records:
                self._seal()
            return self._sealed[0].path if self._sealed else None

    def remove(self, path: Path) -> None:
        """Remove a file that was read."""
        with self._guard:
            path.unlink(missing_ok=True)
            for segment in self._sealed:
                if segment.path == path:
                    self._count(-segment.records, -segment.bytes)
            self._sealed = [segment for segment in self._sealed if segment.path != path]

    def adopt(self) -> int:
        """Take over what dead writers left; returns how many records those are.

        Raises
        ------
        OSError
            The folder can't be read.
        """
        taken = [
            _Segment(path, path.read_bytes().count(b"\n"), path.stat().st_size)
            for path in take_dead(self.root, self._folder)
        ]
        with self._guard:
            self._sealed = taken + self._sealed
            for segment in taken:
                self._count(segment.records, segment.bytes)
        return sum(segment.records for segment in taken)

    def close(self) -> None:
        """Sync, and let go of the folder. What is in it is for the next writer."""
        self.sync(now=True)
        with self._guard:
            if self._file is not None:
                os.close(self._file)
                self._file = self._open = None
            self._folder.release()

    def _count(self, records: int, size: int) -> None:
        self.records += records
        self.bytes += size

    def _writable(self) -> _Segment:
        if self._open is None:
            path = self._folder.path / f"1-{self._number:08d}{SUFFIX}"
            self._number += 1
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            self._open = _Segment(path, 0, 0)
        return self._open

    def _seal(self) -> None:
        assert self._file is not None
        assert self._open is not None
        os.fsync(self._file)
        os.close(self._file)
        self._sealed.append(self._open)
        self._file = self._open = None
        self._is_unsynced = False


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def read_segment(path: Path) -> tuple[list[Record], int]:
    """Read a file of records.

    Returns
    -------
    records
        Those that can be read.
    corrupt
        Number of lines that can't be: of a process that was killed while it wrote the last one is half.
    """
    records: list[Record] = []
    corrupt = 0
    for line in path.read_bytes().splitlines():
        try:
            records.append(decode(line))
        except ValueError:
            corrupt += 1
    return records, corrupt
