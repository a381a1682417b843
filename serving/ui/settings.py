"""Settings of the page: a flag, else a ``SEGUE_`` variable, else the default. A wrong one stops the start."""

from __future__ import annotations

from string import Formatter

from pydantic import AnyHttpUrl, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["UISettings"]


class UISettings(BaseSettings):
    """Settings of the page. Its key may read and send feedback; an admin types a key of their own."""

    model_config = SettingsConfigDict(env_prefix="SEGUE_", frozen=True, extra="ignore")

    host: str = Field(
        default="127.0.0.1", min_length=1, description="Address to listen on; 0.0.0.0 in a container."
    )
    http_port: int = Field(default=8501, ge=1, le=65535, description="Port of the page.")
    base_path: str = Field(
        default="", pattern=r"^[A-Za-z0-9/_-]*$", description="Path that the page lives under."
    )
    gateway_url: AnyHttpUrl = Field(
        default=AnyHttpUrl("http://127.0.0.1:8000"), description="Address of the gateway."
    )
    gateway_key: SecretStr | None = Field(
        default=None, description="Key of the page, scopes read and feedback; by variable only."
    )
    gateway_timeout_seconds: float = Field(
        default=5.0, gt=0, le=60, description="How long an answer of the gateway is waited for."
    )
    track_link: str = Field(
        default="https://open.spotify.com/track/{track_id}",
        description="Where a track's link leads, with {track_id} in it; empty for no links.",
    )

    @field_validator("gateway_key")
    @classmethod
    def _empty_is_unset(cls, value: SecretStr | None) -> SecretStr | None:
        # charts and compose files set a variable to the empty string where it is not given
        return value if value is not None and value.get_secret_value() else None

    @field_validator("track_link")
    @classmethod
    def _is_template(cls, value: str) -> str:
        if not value:
            return value
        names = {name for _, name, _, _ in Formatter().parse(value) if name is not None}
        if names != {"track_id"} or not value.startswith(("https://", "http://")):
            raise ValueError("expected an http(s) address with {track_id} in it")
        return value
