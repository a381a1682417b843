"""Settings of the database."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from segue.database.engine import parse_url
from segue.errors import SettingsError

__all__ = ["DatabaseSettings"]


class DatabaseSettings(BaseSettings):
    """URL of the database. It may contain a password, so it is masked in ``repr``.

    Attributes
    ----------
    url
        ``sqlite:///file``, ``postgresql://user:password@host/name``, ``mysql://…`` or ``mariadb://…``.
    """

    model_config = SettingsConfigDict(env_prefix="SEGUE_DATABASE_", frozen=True, extra="ignore")

    url: SecretStr = Field(default=SecretStr("sqlite:///.segue/segue.db"), validate_default=True)

    @field_validator("url")
    @classmethod
    def _is_known(cls, value: SecretStr) -> SecretStr:
        try:
            parse_url(value.get_secret_value())
        except SettingsError as error:
            raise ValueError(str(error)) from None
        return value
