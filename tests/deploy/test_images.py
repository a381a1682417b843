"""The images, built for real and started: a model is trained in one, and the others answer from it.

``make images-test``. SEGUE_IMAGE_BASE is an image to build on; without it one is made of Debian packages.
SEGUE_IMAGE_TAG tests images that are built already. BUILD_FLAGS is passed to buildah.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from segue import __version__
from segue.keys.key import new_id, new_secret
from tests.conftest import require
from tests.deploy.chart import ROOT
from tests.serving.processes import call, free_port, wait_for

pytestmark = [pytest.mark.images, pytest.mark.timeout(3600)]

NAMES = ("predictor", "transformer", "gateway", "ui", "pipeline")
# In a container that is no container's own machine, chroot is the isolation that works.
ENVIRONMENT = {**os.environ, "STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}
# What a change should not outgrow unseen; the base of a test is 176 MB.
MAX_MEGABYTES = {"predictor": 1_000, "transformer": 750, "gateway": 650, "ui": 700, "pipeline": 1_600}


def buildah(*words: str) -> str:
    done = subprocess.run(["buildah", *words], env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


@pytest.fixture(scope="module")
def images() -> dict[str, str]:
    require(shutil.which("buildah") is not None, "buildah", "apt-get install buildah debootstrap")
    tag = os.environ.get("SEGUE_IMAGE_TAG")
    if not tag:
        tag, base = "test", os.environ.get("SEGUE_IMAGE_BASE", "localhost/segue-base:bookworm")
        if "SEGUE_IMAGE_BASE" not in os.environ and base not in buildah(
            "images", "--format", "{{.Name}}:{{.Tag}}"
        ):
            subprocess.run([ROOT / "scripts/base.sh", base], env=ENVIRONMENT, check=True)
        subprocess.run(
            [ROOT / "scripts/images.sh"], env={**ENVIRONMENT, "TAG": tag, "BASE": base}, check=True
        )
    return {name: f"localhost/segue-{name}:{tag}" for name in NAMES}


class Container:
    """A container of one image, whose programs run as the image's user, with the image's entry point."""

    def __init__(self, image: str, store: Path) -> None:
        self._name = buildah("from", image)
        self._store = store
        self.config = json.loads(buildah("inspect", "--type", "image", image))["OCIv1"]["config"]

    def command(
        self, *words: str, environment: dict[str, str] | None = None, entry: bool = True
    ) -> list[str]:
        given = [part for name, value in (environment or {}).items() for part in ("--env", f"{name}={value}")]
        user = ["--user", self.config["User"], "--volume", f"{self._store}:/store"]
        program = [*(self.config["Entrypoint"] if entry else []), *words]
        return ["buildah", "run", *user, *given, self._name, "--", *program]

    def run(self, *words: str, environment: dict[str, str] | None = None, entry: bool = True) -> str:
        command = self.command(*words, environment=environment, entry=entry)
        done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout

    @contextmanager
    def running(self, *words: str, environment: dict[str, str] | None = None, log: Path) -> Iterator[None]:
        command = self.command(*words, environment=environment)
        with log.open("wb") as out:
            process = subprocess.Popen(
                command, env=ENVIRONMENT, stdout=out, stderr=out, start_new_session=True
            )
        try:
            yield
        finally:
            os.killpg(process.pid, 15)
            process.wait(timeout=60)

    def remove(self) -> None:
        buildah("rm", self._name)


@pytest.fixture(scope="module")
def containers(
    images: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Container]]:
    store = tmp_path_factory.mktemp("store")
    # pytest's folders are its own user's; the image's user is another
    for folder in (store, *list(store.parents)[:2]):
        folder.chmod(0o777)
    made = {name: Container(image, store) for name, image in images.items()}
    yield made
    for container in made.values():
        container.remove()


@pytest.mark.parametrize("name", NAMES)
def test_it_is_small_and_runs_as_nobody_special(
    containers: dict[str, Container], images: dict[str, str], name: str
) -> None:
    config = containers[name].config
    assert config["User"] == "10001:10001"
    assert config["Labels"]["org.opencontainers.image.title"].startswith("Segue: ")
    assert config["Labels"]["org.opencontainers.image.version"] == __version__
    assert len(config["Labels"]["org.opencontainers.image.revision"]) == 40
    size = json.loads(buildah("images", "--json", images[name]))[0]["size"]
    number, unit = re.fullmatch(r"([\d.]+) ?([MG])B", size).groups()  # type: ignore[union-attr]
    megabytes = float(number) * (1000 if unit == "G" else 1)
    print(f"{name}: {megabytes:.0f} MB")
    assert megabytes <= MAX_MEGABYTES[name]


@pytest.mark.parametrize(
    ("name", "absent"),
    [
        ("predictor", ("kfp", "mlflow", "streamlit", "pytest")),
        ("transformer", ("kfp", "mlflow", "streamlit", "lightgbm", "pytest")),
        ("gateway", ("kfp", "mlflow", "streamlit", "kserve", "lightgbm", "pytest")),
        ("ui", ("kfp", "mlflow", "kserve", "faiss", "lightgbm", "pytest")),
        ("pipeline", ("kserve", "streamlit", "pytest")),
    ],
)
def test_it_carries_nothing_that_it_does_not_need(
    containers: dict[str, Container], name: str, absent: tuple[str, ...]
) -> None:
    code = f"import importlib.util as u; print([n for n in {absent!r} if u.find_spec(n)])"
    assert containers[name].run("python", "-c", code, entry=False).strip() == "[]"


@pytest.mark.parametrize("name", NAMES)
def test_it_writes_nowhere_but_in_its_scratch_space(containers: dict[str, Container], name: str) -> None:
    code = "import os; print([p for p in ('/', '/srv/segue', '/opt/segue', '/etc') if os.access(p, os.W_OK)])"
    assert containers[name].run("python", "-c", code, entry=False).strip() == "[]"


def test_it_trains_in_one_image_and_serves_from_the_others(
    containers: dict[str, Container], tmp_path: Path
) -> None:
    sample = ("--catalog", "sample://3000", "--interactions", "sample://3000/playlists")
    containers["pipeline"].run("run", *sample, "--store", "/store", "--workdir", "/tmp/work")

    ports = {name: free_port() for name in ("rest", "grpc", "trest", "tgrpc", "gateway", "ui")}
    credential = f"{new_id()}.{new_secret()}"
    database = {"SEGUE_DATABASE_URL": "sqlite:////store/segue.db"}
    bundle = ("--bundle", "/store/channels/champion")
    gateway = {
        "SEGUE_BUNDLE": "/store/channels/champion",
        "SEGUE_HTTP_PORT": str(ports["gateway"]),
        "SEGUE_TRANSFORMER_URL": f"http://127.0.0.1:{ports['trest']}",
        "SEGUE_LOG_SPOOL": "/store/spool",
        **database,
    }
    page = {
        "SEGUE_HTTP_PORT": str(ports["ui"]),
        "SEGUE_GATEWAY_URL": f"http://127.0.0.1:{ports['gateway']}",
        "SEGUE_GATEWAY_KEY": credential,
    }
    # what the chart's init containers do
    containers["gateway"].run("segue", "database", "migrate", environment=database, entry=False)
    adopted = {**database, "SEGUE_KEY_CREDENTIAL": credential}
    adopt = ("segue", "keys", "adopt", "--name=page", "--scope=read", "--scope=feedback")
    containers["gateway"].run(*adopt, environment=adopted, entry=False)
    with ExitStack() as stack:
        start = [
            ("predictor", (*bundle, f"--http_port={ports['rest']}", f"--grpc_port={ports['grpc']}"), {}),
            (
                "transformer",
                (
                    *bundle,
                    f"--predictor_host=127.0.0.1:{ports['grpc']}",
                    f"--http_port={ports['trest']}",
                    f"--grpc_port={ports['tgrpc']}",
                ),
                {},
            ),
            ("gateway", (), gateway),
            ("ui", (), page),
        ]
        for name, words, environment in start:
            log = tmp_path / f"{name}.log"
            stack.enter_context(containers[name].running(*words, environment=environment, log=log))
        probes = [
            (ports["rest"], "/v2/models/segue/ready"),
            (ports["trest"], "/v2/models/segue/ready"),
            (ports["gateway"], "/readyz"),
            (ports["ui"], "/_stcore/health"),
        ]
        for port, path in probes:
            wait_for(functools.partial(answers, port, path), f"{path} of port {port}", seconds=120)
        key = {"authorization": f"Bearer {credential}"}
        genre = call(ports["gateway"], "GET", "/api/genres", headers=key).json["items"][0]["genre"]
        asked = {"seeds": [{"genre": genre}], "k": 5}
        assert call(ports["gateway"], "POST", "/api/recommendations", asked).status == 401
        reply = call(ports["gateway"], "POST", "/api/recommendations", asked, headers=key)
    assert reply.status == 200, reply.content
    assert len(reply.json["items"]) == 5
    assert reply.json["degraded"] is False


def answers(port: int, path: str) -> bool:
    try:
        return call(port, "GET", path).status == 200
    except OSError:
        return False


def test_it_starts_what_is_scheduled_from_the_gateway_s_image(containers: dict[str, Container]) -> None:
    command = containers["gateway"].command(
        "python", "-m", "pipelines", "trigger", "--host", "http://127.0.0.1:9", entry=False
    )
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pipelines: http://127.0.0.1:9 did not answer" in done.stderr
