"""Open a store by its URL."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from segue.errors import StoreError
from segue.settings import S3Settings, read_settings
from segue.store.base import Store
from segue.store.directory import DirectoryStore

__all__ = ["open_store", "store_path"]


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
    """Open a store: a path, ``file:///path`` or ``s3://bucket/prefix``. Neither reads nor writes anything.

    The S3 endpoint and credentials are those of ``SEGUE_S3_*`` if not given.

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
        return DirectoryStore(path)
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc:
        raise StoreError(f"{url!r} is not a store: expected a path, file:///path or s3://bucket/prefix")
    try:
        from segue.store.s3 import S3Store
    except ImportError as error:
        raise StoreError(f"{url}: {error.name} is not installed: pip install 'segue[store]'") from None
    return S3Store(parts.netloc, parts.path.strip("/"), s3 or read_settings(S3Settings))
