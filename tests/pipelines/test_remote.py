"""Submitting and scheduling, with the real kfp client against an API that speaks HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from pipelines.cluster_options import Cluster
from pipelines.remote import ClusterError, cron_fields, schedule, submit, unschedule
from pipelines.resources import step_resources
from tests.pipelines.kfp_api import KfpApi, serving

ARGUMENTS: dict[str, Any] = {"catalog": "s3://music/catalog.csv", "store": "s3://music/segue", "rounds": 50}


@pytest.fixture
def api(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[KfpApi]:
    # the client reads a context file in the user's home
    monkeypatch.setattr("kfp.Client._LOCAL_KFP_CONTEXT", str(tmp_path / "context.json"))
    with serving() as served:
        yield served


def executor(run: dict[str, Any], step: str) -> dict[str, Any]:
    """Resources of a step of a run that was made."""
    executors = run["pipeline_spec"]["pipeline_spec"]["deploymentSpec"]["executors"]
    return dict(executors[f"exec-{step}"]["container"]["resources"])


def test_a_submitted_run_has_its_pipeline_and_its_arguments(api: KfpApi) -> None:
    run_id = submit(Cluster(host=api.url, experiment="music"), ARGUMENTS)

    run = api.runs[run_id]
    assert run["runtime_config"]["parameters"] == ARGUMENTS
    assert api.experiments[run["experiment_id"]]["display_name"] == "music"
    tasks = run["pipeline_spec"]["pipeline_spec"]["components"]["comp-exit-handler-1"]["dag"]["tasks"]
    assert set(tasks) == {"ingest", "preprocess", "train", "build-index", "evaluate", "publish"}
    secrets = str(run["pipeline_spec"]["platform_spec"])
    assert "SEGUE_S3_SECRET_KEY" in secrets


def test_the_experiment_is_made_once(api: KfpApi) -> None:
    cluster = Cluster(host=api.url)
    submit(cluster, ARGUMENTS)
    submit(cluster, ARGUMENTS)
    assert len(api.experiments) == 1
    assert len(api.runs) == 2


def test_a_token_is_sent_as_a_bearer(api: KfpApi) -> None:
    api.token = "s3cret"
    assert submit(Cluster(host=api.url, token="s3cret", namespace="team-a"), ARGUMENTS) in api.runs


def test_a_wrong_token_is_one_sentence_without_the_token(api: KfpApi) -> None:
    api.token = "s3cret"
    with pytest.raises(ClusterError) as caught:
        submit(Cluster(host=api.url, token="other-token", namespace="team-a"), ARGUMENTS)
    assert str(caught.value) == f"{api.url} answered HTTP 401: Request not authenticated: the token is wrong"


def test_a_profile_has_its_namespace_and_its_user(api: KfpApi) -> None:
    cluster = Cluster(host=api.url, namespace="team-a", user="ada@example.com")
    submit(cluster, ARGUMENTS)

    assert {row["namespace"] for row in api.experiments.values()} == {"team-a"}
    assert {headers.get("kubeflow-userid") for _, _, headers, _ in api.requests} == {"ada@example.com"}


def test_a_host_that_is_away_is_one_sentence(api: KfpApi) -> None:
    with pytest.raises(ClusterError, match=r"^http://127\.0\.0\.1:9 did not answer: .*refused"):
        submit(Cluster(host="http://127.0.0.1:9", namespace="team-a"), ARGUMENTS)


def test_a_schedule_is_made_with_what_the_cluster_needs(api: KfpApi) -> None:
    cluster = Cluster(host=api.url, service_account="pipeline-runner")
    done = schedule(cluster, "nightly", "30 3 * * *", ARGUMENTS)

    assert done.outcome == "created"
    run = api.recurring[done.id]
    assert run["trigger"]["cron_schedule"]["cron"] == "0 30 3 * * *"
    assert run["runtime_config"]["parameters"] == ARGUMENTS
    assert int(run["max_concurrency"]) == 1
    assert (run["no_catchup"], run["mode"]) == (True, "ENABLE")
    assert run["service_account"] == "pipeline-runner"


def test_the_same_schedule_again_changes_nothing(api: KfpApi) -> None:
    cluster = Cluster(host=api.url)
    first = schedule(cluster, "nightly", "30 3 * * *", ARGUMENTS)
    again = schedule(cluster, "nightly", "30 3 * * *", ARGUMENTS)
    assert (again.outcome, again.id) == ("unchanged", first.id)
    assert list(api.recurring) == [first.id]


@pytest.mark.parametrize(
    ("cron", "arguments"), [("0 4 * * *", ARGUMENTS), ("30 3 * * *", {**ARGUMENTS, "rounds": 51})]
)
def test_another_schedule_of_that_name_is_replaced(api: KfpApi, cron: str, arguments: dict[str, Any]) -> None:
    cluster = Cluster(host=api.url)
    first = schedule(cluster, "nightly", "30 3 * * *", ARGUMENTS)
    other = schedule(cluster, "weekly", "30 3 * * 1", ARGUMENTS)
    done = schedule(cluster, "nightly", cron, arguments)
    assert done.outcome == "replaced"
    assert set(api.recurring) == {other.id, done.id}
    assert first.id != done.id


def test_a_schedule_whose_steps_need_more_is_replaced(api: KfpApi, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(host=api.url)
    first = schedule(cluster, "nightly", "30 3 * * *", ARGUMENTS)
    monkeypatch.setenv("SEGUE_STEP_RESOURCES", '{"train": {"requests": {"cpu": "2"}}}')
    done = schedule(cluster, "nightly", "30 3 * * *", ARGUMENTS)
    assert done.outcome == "replaced"
    assert list(api.recurring) == [done.id] != [first.id]
    assert executor(api.recurring[done.id], "train")["resourceCpuRequest"] == "2"

    options = step_resources(["train.requests.cpu=2"])
    assert schedule(cluster, "nightly", "30 3 * * *", ARGUMENTS, resources=options).outcome == "unchanged"


def test_a_submitted_run_has_its_resources(api: KfpApi) -> None:
    run_id = submit(Cluster(host=api.url), ARGUMENTS, resources=step_resources(["train.limits.memory=24Gi"]))
    assert executor(api.runs[run_id], "train")["resourceMemoryLimit"] == "24Gi"


def test_a_schedule_that_somebody_disabled_is_made_anew(api: KfpApi) -> None:
    cluster = Cluster(host=api.url)
    first = schedule(cluster, "nightly", "30 3 * * *", ARGUMENTS)
    api.recurring[first.id]["status"] = "DISABLED"
    done = schedule(cluster, "nightly", "30 3 * * *", ARGUMENTS)
    assert list(api.recurring) == [done.id]
    assert done.id != first.id


def test_a_failure_in_between_never_leaves_no_schedule_and_is_mended_by_the_next(api: KfpApi) -> None:
    cluster = Cluster(host=api.url)
    schedule(cluster, "nightly", "30 3 * * *", ARGUMENTS)
    api.fail_deletes = 1
    with pytest.raises(ClusterError, match="HTTP 500: the database is away"):
        schedule(cluster, "nightly", "0 4 * * *", ARGUMENTS)
    assert len(api.recurring) == 2

    done = schedule(cluster, "nightly", "0 4 * * *", ARGUMENTS)
    assert done.outcome == "unchanged"
    assert [run["trigger"]["cron_schedule"]["cron"] for run in api.recurring.values()] == ["0 0 4 * * *"]


def test_namesakes_beyond_the_first_page_are_removed_too(api: KfpApi) -> None:
    cluster = Cluster(host=api.url)
    first = schedule(cluster, "nightly", "30 3 * * *", ARGUMENTS)
    for number in range(5):
        copy = f"recurring-copy-{number}"
        api.recurring[copy] = {**api.recurring[first.id], "recurring_run_id": copy, "description": "by hand"}
    schedule(replace(cluster), "nightly", "30 3 * * *", ARGUMENTS)
    assert list(api.recurring) == [first.id]


def test_what_is_scheduled_no_more_is_deleted_with_its_namesakes_and_nothing_else(api: KfpApi) -> None:
    cluster = Cluster(host=api.url)
    first = schedule(cluster, "nightly", "30 3 * * *", ARGUMENTS)
    other = schedule(cluster, "weekly", "30 3 * * 1", ARGUMENTS)
    elsewhere = schedule(replace(cluster, experiment="jazz"), "nightly", "30 3 * * *", ARGUMENTS)
    api.recurring["copy"] = {**api.recurring[first.id], "recurring_run_id": "copy"}
    assert unschedule(cluster, "nightly") == 2
    assert set(api.recurring) == {other.id, elsewhere.id}
    assert unschedule(cluster, "nightly") == 0


@pytest.mark.parametrize("cron", ["", "daily", "* * *", "1 2 3 4 5 6 7", "0 3 * * $(id)"])
def test_what_is_no_schedule_is_refused(cron: str) -> None:
    with pytest.raises(ClusterError, match="expected five fields"):
        cron_fields(cron)


def test_six_fields_stay_as_they_are() -> None:
    assert cron_fields("15 30 3 * * 1") == "15 30 3 * * 1"
