"""Where the log waits while the database is away, and how it is written."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["LogSettings"]


class LogSettings(BaseSettings):
    """How the log is written; see `segue.log.LogWriter`."""

    model_config = SettingsConfigDict(env_prefix="SEGUE_LOG_", frozen=True, extra="ignore")

    spool: Path = Field(
        default=Path(".segue/spool"), description="Folder for records while the database is away."
    )
    max_queued: int = Field(default=10_000, ge=1, le=1_000_000, description="Most records in memory.")
    batch: int = Field(default=500, ge=1, le=10_000, description="Most records in one transaction.")
    flush_seconds: float = Field(
        default=0.5, ge=0.01, le=60, description="How long a record waits for others at most."
    )
    max_spool_bytes: int = Field(
        default=1 << 30, ge=1 << 20, description="Greatest size of a process's part of the spool."
    )
