"""Fetch a catalogue from the web, from an object store or from Kaggle to a folder on this machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import tenacity

from segue.catalog.sources import SUFFIXES, Received, SourceFile, in_folder, is_data
from segue.errors import CatalogError
from segue.settings import S3Settings, read_settings

__all__ = ["from_kaggle", "from_s3", "from_web"]

_PIECE = 1024 * 1024
_ATTEMPTS = 3
_CONNECT_SECONDS = 10.0
_READ_SECONDS = 60.0


def from_web(url: str, folder: Path, received: Received) -> SourceFile:
    """Stream one file from an ``https://`` address, redirects followed, broken connections tried again.

    Raises
    ------
    CatalogError
        The address does not answer, or not with 200.
    """
    import httpx

    address = urlsplit(url)
    name = unquote(address.path.rsplit("/", 1)[-1]) or (address.hostname or "catalogue")
    # Neither a query, often a signature or a token, nor a user's password stands in a message.
    shown = f"{address.scheme}://{address.netloc.rpartition('@')[2]}{address.path}"
    target = folder / "download"
    timeout = httpx.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS)
    retrying = _retrying(lambda error: isinstance(error, httpx.TransportError))
    try:
        with httpx.Client(follow_redirects=True, timeout=timeout) as client:
            retrying(_download, client, url, target, received)
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        raise CatalogError(f"{shown}: the server answered HTTP {status}, expected 200 and a file") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CatalogError(f"{shown}: could not be fetched: {str(error) or type(error).__name__}") from None
    return SourceFile(path=target, name=name.replace("/", "_"))


def _download(client: Any, url: str, target: Path, received: Received) -> None:
    with client.stream("GET", url) as response, target.open("wb") as file:
        response.raise_for_status()
        total = int(response.headers.get("content-length", 0))
        for piece in response.iter_bytes(_PIECE):
            file.write(piece)
            received(response.num_bytes_downloaded, total)


def from_s3(url: str, folder: Path, received: Received) -> list[SourceFile]:
    """Stream one object, all data files below ``s3://bucket/prefix/``, or those that match a glob.

    Raises
    ------
    CatalogError
        Nothing matches.
    StoreError, StoreUnavailable, StoreAccessDenied
        There is no such bucket or object, or the store did not answer or refused.
    """
    bucket, _, key = url.removeprefix("s3://").partition("/")
    if not bucket:
        raise CatalogError(
            f"{url}: expected s3://bucket/key, s3://bucket/prefix/ or s3://bucket/prefix/*.csv"
        )
    settings = read_settings(S3Settings)
    reader = _ObjectReader(settings, bucket)
    is_glob = any(mark in key for mark in "*?[")
    if key and not is_glob and not key.endswith("/"):
        target = folder / "0"
        reader.download(key, target, received)
        return [SourceFile(path=target, name=key.rsplit("/", 1)[-1])]
    prefix = _literal(key) if is_glob else key
    found = [
        name
        for name in reader.list(prefix)
        if (fnmatchcase(name, key) if is_glob else is_data(name)) and not name.endswith("/")
    ]
    if not found:
        what = "no object matches" if is_glob else f"no {', '.join(SUFFIXES)} object lies below it"
        raise CatalogError(f"{url}: {what}")
    base = prefix.rpartition("/")[0]
    files = []
    for number, name in enumerate(found):
        target = folder / str(number)
        reader.download(name, target, received)
        files.append(SourceFile(path=target, name=name.removeprefix(base).lstrip("/")))
    return files


def _literal(pattern: str) -> str:
    """Part of a glob before its first wildcard, cut at a slash: what a store can list by."""
    first = min(pattern.find(mark) for mark in "*?[" if mark in pattern)
    return pattern[: pattern.rfind("/", 0, first) + 1]


class _ObjectReader:
    """Reads objects of one bucket; unlike the bundle store it takes keys of any shape."""

    def __init__(self, settings: S3Settings, bucket: str) -> None:
        import certifi
        import urllib3

        from segue.store.s3_client import open_client
        from segue.store.s3_errors import is_transient

        self._settings, self._bucket = settings, bucket
        http = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS),
            retries=False,
            ca_certs=os.environ.get("SSL_CERT_FILE") or certifi.where(),
        )
        self._client = open_client(settings, http)
        self._retrying = _retrying(is_transient)

    def list(self, prefix: str) -> list[str]:
        """Keys below a prefix, sorted."""
        listed = self._call(
            prefix, lambda: list(self._client.list_objects(self._bucket, prefix=prefix, recursive=True))
        )
        return sorted(str(entry.object_name) for entry in listed)

    def download(self, key: str, target: Path, received: Received) -> None:
        """Stream one object to a file."""

        def get() -> None:
            response = self._client.get_object(self._bucket, key)
            try:
                total, done = int(response.headers.get("content-length", 0)), 0
                with target.open("wb") as file:
                    for piece in response.stream(_PIECE):
                        done += file.write(piece)
                        received(done, total)
            finally:
                response.close()
                response.release_conn()

        self._call(key, get)

    def _call(self, key: str, action: Callable[[], Any]) -> Any:
        from segue.store.s3_client import has_credentials
        from segue.store.s3_errors import FAILURES, explain

        try:
            return self._retrying(action)
        except FAILURES as error:
            settings = self._settings
            told = explain(
                error,
                endpoint=settings.endpoint,
                bucket=self._bucket,
                key=key,
                has_credentials=has_credentials(settings),
            )
        raise told


def _retrying(again: Callable[[BaseException], bool]) -> tenacity.Retrying:
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(again),
        wait=tenacity.wait_random_exponential(multiplier=0.2, max=5),
        stop=tenacity.stop_after_attempt(_ATTEMPTS),
        reraise=True,
    )


def from_kaggle(url: str) -> list[SourceFile]:
    """Fetch a data set through kagglehub, which keeps it in its own cache.

    ``kaggle://owner/dataset`` takes every file of it that is a catalogue, ``kaggle://owner/dataset/file.csv``
    one file, ``kaggle://owner/dataset/versions/3`` a version.

    Raises
    ------
    CatalogError
        kagglehub is not installed, or there is no such data set, or it can't be fetched.
    """
    try:
        import kagglehub
        from kagglehub import exceptions
    except ImportError:
        raise CatalogError(
            f"{url}: reading from Kaggle needs kagglehub, which is not installed: pip install 'segue[kaggle]'"
        ) from None
    parts = url.removeprefix("kaggle://").strip("/").split("/")
    if len(parts) < 2 or not all(parts):
        raise CatalogError(f"{url}: expected kaggle://owner/dataset or kaggle://owner/dataset/file.csv")
    versioned = len(parts) >= 4 and parts[2] == "versions"
    handle, inner = "/".join(parts[: 4 if versioned else 2]), "/".join(parts[4 if versioned else 2 :])
    failures = (
        OSError,  # requests' own errors are OSErrors
        ValueError,
        exceptions.UnauthenticatedError,
        exceptions.NotFoundError,
        exceptions.BackendError,
        exceptions.CredentialError,
        exceptions.DataCorruptionError,
    )
    try:
        found = Path(kagglehub.dataset_download(handle, path=inner or None))
    except failures as error:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise CatalogError(
            f"{url}: Kaggle did not give it: {reason}. What is private needs KAGGLE_USERNAME and KAGGLE_KEY"
        ) from None
    if found.is_file():
        return [SourceFile(path=found, name=found.name)]
    return in_folder(found, url, optional=True)
