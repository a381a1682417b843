"""Settings from environment variables with the prefix ``SEGUE_``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from segue.errors import SettingsError

__all__ = ["CacheSettings", "S3Settings", "TrackingSettings", "read_settings"]


class S3Settings(BaseSettings):
    """Settings of ``s3://`` stores. Secrets are masked in ``repr``.

    Attributes
    ----------
    endpoint
        ``host`` or ``host:port``, or a URL, whose scheme then determines `secure`.
    access_key, secret_key
        Credentials, both or neither; without them access is anonymous, or by `role`.
    role
        Use the role of this pod or machine: AWS's web identity, container or instance credentials, found as
        AWS's own SDKs find them, and renewed before they expire.
    region
        Region of the bucket; if not given, the store is asked.
    secure
        Use TLS.
    retry_seconds
        How long a call is retried while the store does not answer, or answers 5xx.
    """

    model_config = SettingsConfigDict(env_prefix="SEGUE_S3_", frozen=True, extra="ignore")

    endpoint: str = "s3.amazonaws.com"
    access_key: SecretStr | None = None
    secret_key: SecretStr | None = None
    role: bool = False
    region: str | None = None
    secure: bool = True
    retry_seconds: float = Field(default=30.0, ge=0, le=3600)

    @model_validator(mode="before")
    @classmethod
    def _split_scheme(cls, values: dict[str, Any]) -> dict[str, Any]:
        scheme, separator, host = str(values.get("endpoint", "")).partition("://")
        if separator and scheme in ("http", "https"):
            return {**values, "endpoint": host.rstrip("/"), "secure": scheme == "https"}
        return values

    @field_validator("endpoint")
    @classmethod
    def _is_host(cls, value: str) -> str:
        if not value or "/" in value or "@" in value:
            raise ValueError("expected host or host:port")
        return value

    @field_validator("access_key", "secret_key", "region")
    @classmethod
    def _empty_is_unset(cls, value: Any) -> Any:
        # charts and compose files leave a variable empty to unset it
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        return value if text else None


class CacheSettings(BaseSettings):
    """Folder in which bundles from an object store are cached. None: the user's cache folder."""

    model_config = SettingsConfigDict(env_prefix="SEGUE_", frozen=True, extra="ignore")

    cache_dir: Path | None = None


class TrackingSettings(BaseSettings):
    """Settings of MLflow. An empty `tracking_uri` disables it."""

    model_config = SettingsConfigDict(env_prefix="SEGUE_MLFLOW_", frozen=True, extra="ignore")

    tracking_uri: str = ""
    experiment: str = "segue"
    model_name: str = "segue"


S = TypeVar("S", bound=BaseSettings)


def read_settings(kind: type[S]) -> S:
    """Read settings from the environment.

    Raises
    ------
    SettingsError
        A value is invalid. The message has the variable, its value unless it is a secret, and the expected
        one.
    """
    try:
        return kind()
    except ValidationError as error:
        prefix = str(kind.model_config.get("env_prefix", ""))
        first = error.errors(include_url=False, include_context=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        variable = prefix + name.replace(".", "_").upper()
        is_secret = name not in kind.model_fields or "Secret" in str(kind.model_fields[name].annotation)
        actual = "" if is_secret else f", got {first['input']!r}"
        raise SettingsError(f"{variable}: {first['msg'].removeprefix('Value error, ')}{actual}") from None
