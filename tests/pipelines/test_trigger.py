"""First runs and runs on an alert, against an API that speaks HTTP."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipelines.__main__ import app
from pipelines.cluster_options import Cluster
from pipelines.remote import schedule
from pipelines.trigger import TriggerError, trigger
from tests.bundle.tiny import publish_tiny
from tests.pipelines.kfp_api import KfpApi, serving

ARGUMENTS: dict[str, Any] = {"catalog": "s3://music/catalog.csv", "store": "s3://music/segue", "rounds": 50}
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KfpApi]:
    monkeypatch.setattr("kfp.Client._LOCAL_KFP_CONTEXT", str(tmp_path / "context.json"))
    with serving() as served:
        yield served


def test_it_starts_what_was_scheduled_with_its_arguments_and_account(api: KfpApi) -> None:
    cluster = Cluster(host=api.url, experiment="music", service_account="pipeline-runner")
    done = schedule(cluster, "nightly", "30 3 * * *", ARGUMENTS)

    run = api.runs[trigger(Cluster(host=api.url, experiment="music"), "nightly")]

    scheduled = api.recurring[done.id]
    assert run["runtime_config"]["parameters"] == ARGUMENTS
    assert run["pipeline_spec"] == scheduled["pipeline_spec"]
    assert run["service_account"] == "pipeline-runner"
    assert run["experiment_id"] == scheduled["experiment_id"]
    assert "trigger" not in run


def test_it_says_what_is_missing_where_nothing_was_scheduled(api: KfpApi) -> None:
    cluster = Cluster(host=api.url, experiment="music")
    with pytest.raises(TriggerError, match="knows no experiment music: schedule the pipeline first"):
        trigger(cluster, "nightly")
    schedule(cluster, "weekly", "30 3 * * 1", ARGUMENTS)
    with pytest.raises(TriggerError, match="knows no recurring run nightly"):
        trigger(cluster, "nightly")


def test_it_says_in_one_sentence_that_the_api_refused_or_is_away(api: KfpApi) -> None:
    api.token = "s3cret"
    with pytest.raises(TriggerError, match=r"answered HTTP 401: Request not authenticated") as caught:
        trigger(Cluster(host=api.url, experiment="music", token="wr0ng"), "nightly")
    assert "wr0ng" not in str(caught.value)
    with pytest.raises(TriggerError, match=r"^http://127\.0\.0\.1:9 did not answer"):
        trigger(Cluster(host="http://127.0.0.1:9", experiment="music"), "nightly")


def test_it_triggers_with_its_token_where_kfp_is_not_installed(api: KfpApi) -> None:
    schedule(Cluster(host=api.url, experiment="music"), "nightly", "30 3 * * *", ARGUMENTS)
    api.token = "s3cret"
    code = (
        "import sys; sys.modules['kfp'] = sys.modules['kfp_server_api'] = None\n"
        "from pipelines.__main__ import main; main()"
    )
    flags = ["trigger", "--host", api.url, "--name", "nightly", "--experiment", "music", "--token-env", "T"]
    done = subprocess.run(
        [sys.executable, "-c", code, *flags],
        cwd=ROOT,
        env={"T": "s3cret", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert list(api.runs) == [done.stdout.split()[2]]


def first_run(api: KfpApi, store: Path) -> str:
    flags = ["--host", api.url, "--catalog", "s3://music/tracks.csv", "--store", str(store), "--first"]
    done = CliRunner().invoke(app, ["submit", *flags])
    assert done.exit_code == 0, done.output
    return done.output


def test_it_trains_first_only_once(api: KfpApi, tmp_path: Path) -> None:
    assert "submitted run run-" in first_run(api, tmp_path)
    assert "nothing to do: run run-" in first_run(api, tmp_path)
    assert len(api.runs) == 1


def test_it_submits_again_where_the_first_run_failed(api: KfpApi, tmp_path: Path) -> None:
    first_run(api, tmp_path)
    next(iter(api.runs.values()))["state"] = "FAILED"
    assert "submitted run" in first_run(api, tmp_path)
    assert len(api.runs) == 2


def test_it_does_not_train_first_where_the_channel_has_a_bundle(api: KfpApi, tmp_path: Path) -> None:
    digest = publish_tiny(str(tmp_path / "store"), tmp_path / "parts", "first").digest
    told = first_run(api, tmp_path / "store")
    assert f"nothing to do: channel champion points at bundle {digest[:12]}" in told
    assert not api.runs


def test_it_trains_here_first_only_where_the_channel_is_empty(tmp_path: Path) -> None:
    store = tmp_path / "store"
    digest = publish_tiny(str(store), tmp_path / "parts", "first").digest
    # there is no such catalogue: a run that started would fail
    run = ["run", "--catalog", str(tmp_path / "none.csv"), "--workdir", str(tmp_path / "work"), "--first"]
    done = CliRunner().invoke(app, [*run, "--store", str(store)])
    assert (done.exit_code, done.output) == (
        0,
        f"nothing to do: channel champion points at bundle {digest[:12]}\n",
    )
    assert not (tmp_path / "work").exists()
    other = CliRunner().invoke(app, [*run, "--store", str(store), "--set", "channel=challenger"])
    assert other.exit_code != 0
    assert "nothing to do" not in other.output


def test_it_names_the_secrets_of_the_steps_as_told() -> None:
    code = "from pipelines import cluster; print(cluster.S3_SECRET, cluster.TRACKING_SECRET)"
    for environment, expected in (
        ({}, "segue-s3 segue-mlflow"),
        ({"SEGUE_STORE_SECRET": "jazz-s3", "SEGUE_TRACKING_SECRET": "jazz-mlflow"}, "jazz-s3 jazz-mlflow"),
    ):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == expected.split()
