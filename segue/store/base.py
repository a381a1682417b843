"""What a store must do: one small interface over a directory or S3.

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

    def download(self, key: str, path: Path, throttle: Throttle | None = None) -> str:
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
