"""A client of an S3 endpoint: by keys, by the role of this pod or machine, or by neither."""

from __future__ import annotations

import urllib3
from minio import Minio
from minio.credentials.providers import IamAwsProvider

from segue.errors import SettingsError
from segue.settings import S3Settings

__all__ = ["has_credentials", "open_client"]


def open_client(settings: S3Settings, http: urllib3.PoolManager) -> Minio:
    """A client that asks for nothing yet.

    Raises
    ------
    SettingsError
        Only one of the two keys is set, or keys and a role are.
    """
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


def has_credentials(settings: S3Settings) -> bool:
    """Whether requests are signed."""
    return settings.role or settings.access_key is not None
