"""Settings that come from the environment, prefix ``SEGUE_``. A wrong value stops the start and is named."""

from __future__ import annotations

from typing import TypeVar

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from segue.errors import SettingsError

__all__ = ["S3Settings", "TrackingSettings", "read_settings"]


class S3Settings(BaseSettings):
    """How an ``s3://`` store is reached. Secrets are masked in ``repr``."""

    model_config = SettingsConfigDict(env_prefix="SEGUE_S3_", frozen=True, extra="ignore")

    endpoint: str = "s3.amazonaws.com"
    access_key: SecretStr | None = None
    secret_key: SecretStr | None = None
    region: str | None = None
    secure: bool = True


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
        Names the variable, what it held (masked for secrets) and what was expected.
    """
    try:
        return kind()
    except ValidationError as error:
        prefix = str(kind.model_config.get("env_prefix", ""))
        first = error.errors()[0]
        variable = prefix + "_".join(str(part) for part in first["loc"]).upper()
        raise SettingsError(f"{variable}: {first['msg']}, got {first['input']!r}") from None
