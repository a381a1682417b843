"""A writer's own folder in the spool, and the folders that dead writers left."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segue.errors import LogError

__all__ = ["OwnedFolder", "is_owned", "root_lock", "segments_in", "take_dead"]

_LOCK = "lock"
_ROOT_LOCK = ".lock"
SUFFIX = ".jsonl"


class OwnedFolder:
    """A folder that belongs to this process until it lets go of it, or dies.

    The kernel drops the lock of a process that is killed, so what it left can be told from what a living
    one is writing.
    """

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def make(cls, root: Path) -> OwnedFolder:
        """Make a folder of one's own.

        Raises
        ------
        LogError
            The spool can't be written to.
        """
        path = root / f"{os.getpid()}-{secrets.token_hex(4)}"
        try:
            with root_lock(root):
                path.mkdir(mode=0o700)
                lock = _try_lock(path)
        except OSError as error:
            raise LogError(f"{root}: the log's spool can't be written to: {error.strerror}") from None
        assert lock is not None
        return cls(path, lock)

    def release(self) -> None:
        """Let go of it; a folder with nothing in it is removed."""
        with root_lock(self.path.parent):
            if not segments_in(self.path):
                shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)


def segments_in(folder: Path) -> list[Path]:
    """List a folder's files of records, oldest first."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == SUFFIX)
    except FileNotFoundError:
        return []


def take_dead(root: Path, into: OwnedFolder) -> list[Path]:
    """Move the files of writers that are dead into a folder of one's own; returns where they are now."""
    taken = []
    with root_lock(root):
        for folder in _folders(root):
            lock = _try_lock(folder)
            if lock is None:
                continue
            try:
                for number, segment in enumerate(segments_in(folder)):
                    # begins with what sorts before one's own: the oldest is replayed first
                    target = into.path / f"0-{secrets.token_hex(4)}-{number:06d}{SUFFIX}"
                    segment.rename(target)
                    taken.append(target)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
    return taken


def is_owned(folder: Path) -> bool:
    """Tell whether a living writer has this folder."""
    lock = _try_lock(folder)
    if lock is None:
        return True
    os.close(lock)
    return False


@contextmanager
def root_lock(root: Path) -> Iterator[None]:
    """Keep others from making, taking or rewriting anything in the spool. Held for moments."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(root / _ROOT_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _folders(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir())


def _try_lock(folder: Path) -> int | None:
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock
