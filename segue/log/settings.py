"""Settings of the log's writer and its spool."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["LogSettings"]


class LogSettings(BaseSettings):
    """Settings of `segue.log.LogWriter`."""

    model_config = SettingsConfigDict(env_prefix="SEGUE_LOG_", frozen=True, extra="ignore")

    spool: Path = Field(
        default=Path(".segue/spool"), description="Folder for records while the database is unavailable."
    )
    max_queued: int = Field(default=10_000, ge=1, le=1_000_000, description="Maximum records in memory.")
    batch: int = Field(default=500, ge=1, le=10_000, description="Maximum records in one transaction.")
    flush_seconds: float = Field(
        default=0.5, ge=0.01, le=60, description="Maximum time for which a record waits for others."
    )
    max_spool_bytes: int = Field(
        default=1 << 30, ge=1 << 20, description="Maximum total length of the records in the spool."
    )
