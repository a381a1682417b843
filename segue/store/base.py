"""The interface of a store, implemented over a directory and over S3.

Keys are relative paths with ``/`` between their parts, for example ``bundles/<digest>/tracks.parquet``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from segue.errors import StoreError
from segue.throttle import Throttle

__all__ = ["Entry", "Store", "check_key"]

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
        When it was last written, by the store's clock; timezone-aware.
    sha256
        The sha256 that the uploader declared. Only from `stat`, and only if the store keeps it.
    """

    key: str
    bytes: int
    modified: datetime
    sha256: str | None = None


class Store(Protocol):
    """Object storage for bundles. All methods are thread-safe.

    Every method raises StoreAccessDenied if the store denies access, StoreUnavailable if it does not respond
    after retries, and StoreError for any other failure.
    """

    @property
    def url(self) -> str:
        """The store's address, without credentials."""

    def read(self, key: str) -> bytes:
        """Bytes of a small object; StoreError if it is missing."""

    def read_with_version(self, key: str) -> tuple[bytes, str] | None:
        """Bytes of a small object and its version for `replace`; None if it is missing."""

    def write(self, key: str, data: bytes) -> None:
        """Write a small object atomically; an existing one is replaced."""

    def replace(self, key: str, data: bytes, expected: str | None) -> bool:
        """Compare-and-swap: write only if the object still has version `expected`, None if it must not exist.

        Returns False if it has another version; nothing was written then.
        """

    def upload(self, key: str, path: Path, *, sha256: str) -> None:
        """Write a file atomically, in bounded memory.

        Raises
        ------
        ChecksumError
            The file does not have this sha256; nothing was written.
        """

    def download(self, key: str, path: Path, throttle: Throttle | None = None) -> str:
        """Copy an object to `path` in bounded memory; returns the sha256 of what was written."""

    def checksum(self, key: str) -> str:
        """sha256 of an object, computed by reading all of it."""

    def stat(self, key: str) -> Entry | None:
        """Size and time of one object; None if it is missing."""

    def entries(self, prefix: str) -> tuple[Entry, ...]:
        """Objects whose keys start with `prefix` (empty, or ending in ``/``), sorted by key."""

    def delete(self, key: str) -> None:
        """Remove one object; nothing happens if it is missing."""

    def local_path(self, key: str) -> Path | None:
        """Path of the object on this machine, to be read in place; None for a remote store."""


def check_key(key: str) -> str:
    """Return the key if it is a plain relative path.

    Raises
    ------
    StoreError
        The key is empty, absolute or hidden, or leads out of the store.
    """
    if not _KEY.fullmatch(key):
        raise StoreError(
            f"{key!r} is not a key: expected names of letters, digits, '.', '_', '-' between '/'"
        )
    return key
