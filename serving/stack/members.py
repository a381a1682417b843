"""The processes of a stack and their flags."""

from __future__ import annotations

from pathlib import Path

from serving.stack.ports import Ports
from serving.stack.supervisor import Member
from serving.wire import ready_path

__all__ = ["MODEL", "gateway_and_page", "pair"]

# The default of the setting model_name.
MODEL = "segue"


def pair(bundle: str, ports: Ports, *, logs: Path | None = None) -> list[Member]:
    """The predictor and the transformer."""
    return [
        Member(
            name="predictor",
            flags={
                "bundle": bundle,
                "http_port": ports.predictor_http,
                "grpc_port": ports.predictor_grpc,
            },
            ready_url=_model_ready(ports.predictor_http),
            log=_log(logs, "predictor"),
        ),
        Member(
            name="transformer",
            flags={
                "bundle": bundle,
                "http_port": ports.transformer_http,
                "grpc_port": ports.transformer_grpc,
                "predictor_host": f"127.0.0.1:{ports.predictor_grpc}",
            },
            ready_url=_model_ready(ports.transformer_http),
            log=_log(logs, "transformer"),
        ),
    ]


def gateway_and_page(
    bundle: str, ports: Ports, *, database_url: str, page_key: str, logs: Path | None = None
) -> list[Member]:
    """The gateway and the page, which only this machine can reach."""
    gateway_url = f"http://127.0.0.1:{ports.gateway}"
    return [
        Member(
            name="gateway",
            flags={
                "bundle": bundle,
                "host": "127.0.0.1",
                "http_port": ports.gateway,
                "transformer_url": f"http://127.0.0.1:{ports.transformer_http}",
            },
            # by variable: flags show in the list of processes
            environment={"SEGUE_DATABASE_URL": database_url},
            ready_url=f"{gateway_url}/readyz",
            log=_log(logs, "gateway"),
        ),
        Member(
            name="ui",
            flags={"http_port": ports.page, "gateway_url": gateway_url},
            environment={"SEGUE_GATEWAY_KEY": page_key},
            ready_url=f"http://127.0.0.1:{ports.page}/_stcore/health",
            log=_log(logs, "page"),
        ),
    ]


def _model_ready(port: int) -> str:
    return f"http://127.0.0.1:{port}{ready_path(MODEL)}"


def _log(folder: Path | None, name: str) -> Path | None:
    return folder and folder / f"{name}.log"
