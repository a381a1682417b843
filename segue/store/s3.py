"""A store in an S3 bucket, of AWS, MinIO or any compatible service."""

from __future__ import annotations

import base64
import hashlib
import io
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import urllib3
from minio.error import MinioException, S3Error, ServerError

from segue.errors import ChecksumError
from segue.settings import S3Settings
from segue.store.base import Entry, check_key
from segue.store.s3_client import S3Bucket
from segue.store.s3_errors import code_of
from segue.throttle import Throttle

__all__ = ["S3Store"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Three parts are sent while the fourth is read: 32 MiB of memory for a file of up to 80 GB.
_PART = 8 * 1024 * 1024
_MAX_PARTS = 10_000
_EPOCH = datetime.fromtimestamp(0, UTC)
# As long as signed headers are valid, so that a wrong clock is tolerated here as much as in other requests.
_SIGNATURE_LIFE = timedelta(minutes=15)


class S3Store:
    """A store in an S3 bucket, below a prefix.

    Compare-and-swap is a conditional PUT (``If-Match``, ``If-None-Match``), which AWS, MinIO and Ceph
    support. If the service answers "not implemented", the object is read, compared and written instead, with
    a warning in the log: two concurrent writers may then overwrite each other.

    Parameters
    ----------
    bucket
        Name of the bucket. It must exist.
    prefix
        Key prefix of the store in the bucket, may be empty.
    settings
        Endpoint and credentials.

    Raises
    ------
    SettingsError
        Only one of the two keys is set, or both keys and a role.
    """

    def __init__(self, bucket: str, prefix: str, settings: S3Settings) -> None:
        self._bucket = S3Bucket(bucket, settings)
        self._client = self._bucket.client
        self._prefix = f"{prefix}/" if prefix else ""

    def __repr__(self) -> str:
        return f"S3Store({self.url!r} at {self._bucket.endpoint!r})"

    @property
    def url(self) -> str:
        """``s3://bucket/prefix``."""
        return f"s3://{self._bucket.name}/{self._prefix}".rstrip("/")

    def read(self, key: str) -> bytes:
        """Bytes of an object; StoreError if it is missing."""
        return self._call(key, lambda: self._get(key)[0])

    def read_with_version(self, key: str) -> tuple[bytes, str] | None:
        """Bytes of an object and its ETag, which is its version; None if it is missing."""
        return self._call(key, lambda: _unless_missing(lambda: self._get(key)))

    def write(self, key: str, data: bytes) -> None:
        """Write a small object; a PUT is atomic."""
        name = self._name(key)
        self._call(
            key, lambda: self._client.put_object(self._bucket.name, name, io.BytesIO(data), length=len(data))
        )

    def replace(self, key: str, data: bytes, expected: str | None) -> bool:
        """Compare-and-swap by conditional PUT; False if the object has another version."""
        condition = {"If-None-Match": "*"} if expected is None else {"If-Match": f'"{expected}"'}
        tries = 0

        def put() -> bool:
            nonlocal tries
            tries += 1
            try:
                self._put_if(key, data, condition)
            except S3Error as error:
                if error.code == "NotImplemented":
                    return self._replace_unguarded(key, data, expected)
                if error.code not in ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"):
                    raise
                # The response of an earlier attempt may have been lost although it wrote the object.
                return tries > 1 and self._holds(key, data)
            return True

        return self._call(key, put)

    def upload(self, key: str, path: Path, *, sha256: str) -> None:
        """Send a file in parts, hashing what is sent; its sha256 is kept in the object's metadata."""
        size = path.stat().st_size
        name = self._name(key)

        def put() -> None:
            with path.open("rb") as file:
                self._client.put_object(
                    self._bucket.name,
                    name,
                    _Checked(file, size, sha256, path),  # type: ignore[arg-type]  # it only calls read(n)
                    length=size,
                    metadata={"sha256": sha256},
                    part_size=max(_PART, -(-size // _MAX_PARTS)) if size > _PART else 0,
                )

        self._call(key, put)

    def download(self, key: str, path: Path, throttle: Throttle | None = None) -> str:
        """Stream an object to a file; returns the sha256 of what was written."""

        def get() -> str:
            hasher = hashlib.sha256()
            with path.open("wb") as file:
                for chunk in self._stream(key):
                    hasher.update(chunk)
                    file.write(chunk)
                    if throttle:
                        throttle()
            return hasher.hexdigest()

        return self._call(key, get)

    def checksum(self, key: str) -> str:
        """sha256 of an object, computed by reading all of it."""

        def get() -> str:
            hasher = hashlib.sha256()
            for chunk in self._stream(key):
                hasher.update(chunk)
            return hasher.hexdigest()

        return self._call(key, get)

    def stat(self, key: str) -> Entry | None:
        """Size, time and declared sha256 of an object; None if it is missing."""
        name = self._name(key)
        found = self._call(
            key, lambda: _unless_missing(lambda: self._client.stat_object(self._bucket.name, name))
        )
        if found is None:
            return None
        declared = found.metadata.get("x-amz-meta-sha256") if found.metadata else None
        return Entry(
            key=key, bytes=found.size or 0, modified=found.last_modified or _EPOCH, sha256=declared or None
        )

    def entries(self, prefix: str) -> tuple[Entry, ...]:
        """Objects below a prefix, sorted by key."""
        return tuple(
            Entry(
                key=str(item.object_name)[len(self._prefix) :],
                bytes=item.size or 0,
                modified=item.last_modified or _EPOCH,
            )
            for item in self._bucket.list(self._prefix + prefix)
            if not str(item.object_name).endswith("/")
        )

    def delete(self, key: str) -> None:
        """Remove an object; nothing happens if it is missing."""
        name = self._name(key)
        self._call(key, lambda: self._client.remove_object(self._bucket.name, name))

    def local_path(self, key: str) -> Path | None:  # noqa: ARG002
        """None: S3 objects have no local path."""
        return None

    def _name(self, key: str) -> str:
        return self._prefix + check_key(key)

    def _call(self, key: str, action: Callable[[], T]) -> T:
        return self._bucket.call(self._prefix + key, action)

    def _get(self, key: str) -> tuple[bytes, str]:
        with self._bucket.opened(self._name(key)) as response:
            return response.read(), str(response.headers.get("etag", "")).strip('"')

    def _stream(self, key: str) -> Iterator[bytes]:
        return self._bucket.stream(self._name(key))

    def _put_if(self, key: str, data: bytes, condition: dict[str, str]) -> None:
        """Conditional PUT. The client can't send these headers, so the request uses a presigned URL."""
        url = self._client.get_presigned_url(
            "PUT", self._bucket.name, self._name(key), expires=_SIGNATURE_LIFE
        )
        md5 = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
        response = self._bucket.http.request("PUT", url, body=data, headers={**condition, "Content-MD5": md5})
        if response.status >= 300:
            raise _as_error(response)

    def _holds(self, key: str, data: bytes) -> bool:
        found = _unless_missing(lambda: self._get(key))
        return found is not None and found[0] == data

    def _replace_unguarded(self, key: str, data: bytes, expected: str | None) -> bool:
        logger.warning(
            "%s takes no conditional writes: two processes that move the same channel at the same moment may "
            "overwrite each other",
            self._bucket.endpoint,
        )
        found = _unless_missing(lambda: self._get(key))
        if (found[1] if found else None) != expected:
            return False
        self._client.put_object(self._bucket.name, self._name(key), io.BytesIO(data), length=len(data))
        return True


class _Checked:
    """A file whose last read raises ChecksumError if its sha256 is not the expected one.

    The upload then fails before the last bytes are sent, and no object is written.
    """

    def __init__(self, file: io.BufferedReader, size: int, sha256: str, path: Path) -> None:
        self._file, self._left, self._expected, self._path = file, size, sha256, path
        self._hasher = hashlib.sha256()

    def read(self, amount: int) -> bytes:
        data = self._file.read(amount)
        self._hasher.update(data)
        self._left -= len(data)
        if (self._left <= 0 or not data) and self._hasher.hexdigest() != self._expected:
            raise ChecksumError(
                f"{self._path} changed while it was published: sha256 {self._hasher.hexdigest()}, "
                f"expected {self._expected}"
            )
        return data


def _unless_missing(action: Callable[[], T]) -> T | None:
    try:
        return action()
    except S3Error as error:
        if code_of(error) == "NoSuchKey":
            return None
        raise


def _as_error(response: urllib3.BaseHTTPResponse) -> MinioException:
    if "application/xml" in response.headers.get("content-type", ""):
        return S3Error.fromxml(response)
    return ServerError(f"HTTP {response.status}", response.status)
