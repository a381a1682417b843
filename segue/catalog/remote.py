"""Download a catalogue from the web, an object store or Kaggle."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import tenacity

from segue.catalog.sources import SUFFIXES, Received, SourceFile, in_folder, is_data
from segue.errors import CatalogError
from segue.settings import S3Settings, read_settings

if TYPE_CHECKING:
    from segue.store.s3_client import S3Bucket

__all__ = ["from_kaggle", "from_s3", "from_web"]

_CHUNK = 1024 * 1024
_ATTEMPTS = 3
_CONNECT_SECONDS = 10.0
_READ_SECONDS = 60.0


def from_web(url: str, folder: Path, received: Received) -> SourceFile:
    """Stream one file from an ``https://`` address, following redirects and retrying broken connections.

    Raises
    ------
    CatalogError
        The server does not answer, or not with 200.
    """
    import httpx

    address = urlsplit(url)
    name = unquote(address.path.rsplit("/", 1)[-1]) or (address.hostname or "catalogue")
    # Messages contain neither the query, which is often a signature or a token, nor a password.
    shown = f"{address.scheme}://{address.netloc.rpartition('@')[2]}{address.path}"
    target = folder / "download"
    timeout = httpx.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS)
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(httpx.TransportError),
        wait=tenacity.wait_random_exponential(multiplier=0.2, max=5),
        stop=tenacity.stop_after_attempt(_ATTEMPTS),
        reraise=True,
    )
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
        for chunk in response.iter_bytes(_CHUNK):
            file.write(chunk)
            received(response.num_bytes_downloaded, total)


def from_s3(url: str, folder: Path, received: Received) -> list[SourceFile]:
    """Stream one object, all data files below ``s3://bucket/prefix/``, or the matches of a glob.

    Raises
    ------
    CatalogError
        Nothing matches.
    StoreError, StoreUnavailable, StoreAccessDenied
        There is no such bucket or object, the store did not answer, or it denied access.
    """
    name, _, key = url.removeprefix("s3://").partition("/")
    if not name:
        raise CatalogError(
            f"{url}: expected s3://bucket/key, s3://bucket/prefix/ or s3://bucket/prefix/*.csv"
        )
    from segue.store.s3_client import S3Bucket

    bucket = S3Bucket(name, read_settings(S3Settings), attempts=_ATTEMPTS)
    is_glob = any(mark in key for mark in "*?[")
    if key and not is_glob and not key.endswith("/"):
        return [_fetch_object(bucket, key, folder / "0", received)]
    prefix = _literal(key) if is_glob else key
    keys = [str(item.object_name) for item in bucket.list(prefix) if not str(item.object_name).endswith("/")]
    matching = [other for other in keys if (fnmatchcase(other, key) if is_glob else is_data(other))]
    if not matching:
        what = "no object matches" if is_glob else f"no {', '.join(SUFFIXES)} object lies below it"
        raise CatalogError(f"{url}: {what}")
    base = prefix.rpartition("/")[0]
    return [
        _fetch_object(bucket, other, folder / str(number), received, base)
        for number, other in enumerate(matching)
    ]


def _literal(pattern: str) -> str:
    """Folders of a glob before its first wildcard: the prefix to list."""
    first = min(pattern.find(mark) for mark in "*?[" if mark in pattern)
    return pattern[: pattern.rfind("/", 0, first) + 1]


def _fetch_object(
    bucket: S3Bucket, key: str, target: Path, received: Received, base: str | None = None
) -> SourceFile:
    """Stream one object, named by its key relative to `base`, or without `base` by the key's last part."""

    def get() -> None:
        with bucket.opened(key) as response, target.open("wb") as file:
            total, done = int(response.headers.get("content-length", 0)), 0
            for chunk in response.stream(_CHUNK):
                done += file.write(chunk)
                received(done, total)

    bucket.call(key, get)
    name = key.rsplit("/", 1)[-1] if base is None else key.removeprefix(base).lstrip("/")
    return SourceFile(path=target, name=name)


def from_kaggle(url: str) -> list[SourceFile]:
    """Download a data set with kagglehub, which caches it.

    ``kaggle://owner/dataset`` reads every file of it that is a catalogue, ``kaggle://owner/dataset/file.csv``
    one file, ``kaggle://owner/dataset/versions/3`` a version.

    Raises
    ------
    CatalogError
        kagglehub is not installed, there is no such data set, or it can't be fetched.
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
        path = Path(kagglehub.dataset_download(handle, path=inner or None))
    except failures as error:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise CatalogError(
            f"{url}: can't be downloaded: {reason}. Private data sets need KAGGLE_USERNAME and KAGGLE_KEY"
        ) from None
    if path.is_file():
        return [SourceFile(path=path, name=path.name)]
    return in_folder(path, url, optional=True)
