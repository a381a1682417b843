"""The store that keeps bundles: one small interface over a directory or S3, and `open_store`.

Keys are relative paths with ``/`` between their parts, for example ``bundles/<digest>/tracks.parquet``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from segue.bundle.pace import Pace
from segue.errors import StoreError
from segue.settings import S3Settings, read_settings

__all__ = ["Entry", "Store", "check_key", "open_store", "store_path"]

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One object of a store.

    Attributes
    ----------
    key
        Its key.
    bytes
        Its size.
    modified
        When it was last written, by the store's clock, with a time zone.
    sha256
        What its uploader declared, where the store keeps such a thing and was asked for this one object.
    """

    key: str
    bytes: int
    modified: datetime
    sha256: str | None = None


class Store(Protocol):
    """What a place must be able to do to keep bundles. All methods are safe to call from several threads.

    Every method raises StoreAccessDenied where the store refuses the caller, StoreUnavailable where it
    stays away after retries, and StoreError for anything else that it refuses.
    """

    @property
    def url(self) -> str:
        """The store's own address, without credentials."""

    def read(self, key: str) -> bytes:
        """Bytes of a small object; StoreError if it is missing."""

    def read_with_version(self, key: str) -> tuple[bytes, str] | None:
        """Bytes of a small object and the version to give to `replace`; None if it is missing."""

    def write(self, key: str, data: bytes) -> None:
        """Write a small object, whole or not at all; an older one is replaced."""

    def replace(self, key: str, data: bytes, expected: str | None) -> bool:
        """Compare-and-swap: write only if the object still has version `expected`.

        None expects that there is no such object. False: somebody else was first, nothing was written.
        """

    def upload(self, key: str, path: Path, *, sha256: str) -> None:
        """Write a file, whole or not at all, in bounded memory.

        Raises
        ------
        ChecksumError
            The file no longer has this sha256; nothing was written.
        """

    def download(self, key: str, path: Path, pace: Pace | None = None) -> str:
        """Copy an object to `path` in bounded memory; returns the sha256 of what was written."""

    def checksum(self, key: str) -> str:
        """sha256 of an object's bytes, all of them read."""

    def stat(self, key: str) -> Entry | None:
        """Size and age of one object; None if it is missing."""

    def entries(self, prefix: str) -> tuple[Entry, ...]:
        """Objects whose keys start with `prefix` (empty, or ending in ``/``), sorted by key."""

    def delete(self, key: str) -> None:
        """Remove one object; nothing happens if it is missing."""

    def local_path(self, key: str) -> Path | None:
        """Where the object lies on this machine, to be read in place; None if it doesn't."""


def check_key(key: str) -> str:
    """Return the key if it is a plain relative path.

    Raises
    ------
    StoreError
        It is empty, absolute, hidden, or leads out of the store.
    """
    if not _KEY.fullmatch(key):
        raise StoreError(
            f"{key!r} is not a key: expected names of letters, digits, '.', '_', '-' between '/'"
        )
    return key


def store_path(url: str) -> Path | None:
    """Local path of a store or bundle URL: a plain path or ``file://``; None for another scheme."""
    if "://" not in url:
        return Path(url).expanduser()
    parts = urlsplit(url)
    if parts.scheme != "file":
        return None
    if parts.netloc not in ("", "localhost"):
        raise StoreError(f"{url}: a file URL has three slashes, as in file:///var/lib/segue")
    return Path(unquote(parts.path))


def open_store(url: str, *, s3: S3Settings | None = None) -> Store:
    """Open a store: a path, ``file:///path`` or ``s3://bucket/prefix``. Nothing is read or written yet.

    Parameters
    ----------
    url
        Address of the store.
    s3
        How S3 is reached; read from ``SEGUE_S3_*`` if not given.

    Raises
    ------
    StoreError
        The URL is of no known kind, or the S3 client is not installed.
    SettingsError
        A ``SEGUE_S3_*`` variable has a wrong value.

    Examples
    --------
    >>> open_store("/var/lib/segue").url
    '/var/lib/segue'
    """
    path = store_path(url) if url else None
    if path is not None:
        from segue.bundle.directory_store import DirectoryStore

        return DirectoryStore(path)
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc:
        raise StoreError(f"{url!r} is not a store: expected a path, file:///path or s3://bucket/prefix")
    try:
        from segue.bundle.s3_store import S3Store
    except ImportError as error:
        raise StoreError(f"{url}: {error.name} is not installed: pip install 'segue[store]'") from None
    return S3Store(parts.netloc, parts.path.strip("/"), s3 or read_settings(S3Settings))
