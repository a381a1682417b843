"""Settings of a process: a flag, else a ``SEGUE_`` variable, else the default."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from pydantic import Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from segue.bundle.urls import parse_bundle_url
from segue.errors import SegueError, SettingsError

__all__ = [
    "BundleSettings",
    "GatewaySettings",
    "PredictorSettings",
    "ServingSettings",
    "TransformerSettings",
    "container_cpus",
    "is_secret",
    "parse_settings",
]


class BundleSettings(BaseSettings):
    """Settings of every process that follows a channel."""

    model_config = SettingsConfigDict(env_prefix="SEGUE_", frozen=True, extra="ignore")

    bundle: str = Field(min_length=1, description="Bundle or channel: a folder, file:// or s3:// address.")
    model_name: str = Field(default="segue", min_length=1, description="Name on the endpoint's path.")
    http_port: int = Field(default=8080, ge=1, le=65535, description="Port for REST and /metrics.")
    poll_seconds: float = Field(
        default=2.0, ge=0.05, le=3600, description="How often a channel's pointer is read."
    )
    keep_versions: int = Field(default=2, ge=2, le=16, description="Versions of the bundle kept in memory.")
    keep_seconds: float = Field(
        default=60.0, ge=0, le=3600, description="How long after a switch no version is dropped."
    )
    retry_refused_seconds: float = Field(
        default=60.0, ge=0.1, description="After this a refused bundle is loaded again."
    )
    max_body_bytes: int = Field(
        default=1_048_576, ge=1_024, le=1 << 30, description="Larger requests are refused with 413."
    )
    drain_seconds: float = Field(
        default=20.0, ge=0, le=600, description="How long requests may take to finish after SIGTERM."
    )
    threads: int = Field(default=0, ge=0, le=256, description="Threads for heavy work; 0: one per CPU.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="DEBUG logs each request."
    )

    @property
    def workers(self) -> int:
        """Threads for heavy work."""
        return self.threads or container_cpus()


class ServingSettings(BundleSettings):
    """Settings of the transformer and the predictor."""

    grpc_port: int = Field(default=8083, ge=1, le=65535, description="Port for gRPC.")
    max_inflight: int = Field(
        default=64, ge=1, le=10_000, description="Instances processed at once; more are refused with 503."
    )


class TransformerSettings(ServingSettings):
    """Settings of the transformer."""

    predictor_host: str = Field(
        default="127.0.0.1:8081",
        min_length=1,
        description="Predictor's gRPC address, by default with port 8081; or any gRPC target.",
    )
    predictor_protocol: Literal["grpc-v2"] = Field(
        default="grpc-v2", description="The only protocol; KServe passes it."
    )
    predictor_deadline_seconds: float = Field(
        default=0.5, gt=0, le=60, description="After this an answer is degraded; longer over 2,000 rows."
    )
    explain_deadline_seconds: float = Field(
        default=3.0, gt=0, le=60, description="Deadline of LightGBM's contributions."
    )
    channel_seconds: float = Field(
        default=60.0, ge=0.2, description="How often the gRPC channel is reopened, to find new pods."
    )
    strict: bool = Field(default=False, description="Answer 503 where an answer would be degraded.")
    max_instances: int = Field(default=64, ge=1, le=10_000, description="Most instances in one call.")
    max_wait_seconds: float = Field(
        default=3.0,
        gt=0,
        le=60,
        description="A call that waits longer for a free thread is refused with 503.",
    )
    live_recall_share: float = Field(
        default=0.001, ge=0, le=1, description="Share of requests searched exactly too."
    )


class PredictorSettings(ServingSettings):
    """Settings of the predictor."""

    http_port: int = Field(default=8082, ge=1, le=65535, description="Port for REST and /metrics.")
    grpc_port: int = Field(default=8081, ge=1, le=65535, description="Port for gRPC.")
    keep_versions: int = Field(default=4, ge=2, le=16, description="Versions of the bundle kept in memory.")
    max_body_bytes: int = Field(
        default=16_777_216, ge=1_024, le=1 << 30, description="Larger requests are refused with 413."
    )
    compile_ranker: bool = Field(
        default=False, description="Compile the boosters with lleaves, in the background."
    )
    compile_cache: Path | None = Field(
        default=None, description="Where compiled boosters are kept; the user's cache if not given."
    )


class GatewaySettings(BundleSettings):
    """Settings of the gateway."""

    host: str = Field(default="0.0.0.0", min_length=1, description="Address to listen on.")  # noqa: S104
    http_port: int = Field(default=8000, ge=1, le=65535, description="Port for the API, probes and /metrics.")
    public_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s?#]+[^\s?#/])?$",
        description="Address of this API for links in answers; by default the request's.",
    )
    transformer_url: str = Field(
        default="http://127.0.0.1:8080", pattern=r"^https?://[^\s/?#]+/?$", description="The transformer."
    )
    transformer_deadline_seconds: float = Field(
        default=5.0, gt=0, le=60, description="After this a request for a list is answered 504."
    )
    breaker_failures: int = Field(
        default=5, ge=1, le=1000, description="Failures in a row that open the circuit breaker."
    )
    breaker_open_seconds: float = Field(
        default=5.0, gt=0, le=600, description="How long it stays open; then one request is tried."
    )
    challenger_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s/?#]+/?)?$",
        description="A second transformer, for a share of the sessions.",
    )
    challenger_share: float = Field(default=0.1, ge=0, le=1, description="The share of the sessions.")
    search_deadline_seconds: float = Field(
        default=1.0, gt=0, le=60, description="After this a search is answered 504."
    )
    auth: Literal["on", "off"] = Field(default="on", description="off: no key is needed.")
    keys_ttl_seconds: float = Field(
        default=15.0, ge=0.1, le=3600, description="How often keys are read; a revoked one works as long."
    )
    rate_limit_per_minute: int = Field(
        default=600, ge=0, description="Requests per key and minute on each replica; 0: no limit."
    )
    migrate_on_start: bool = Field(
        default=False, description="Migrate the database at the start; SQLite always is."
    )
    cors_origins: str = Field(
        default="", description="Origins allowed by CORS, separated by commas; * for all."
    )
    spotify_client_id: str = Field(default="", description="Client id to look covers up at Spotify.")
    spotify_client_secret: SecretStr | None = Field(default=None, description="Client secret.")
    spotify_api_url: str = Field(
        default="https://api.spotify.com/v1", pattern=r"^https?://\S+$", description="Spotify's API."
    )
    spotify_token_url: str = Field(
        default="https://accounts.spotify.com/api/token",
        pattern=r"^https?://\S+$",
        description="Spotify's tokens.",
    )
    retrain_command: str = Field(
        default="", description="Command that an alert runs for training, without a shell; empty: none."
    )
    retrain_cooldown_seconds: float = Field(
        default=21_600.0, ge=0, description="Shortest time between two runs."
    )
    training_poll_seconds: float = Field(
        default=60.0,
        ge=0.1,
        le=3600,
        description="How often results of training are read from the store, for metrics.",
    )
    retrain_most_a_day: int = Field(default=2, ge=1, le=100, description="Most runs within 24 hours.")


S = TypeVar("S", bound=BundleSettings)


def parse_settings(kind: type[S], arguments: Sequence[str], *, program: str, about: str) -> S:
    """Read settings from flags and the environment. A flag is written ``--http_port`` or ``--http-port``.

    A secret has a variable and no flag, since every user of the machine sees the flags of a process.

    Raises
    ------
    SettingsError
        Names the flag and its variable, the value and what was expected.
    """
    parser = argparse.ArgumentParser(prog=program, description=about, allow_abbrev=False)
    for name, field in kind.model_fields.items():
        if is_secret(field):
            continue
        flags = list(dict.fromkeys((f"--{name}", f"--{name.replace('_', '-')}")))
        variable = f"SEGUE_{name.upper()}"
        given = "" if field.is_required() else f"; default {field.default}"
        # argparse formats the text with %
        text = f"{field.description} [{variable}{given}]".replace("%", "%%")
        extra: dict[str, Any] = {"action": "store_true"} if field.annotation is bool else {"metavar": "VALUE"}
        parser.add_argument(*flags, dest=name, default=None, help=text, **extra)
    flags_given = {
        name: value for name, value in vars(parser.parse_args(arguments)).items() if value is not None
    }
    try:
        settings = kind(**flags_given)
        parse_bundle_url(settings.bundle)
        return settings
    except SegueError as error:
        raise SettingsError(f"{'--bundle' if 'bundle' in flags_given else 'SEGUE_BUNDLE'}: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        name = str(first["loc"][0])
        where = f"--{name}" if name in flags_given else f"SEGUE_{name.upper()}"
        if first["type"] == "missing":
            raise SettingsError(
                f"--{name} or SEGUE_{name.upper()} is needed: {kind.model_fields[name].description}"
            ) from None
        given = "a secret" if is_secret(kind.model_fields[name]) else repr(first["input"])
        raise SettingsError(f"{where}: {first['msg']}, got {given}") from None


def is_secret(field: FieldInfo) -> bool:
    """Whether a setting is kept out of flags, messages and logs."""
    return field.annotation is SecretStr or SecretStr in get_args(field.annotation)


def container_cpus() -> int:
    """CPUs that this process may use: by its affinity and the container's quota, rounded up."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return cpus
    return cpus if quota == "max" else max(1, min(cpus, -(-int(quota) // int(period))))
