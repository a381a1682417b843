"""A store in a directory of one machine, or of a volume that several machines mount."""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from segue.errors import ChecksumError, StoreAccessDenied, StoreError, StoreUnavailable
from segue.store.base import Entry, check_key
from segue.store.checksum import sha256_file
from segue.throttle import Throttle

__all__ = ["DirectoryStore"]

_CHUNK = 4 * 1024 * 1024
_STALE_SECONDS = 86_400.0
_LOCK_SECONDS = 15.0
_RENAME_ATTEMPTS = 5


class DirectoryStore:
    """A store in a directory, which the first write creates. Reading works on a read-only mount.

    A file is written in ``.staging/`` on the same file system and renamed, so that a reader sees either the
    old or the new file, and a killed writer leaves no partial file under a key. Compare-and-swap takes a lock
    (flock), which the kernel releases when the process dies.
    """

    def __init__(self, root: Path) -> None:
        self._root = Path(os.path.abspath(root))  # noqa: PTH100 - resolve() would follow a volume's links
        self._url = str(root)
        self._swept = False

    def __repr__(self) -> str:
        return f"DirectoryStore({self._url!r})"

    @property
    def url(self) -> str:
        """The directory as it was given."""
        return self._url

    def read(self, key: str) -> bytes:
        """Bytes of a file; StoreError if it is missing."""
        with _translated(self._path(key)):
            return self._path(key).read_bytes()

    def read_with_version(self, key: str) -> tuple[bytes, str] | None:
        """Bytes of a file and their sha256, which is its version; None if it is missing."""
        with _translated(self._path(key)):
            try:
                data = self._path(key).read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None
        return data, hashlib.sha256(data).hexdigest()

    def write(self, key: str, data: bytes) -> None:
        """Write a file by renaming a finished one over it."""
        with self._staged(key) as staged:
            staged.write_bytes(data)

    def replace(self, key: str, data: bytes, expected: str | None) -> bool:
        """Compare-and-swap under a lock; False if the file has another version."""
        with self._locked(key):
            found = self.read_with_version(key)
            if (found[1] if found else None) != expected:
                return False
            self.write(key, data)
            return True

    def upload(self, key: str, path: Path, *, sha256: str) -> None:
        """Copy a file into the store, hashing what is copied."""
        with self._staged(key) as staged:
            copied = _copy(path, staged)
            if copied != sha256:
                raise ChecksumError(
                    f"{path} changed while it was published: sha256 {copied}, expected {sha256}"
                )

    def download(self, key: str, path: Path, throttle: Throttle | None = None) -> str:
        """Copy a file out of the store; returns the sha256 of what was written."""
        with _translated(self._path(key)):
            return _copy(self._path(key), path, throttle)

    def checksum(self, key: str) -> str:
        """sha256 of a file."""
        with _translated(self._path(key)):
            return sha256_file(self._path(key))

    def stat(self, key: str) -> Entry | None:
        """Size and time of a file; None if it is missing."""
        with _translated(self._path(key)):
            return self._entry(self._path(key))

    def entries(self, prefix: str) -> tuple[Entry, ...]:
        """Files below a folder of the store, sorted by key; hidden ones are not part of the store."""
        top = self._path(prefix.removesuffix("/")) if prefix else self._root
        found: list[Entry] = []
        with _translated(top):
            for folder, folders, names in os.walk(top):
                folders[:] = [name for name in folders if not name.startswith(".")]
                visible = (Path(folder) / name for name in names if not name.startswith("."))
                found.extend(entry for path in visible if (entry := self._entry(path)))
        return tuple(sorted(found, key=lambda entry: entry.key))

    def delete(self, key: str) -> None:
        """Remove a file, and the folders that it leaves empty."""
        path = self._path(key)
        with _translated(path):
            path.unlink(missing_ok=True)
            for folder in path.parents:
                if folder == self._root or not _is_removed(folder):
                    break

    def local_path(self, key: str) -> Path | None:
        """Path of a file in the store."""
        return self._path(key)

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    def _entry(self, path: Path) -> Entry | None:
        try:
            found = path.stat()
        except (FileNotFoundError, NotADirectoryError):  # perhaps removed since its folder was read
            return None
        key = path.relative_to(self._root).as_posix()
        return Entry(key=key, bytes=found.st_size, modified=datetime.fromtimestamp(found.st_mtime, UTC))

    @contextmanager
    def _staged(self, key: str) -> Iterator[Path]:
        path = self._path(key)
        staging = self._root / ".staging"
        staged = staging / uuid.uuid4().hex
        with _translated(path):
            self._sweep(staging)
            staging.mkdir(parents=True, exist_ok=True)
            try:
                yield staged
                _sync(staged)
                _rename(staged, path)
            finally:
                staged.unlink(missing_ok=True)

    def _sweep(self, staging: Path) -> None:
        """Remove files left by killed writers, once per instance."""
        if self._swept:
            return
        self._swept = True
        for left in staging.glob("*") if staging.is_dir() else ():
            with suppress(FileNotFoundError):
                if time.time() - left.stat().st_mtime > _STALE_SECONDS:
                    left.unlink()

    @contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        import fcntl  # POSIX only, and only needed for writing

        lock = self._root / ".locks" / key.replace("/", "+")
        with _translated(lock):
            lock.parent.mkdir(parents=True, exist_ok=True)
            with lock.open("ab") as file:
                deadline = time.monotonic() + _LOCK_SECONDS
                while True:
                    try:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        break
                    except BlockingIOError:
                        if time.monotonic() > deadline:
                            raise StoreUnavailable(
                                f"{self._url}: another process has held {lock} for {_LOCK_SECONDS:.0f} s"
                            ) from None
                        time.sleep(0.005)
                yield


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Turn errors of the operating system into the store's errors."""
    try:
        yield
    except PermissionError as error:
        raise StoreAccessDenied(
            f"{error.filename or path}: {error.strerror}: check its owner and mode"
        ) from None
    except FileNotFoundError as error:
        raise StoreError(f"{error.filename or path}: no such file") from None
    except OSError as error:
        raise StoreError(f"{error.filename or path}: {error.strerror or error}") from None


def _copy(source: Path, target: Path, throttle: Throttle | None = None) -> str:
    """Copy a file and return the sha256 of what was copied."""
    hasher = hashlib.sha256()
    with source.open("rb") as reader, target.open("wb") as writer:
        while chunk := reader.read(_CHUNK):
            hasher.update(chunk)
            writer.write(chunk)
            if throttle:
                throttle()
    return hasher.hexdigest()


def _sync(path: Path) -> None:
    """Flush a file or folder to disk: after a crash, a renamed file must have its contents."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _rename(staged: Path, path: Path) -> None:
    for attempt in range(_RENAME_ATTEMPTS):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.replace(staged, path)  # noqa: PTH105 - the same call as Path.replace, named as everywhere else
        except FileNotFoundError:  # a prune removed the folder after mkdir
            if attempt == _RENAME_ATTEMPTS - 1:
                raise
        else:
            _sync(path.parent)
            return


def _is_removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except OSError:  # not empty
        return False
    return True
