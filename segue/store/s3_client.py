"""A bucket of an S3 endpoint: calls with retries, whose failures are raised as errors of Segue.

Requests are signed with keys, with the role of this pod or machine, or not at all.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import certifi
import tenacity
import urllib3
from minio import Minio
from minio.credentials.providers import IamAwsProvider
from minio.datatypes import Object

from segue.errors import SettingsError
from segue.settings import S3Settings
from segue.store.s3_errors import FAILURES, explain, is_transient

__all__ = ["S3Bucket"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

_CHUNK = 1024 * 1024
_CONNECT_SECONDS = 5.0
_READ_SECONDS = 60.0


class S3Bucket:
    """One bucket; keys are not checked.

    Calls are retried with exponential backoff for ``settings.retry_seconds`` while the endpoint does not
    respond or answers 429 or 5xx. Other answers (403, 404, 412) are not retried.

    Parameters
    ----------
    name
        Name of the bucket.
    settings
        Endpoint and credentials.
    attempts
        Least number of attempts, for calls that may take longer than the retries.

    Attributes
    ----------
    client
        The MinIO client. Outside of `call` its exceptions are not translated.
    http
        The client's connection pool.

    Raises
    ------
    SettingsError
        Only one of the two keys is set, or both keys and a role.
    """

    def __init__(self, name: str, settings: S3Settings, *, attempts: int = 1) -> None:
        self.name = name
        self.endpoint = settings.endpoint
        self._is_signed = settings.role or settings.access_key is not None
        self.http = urllib3.PoolManager(
            maxsize=16,
            timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS),
            retries=False,  # tenacity retries
            ca_certs=os.environ.get("SSL_CERT_FILE") or certifi.where(),
        )
        self.client = _open_client(settings, self.http)
        self._retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(is_transient),
            wait=tenacity.wait_random_exponential(multiplier=0.2, max=5),
            stop=tenacity.stop_all(
                tenacity.stop_before_delay(settings.retry_seconds), tenacity.stop_after_attempt(attempts)
            ),
            before_sleep=self._log_retry,
            reraise=True,
        )

    def call(self, key: str, action: Callable[[], T]) -> T:
        """Run `action` on an object or prefix, with retries.

        Raises
        ------
        StoreAccessDenied, StoreUnavailable, StoreError
            The endpoint refuses the call, or does not respond after retries.
        """
        try:
            return self._retrying.copy()(action)
        except FAILURES as error:
            explained = explain(
                error, endpoint=self.endpoint, bucket=self.name, key=key, is_signed=self._is_signed
            )
        # outside of the handler, so that no traceback shows the request's headers
        raise explained

    def list(self, prefix: str) -> list[Object]:
        """Objects below a prefix, sorted by key; raises as `call` does."""
        found = self.call(
            prefix, lambda: [*self.client.list_objects(self.name, prefix=prefix, recursive=True)]
        )
        return sorted(found, key=lambda item: str(item.object_name))

    @contextmanager
    def opened(self, key: str) -> Iterator[Any]:
        """The response with an object's bytes, to be read within `call`."""
        response = self.client.get_object(self.name, key)
        try:
            yield response
        finally:
            response.close()
            response.release_conn()

    def stream(self, key: str) -> Iterator[bytes]:
        """An object's bytes in chunks, to be read within `call`."""
        with self.opened(key) as response:
            yield from response.stream(_CHUNK)

    def _log_retry(self, state: tenacity.RetryCallState) -> None:
        logger.info("%s did not answer, attempt %d", self.endpoint, state.attempt_number)


def _open_client(settings: S3Settings, http: urllib3.PoolManager) -> Minio:
    """Make the client, without sending a request."""
    key, secret = settings.access_key, settings.secret_key
    if (key is None) != (secret is None):
        missing = "SECRET_KEY" if secret is None else "ACCESS_KEY"
        raise SettingsError(f"SEGUE_S3_{missing} is not set, though the other half of the credentials is")
    if key is not None and settings.role:
        raise SettingsError("SEGUE_S3_ROLE and SEGUE_S3_ACCESS_KEY are both set: expected one of them")
    return Minio(
        settings.endpoint,
        access_key=key.get_secret_value() if key else None,
        secret_key=secret.get_secret_value() if secret else None,
        credentials=IamAwsProvider(http_client=http, region=settings.region) if settings.role else None,
        region=settings.region,
        secure=settings.secure,
        http_client=http,
    )
