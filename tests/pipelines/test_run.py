"""``python -m pipelines run`` as a person runs it: a process, its words, its exit code."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from pipelines.__main__ import main
from segue.bundle.channel import read_channel
from segue.bundle.reader import open_bundle
from segue.sample import generate
from segue.store.open import open_store
from tests.commands import call_main
from tests.live_services import MinioServer, MlflowServer
from tests.pipelines.ways import ROOT, STEPS, WAYS, Calls, Shown


def pipelines(*arguments: object, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SEGUE_")}
    return subprocess.run(
        [sys.executable, "-m", "pipelines", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**environment, "PYTHONPATH": str(ROOT), **variables},
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    generate(3_000, folder / "data")
    return folder


@pytest.fixture(scope="module")
def succeeded(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Calls:
    words = "run --catalog data/catalog.csv --interactions data/playlists.csv --store store --workdir work"
    settings = "--set rounds=20 --set max_seeds=100 --set max_queries=300 --set threads=1"
    return Calls(folder / "data", f"{words} {settings}", tmp_path_factory)


@pytest.fixture(scope="module")
def done(succeeded: Calls) -> Shown:
    """The run on a terminal of 80 columns."""
    return succeeded["80 columns"]


@pytest.mark.parametrize("way", WAYS)
def test_a_run_shows_one_line_a_step_and_exits_0(succeeded: Calls, way: str) -> None:
    shown = succeeded[way]
    assert shown.code == 0, shown.text
    steps = re.findall(r"^(\w+) +\d+\.\d s  (.+)$", shown.text, re.MULTILINE)
    assert [step for step, _ in steps] == STEPS
    assert re.match(r"2,\d{3} tracks of 3,0\d{2} rows, \d+ rejected, \d+ playlists", steps[0][1])
    assert len(shown.lines) < 20, shown.text
    assert shown.lines[-1].strip().startswith("runs and models")
    assert shown.masked == succeeded["80 columns"].masked


@pytest.mark.parametrize("way", WAYS)
def test_everything_that_was_printed_is_kept(succeeded: Calls, way: str) -> None:
    shown = succeeded[way]
    for step in STEPS:
        assert f"segue {step} = " in shown.log
    assert shown.log.count("Executing task") == len(STEPS) + 1  # the exit handler
    assert "Executing task" not in shown.text


def test_a_run_ends_with_what_was_published_and_what_to_type_next(done: Shown) -> None:
    last = json.loads((done.folder / "work" / "last.json").read_text())
    assert read_channel(open_store(str(done.folder / "store")), "champion").digest == last["digest"]
    assert "promoted: champion points at it, generation 1" in done.text
    assert f"segue recommend store/channels/champion --seed {last['example_seed']}" in done.text
    (report,) = re.findall(r"^ +the report, a page +(\S+)$", done.text, re.MULTILINE)
    assert "<html" in (done.folder / report).read_text()[:500]


def test_the_bundle_is_whole(done: Shown) -> None:
    files = open_bundle(f"{done.folder / 'store'}/channels/champion", need=None)
    assert {"search.sqlite", "reference.json", "popularity.txt"} <= set(files.definition.files)


def test_the_run_is_in_mlflow_beside_its_files(done: Shown) -> None:
    from mlflow import MlflowClient

    uri = f"sqlite:///{done.folder / 'work' / 'mlflow.db'}"
    client = MlflowClient(uri, uri)
    last = json.loads((done.folder / "work" / "last.json").read_text())
    version = client.get_model_version_by_alias("segue", "champion")
    assert version.tags["digest"] == last["digest"]
    run = client.get_run(version.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["rounds"] == "20"
    assert run.data.tags["segue.run_id"] == last["run_id"]
    assert "leading.ours" in run.data.metrics
    assert any(name.startswith("importance.") for name in run.data.metrics)
    assert {file.path for file in client.list_artifacts(run.info.run_id)} == {"evaluation", "model"}
    assert not (done.folder / "mlruns").exists()


@pytest.fixture(scope="module")
def failed(folder: Path, done: Shown, tmp_path_factory: pytest.TempPathFactory) -> Calls:
    (folder / "data" / "bad.csv").write_text("name,energy\nx,0.5\n")
    words = "run --catalog data/bad.csv --store other --workdir failed"
    # MLflow takes seconds to make a database; the run before has made one
    tracking = f"sqlite:///{done.folder / 'work' / 'mlflow.db'}"
    return Calls(folder / "data", words, tmp_path_factory, SEGUE_MLFLOW_TRACKING_URI=tracking)


@pytest.mark.parametrize("way", WAYS)
def test_a_step_that_fails_is_one_clear_message_and_exit_1(failed: Calls, way: str) -> None:
    shown = failed[way]
    assert shown.code == 1
    message, log = shown.lines
    assert message.startswith("ingest failed: bad.csv: required columns missing: track_id")
    assert (shown.folder / log.removeprefix("everything that was printed: ")).read_text() == shown.log
    assert "segue ingest ! bad.csv: required columns missing" in shown.log
    assert shown.masked == failed["80 columns"].masked

    (note,) = (shown.folder / "other" / "evaluations" / "failed").iterdir()
    assert json.loads(note.read_text())["message"].startswith("ingest: bad.csv: required columns missing")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--set", "round=3"), "pipelines: --set round: there is no such setting; did you mean rounds?\n"),
        (("--set", "rounds=0"), "pipelines: rounds: input should be greater than or equal to 1, got 0\n"),
        (("--store", "ftp://x"), "pipelines: 'ftp://x' is not a store: expected a path, "),
        (("--set", "channel=Champion.json"), "pipelines: 'Champion.json' can't be the name of a channel"),
    ],
)
def test_what_can_be_known_at_once_is_said_at_once(
    folder: Path, arguments: tuple[str, ...], message: str
) -> None:
    words = ("run", "--catalog", "data/catalog.csv", "--workdir", "never")
    failed = call_main(main, *words, *arguments, cwd=folder)
    assert failed.returncode == 1
    assert failed.stderr.startswith(message)
    assert not (folder / "never").exists()


def test_a_token_that_is_not_there_is_named(folder: Path) -> None:
    to = ("--host", "http://127.0.0.1:9", "--catalog", "s3://m/c.csv", "--store", "s3://m/s")
    failed = call_main(main, "submit", *to, "--token-env", "KFP_TOKEN", cwd=folder)
    assert failed.returncode == 1
    assert failed.stderr == (
        "pipelines: --token-env KFP_TOKEN: the environment has no such variable, or it is empty\n"
    )


def test_the_image_is_a_setting_of_compilation(folder: Path) -> None:
    done = pipelines("compile", "--out", "t.yaml", "--image", "registry.example/segue:7", cwd=folder)
    assert done.stdout == "wrote t.yaml\n"
    images = set(re.findall(r"image: (\S+)", (folder / "t.yaml").read_text()))
    assert images == {"registry.example/segue:7"}


@pytest.mark.live
def test_a_run_publishes_to_minio_and_mlflow_and_is_recommended_from_there(
    folder: Path, minio: MinioServer, mlflow_server: MlflowServer
) -> None:
    store = f"{minio.make_bucket('pipeline')}/{uuid.uuid4().hex}"
    name = f"segue-{uuid.uuid4().hex[:8]}"
    variables = {
        **minio.variables,
        "SEGUE_CACHE_DIR": str(folder / "cache"),
        "SEGUE_MLFLOW_TRACKING_URI": mlflow_server.url,
        "SEGUE_MLFLOW_EXPERIMENT": name,
        "SEGUE_MLFLOW_MODEL_NAME": name,
    }
    words = [
        "run",
        "--catalog",
        "data/catalog.csv",
        "--workdir",
        "live",
        "--set",
        "rounds=20",
        "--set",
        "max_seeds=100",
        "--set",
        "max_queries=300",
        "--set",
        "threads=1",
    ]
    done = pipelines(*words, "--store", store, cwd=folder, **variables)
    assert done.returncode == 0, done.stderr
    assert "promoted: champion points at it, generation 1" in done.stdout
    assert not (folder / "live" / "mlflow.db").exists()

    from mlflow import MlflowClient

    last = json.loads((folder / "live" / "last.json").read_text())
    version = MlflowClient(mlflow_server.url).get_model_version_by_alias(name, "champion")
    assert version.tags["digest"] == last["digest"]

    channel, seed = f"{store}/channels/champion", str(last["example_seed"])
    listed = subprocess.run(
        [sys.executable, "-m", "segue.cli", "recommend", channel, "--seed", seed, "--json"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **variables},
    )
    answer = json.loads(listed.stdout)
    assert answer["digest"] == last["digest"]
    assert len(answer["items"]) == 10


@pytest.mark.live
def test_wrong_credentials_are_known_before_anything_is_trained(folder: Path, minio: MinioServer) -> None:
    store = minio.make_bucket("pipeline")
    variables = {**minio.variables, "SEGUE_S3_SECRET_KEY": "wrong-key-of-nobody"}
    words = ("run", "--catalog", "data/catalog.csv", "--workdir", "never", "--store", store)
    failed = pipelines(*words, cwd=folder, **variables)
    assert failed.returncode == 1
    assert failed.stdout == ""
    (line,) = failed.stderr.splitlines()
    assert line.startswith("pipelines: ")
    assert "wrong-key-of-nobody" not in line
    assert not (folder / "never").exists()
