"""Gateway and pair as real processes, and small clients for them."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# on a machine that does other things, starting alone can take a minute
LONG = 180.0


def free_port() -> int:
    """A port that nobody has, below those that systems give to clients: none takes it before it is used."""
    for port in random.sample(range(15_000, 32_000), 1_000):
        with socket.socket() as found, contextlib.suppress(OSError):
            found.bind(("0.0.0.0", port))
            return port
    raise AssertionError("no port is free")


@dataclass
class Reply:
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


def call(
    port: int,
    method: str,
    path: str,
    body: Any = None,
    *,
    headers: Mapping[str, str] | None = None,
    timeout: float = 20.0,
) -> Reply:
    """One HTTP call on a connection of its own; a body that is not bytes is sent as JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    sent = {"content-type": "application/json", **(headers or {})}
    content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    try:
        connection.request(method, path, content, sent)
        answer = connection.getresponse()
        return Reply(
            answer.status,
            {name.lower(): value for name, value in answer.getheaders()},
            answer.read(),
        )
    finally:
        connection.close()


@dataclass
class Served:
    """One process: gateway, transformer or predictor."""

    program: str
    log: Path
    flags: dict[str, str]
    environment: dict[str, str] = field(default_factory=dict)
    http_port: int = field(default_factory=free_port)
    grpc_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> Served:
        flags = {**self.flags, "http_port": str(self.http_port)}
        if self.program != "gateway":
            flags["grpc_port"] = str(self.grpc_port)
        given = [part for name, value in flags.items() for part in (f"--{name}", value) if part]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", f"serving.{self.program}", *given],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
            )
        return self

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def ready(self) -> bool:
        try:
            path = "/readyz" if self.program == "gateway" else "/v2/models/segue/ready"
            return call(self.http_port, "GET", path, timeout=2).status == 200
        except (OSError, http.client.HTTPException):  # the second: somebody else has the port for a while
            return False

    @property
    def live(self) -> bool:
        try:
            path = "/healthz" if self.program == "gateway" else "/v2/health/live"
            return call(self.http_port, "GET", path, timeout=2).status == 200
        except (OSError, http.client.HTTPException):  # the second: somebody else has the port for a while
            return False

    def wait_ready(self) -> Served:
        wait_for(lambda: self.ready, f"{self.program} to be ready", about=self.tail)
        return self

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=LONG)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=LONG)

    def metric(self, name: str, **labels: str) -> float:
        """Sum of the samples of one name with these labels; 0 where there is none."""
        total = 0.0
        for line in call(self.http_port, "GET", "/metrics").content.decode().splitlines():
            head, _, value = line.rpartition(" ")
            if head.partition("{")[0] == name and all(
                f'{key}="{text}"' in head for key, text in labels.items()
            ):
                total += float(value)
        return total

    def lines(self, text: str = "") -> list[dict[str, Any]]:
        """Log lines that hold a text; every line must be JSON."""
        logged = [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]
        return [line for line in logged if text in line["message"]]

    def tail(self) -> str:
        return self.log.read_text(encoding="utf-8")[-3_000:]

    def predict(self, *instances: Mapping[str, Any], **options: Any) -> Reply:
        """A V1 call."""
        body = {"instances": list(instances)}
        return call(self.http_port, "POST", "/v1/models/segue:predict", body, **options)


def wait_for(
    condition: Callable[[], Any],
    what: str,
    *,
    seconds: float = LONG,
    about: Callable[[], str] | None = None,
) -> None:
    """Wait until something holds."""
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            raise AssertionError(f"waited {seconds} s for {what}: {about() if about else ''}")
        time.sleep(0.05)


def gateway(folder: Path, bundle: str, transformer: Served | None = None, **flags: str) -> Served:
    """A gateway whose database and spool lie in the folder, with no limit on rates."""
    url = f"http://127.0.0.1:{transformer.http_port if transformer else free_port()}"
    given = {"bundle": bundle, "transformer_url": url, "rate_limit_per_minute": "0", **flags}
    environment = {
        "SEGUE_DATABASE_URL": f"sqlite:///{folder}/segue.db",
        "SEGUE_LOG_SPOOL": f"{folder}/spool",
        "SEGUE_LOG_FLUSH_SECONDS": "0.05",
    }
    return Served("gateway", folder / f"gateway-{free_port()}.log", given, environment)


def predictor(folder: Path, bundle: str, **flags: str) -> Served:
    return Served("predictor", folder / f"predictor-{free_port()}.log", {"bundle": bundle, **flags})


def transformer(folder: Path, bundle: str, *predictors: Served, **flags: str) -> Served:
    host = "ipv4:" + ",".join(f"127.0.0.1:{served.grpc_port}" for served in predictors)
    given = {"bundle": bundle, "predictor_host": host, **flags}
    return Served("transformer", folder / f"transformer-{free_port()}.log", given)
