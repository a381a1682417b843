"""Settings that come from the environment, prefix ``SEGUE_``. A wrong value stops the start and is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from segue.errors import SettingsError

__all__ = ["CacheSettings", "S3Settings", "TrackingSettings", "read_settings"]


class S3Settings(BaseSettings):
    """How an ``s3://`` store is reached. Secrets are masked in ``repr``.

    Attributes
    ----------
    endpoint
        ``host`` or ``host:port``. A URL is taken too: its scheme then decides `secure`.
    access_key, secret_key
        Credentials, both or neither (then access is anonymous, or by `role`).
    role
        Ask as the role that this pod or machine has: AWS's web identity, container and instance credentials,
        found as its own programs find them and renewed before they expire.
    region
        Region of the bucket; asked of the store where it is not given.
    secure
        Speak TLS.
    retry_seconds
        How long a call is tried again while the store is away or answers 5xx.
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
        scheme, found, host = str(values.get("endpoint", "")).partition("://")
        if found and scheme in ("http", "https"):
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
        # A chart or compose file that leaves a variable empty means that it is not set.
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        return value if text else None


class CacheSettings(BaseSettings):
    """Where bundles that come from an object store are kept on this machine. None: the user's cache."""

    model_config = SettingsConfigDict(env_prefix="SEGUE_", frozen=True, extra="ignore")

    cache_dir: Path | None = None


class TrackingSettings(BaseSettings):
    """Where runs are recorded. Empty: no MLflow."""

    model_config = SettingsConfigDict(env_prefix="SEGUE_MLFLOW_", frozen=True, extra="ignore")

    tracking_uri: str = ""
    experiment: str = "segue"
    model_name: str = "segue"


S = TypeVar("S", bound=BaseSettings)


def read_settings(kind: type[S]) -> S:
    """Read one settings object from the environment.

    Raises
    ------
    SettingsError
        Names the variable, what it held (never a secret) and what was expected.
    """
    try:
        return kind()
    except ValidationError as error:
        prefix = str(kind.model_config.get("env_prefix", ""))
        first = error.errors(include_url=False, include_context=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        variable = prefix + name.replace(".", "_").upper()
        secret = name not in kind.model_fields or "Secret" in str(kind.model_fields[name].annotation)
        seen = "" if secret else f", got {first['input']!r}"
        raise SettingsError(f"{variable}: {first['msg'].removeprefix('Value error, ')}{seen}") from None
