"""Real servers for the tests marked live: MinIO, and MLflow with its artifacts in that MinIO.

Each runs on a free port, keeps its data in a temporary folder, and ends with the test session.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conftest import require

_READY_SECONDS = 180.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(kw_only=True)
class Server:
    """A process that answers HTTP once it is ready. Start, stop and kill it as often as a test likes."""

    command: list[str]
    ready_url: str
    log: Path
    env: dict[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        if self._process is not None:
            return
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                env={**os.environ, **self.env},
                stdout=log,
                stderr=log,
                start_new_session=True,  # so that its own workers end with it
            )
        deadline = time.monotonic() + _READY_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                tail = self.log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{self.command[0]} did not get ready:\n{tail}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ask it to end, and wait."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would: kill -9."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for sent in (how, signal.SIGKILL):
            try:
                os.killpg(process.pid, sent)
                process.wait(timeout=20)
            except ProcessLookupError:
                process.wait()
            except subprocess.TimeoutExpired:
                continue
            return

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.ready_url, timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False


@dataclass(kw_only=True)
class MinioServer(Server):
    """A MinIO server.

    Attributes
    ----------
    endpoint
        host:port.
    access_key, secret_key
        The root user's credentials.
    """

    endpoint: str
    access_key: str
    secret_key: str

    @property
    def variables(self) -> dict[str, str]:
        """The environment in which Segue finds this server."""
        return {
            "SEGUE_S3_ENDPOINT": self.endpoint,
            "SEGUE_S3_ACCESS_KEY": self.access_key,
            "SEGUE_S3_SECRET_KEY": self.secret_key,
            "SEGUE_S3_SECURE": "false",
        }

    def make_bucket(self, name: str) -> str:
        """Create a bucket unless it is there; returns its URL."""
        from minio import Minio

        client = Minio(self.endpoint, self.access_key, self.secret_key, secure=False)
        if not client.bucket_exists(name):
            client.make_bucket(name)
        return f"s3://{name}"


@dataclass(kw_only=True)
class MlflowServer(Server):
    """An MLflow tracking server: runs in SQLite, artifacts in MinIO, through the server itself.

    Attributes
    ----------
    url
        Its tracking URI.
    bucket
        The bucket of its artifacts.
    """

    url: str
    bucket: str


def _find_minio() -> str | None:
    own = Path.home() / "go" / "bin" / "minio"
    return shutil.which("minio") or (str(own) if own.is_file() else None)


@pytest.fixture(scope="session")
def minio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MinioServer]:
    """A running MinIO server; who kills it starts it again."""
    program = _find_minio()
    require(
        program is not None, "MinIO", "go install github.com/minio/minio@latest, or put minio on the PATH"
    )
    folder = tmp_path_factory.mktemp("minio")
    endpoint, console = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    keys = {"MINIO_ROOT_USER": "segue-tests", "MINIO_ROOT_PASSWORD": "only-for-tests-8c1d"}
    server = MinioServer(
        command=[
            str(program),
            "server",
            "--address",
            endpoint,
            "--console-address",
            console,
            str(folder / "data"),
        ],
        # /ready is true before the disks are; a bucket asked for then is answered "come back in 60 s"
        ready_url=f"http://{endpoint}/minio/health/cluster",
        log=folder / "minio.log",
        env={**keys, "MINIO_BROWSER": "off", "MINIO_UPDATE": "off"},
        endpoint=endpoint,
        access_key=keys["MINIO_ROOT_USER"],
        secret_key=keys["MINIO_ROOT_PASSWORD"],
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def mlflow_server(minio: MinioServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """A running MLflow server on SQLite with its artifacts in MinIO."""
    require(importlib.util.find_spec("mlflow") is not None, "MLflow", "pip install 'segue[mlflow]'")
    folder = tmp_path_factory.mktemp("mlflow")
    port = free_port()
    bucket = minio.make_bucket("mlflow")
    options = {
        "--backend-store-uri": f"sqlite:///{folder / 'mlflow.db'}",
        "--artifacts-destination": f"{bucket}/artifacts",
        "--host": "127.0.0.1",
        "--port": str(port),
        "--workers": "1",
    }
    server = MlflowServer(
        command=[
            sys.executable,
            "-m",
            "mlflow",
            "server",
            *(word for pair in options.items() for word in pair),
        ],
        ready_url=f"http://127.0.0.1:{port}/health",
        log=folder / "mlflow.log",
        env={
            "MLFLOW_S3_ENDPOINT_URL": f"http://{minio.endpoint}",
            "AWS_ACCESS_KEY_ID": minio.access_key,
            "AWS_SECRET_ACCESS_KEY": minio.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        },
        url=f"http://127.0.0.1:{port}",
        bucket="mlflow",
    )
    server.start()
    yield server
    server.stop()
