"""Jobs that submit and schedule: their words are the command's, they run again without harm."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from pipelines.__main__ import app
from tests.deploy.chart import Manifest, Rendered, environment_of, render
from tests.deploy.matrix import MATRIX

TRAINED: dict[str, Any] = MATRIX["trained"]


def job(rendered: Rendered, part: str) -> Manifest:
    found = [m for m in rendered.of("Job") if part in m["metadata"]["name"]]
    assert len(found) == 1
    return found[0]


def words(manifest: Manifest) -> list[str]:
    return list(manifest["spec"]["template"]["spec"]["containers"][0]["args"])


def test_should_train_nothing_without_a_catalogue() -> None:
    rendered = render()
    assert rendered.of("Job") == []
    assert [m for m in rendered if m["metadata"]["name"].endswith("-training")] == []


def test_should_submit_a_first_run_and_schedule_a_nightly_one() -> None:
    rendered = render(TRAINED)
    first, nightly = (words(job(rendered, part)) for part in ("first-run", "schedule"))
    assert first[0] == "submit"
    assert "--first" in first
    assert nightly[0] == "schedule"
    assert {"--name=segue", "--cron=30 3 * * *"} <= set(nightly)
    for arguments in (first, nightly):
        assert {"--catalog=s3://music/tracks/", "--store=s3://music/segue"} <= set(arguments)
        assert {"--namespace=team-a", "--service-account=default-editor"} <= set(arguments)
        assert {"--set=channel=champion", "--set=rounds=500", "--set=promote=false"} <= set(arguments)
        assert '--set=layout={"band":"artist_name"}' in arguments


def test_should_make_the_sample_up_with_its_playlists() -> None:
    arguments = words(job(render({"catalog": {"source": "sample"}}), "first-run"))
    assert {"--catalog=sample://20000", "--interactions=sample://20000/playlists"} <= set(arguments)


@pytest.mark.parametrize("values", [v for v in MATRIX.values() if "catalog" in v])
def test_should_say_nothing_that_the_command_does_not_know(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, Any]] = []

    def note(_cluster: Any, *arguments: Any) -> Any:
        told.append(arguments[-1])
        raise SystemExit(0)

    monkeypatch.setattr("pipelines.remote.submit", note)
    monkeypatch.setattr("pipelines.remote.schedule", note)
    for manifest in render(values).of("Job"):
        arguments = [word for word in words(manifest) if word != "--first"]
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, done.output
    assert len(told) == 2
    assert all(arguments["store"] == "s3://music/segue" for arguments in told)


def test_should_be_another_job_when_its_spec_is_another_and_the_same_when_not() -> None:
    def names(values: dict[str, Any]) -> set[str]:
        return {m["metadata"]["name"] for m in render({**TRAINED, **values}).of("Job")}

    assert names({}) == names({"transformer": {"replicas": 2}})
    assert not names({}) & names({"images": {"tag": "9.9.9"}})
    assert not names({}) & names({"store": {"channel": "challenger"}})


def test_should_run_the_steps_in_the_same_image_with_the_same_secrets() -> None:
    values = {**TRAINED, "images": {"registry": "registry.example", "pipeline": "p@sha256:" + "0" * 64}}
    container = job(render(values), "first-run")["spec"]["template"]["spec"]["containers"][0]
    environment = environment_of(container)
    assert environment["SEGUE_IMAGE"] == container["image"] == "registry.example/p@sha256:" + "0" * 64
    assert environment["SEGUE_STORE_SECRET"] == "segue-s3"
    assert environment["SEGUE_TRACKING_SECRET"] == "segue-mlflow"


def test_should_show_a_token_only_where_the_installation_asks_for_one() -> None:
    for values, sources in ((TRAINED, 1), (MATRIX["single user"], 0)):
        rendered = render(values)
        volumes = job(rendered, "first-run")["spec"]["template"]["spec"]["volumes"]
        tokens = [v for v in volumes if "projected" in v]
        assert len(tokens) == sources
        assert len(rendered.of("RoleBinding")) >= sources
    assert render(MATRIX["single user"]).of("Role") == []


def test_should_bind_the_least_in_the_profile_s_namespace() -> None:
    rendered = render(TRAINED)
    assert {m["metadata"]["namespace"] for m in rendered.of("Role")} == {"team-a"}
    rules = {m["metadata"]["name"]: m["rules"] for m in rendered.of("Role")}
    for role in rules.values():
        assert {group for rule in role for group in rule["apiGroups"]} == {"pipelines.kubeflow.org"}
        assert not any("*" in rule["resources"] + rule["verbs"] for rule in role)
    gateway = {rule["resources"][0]: rule["verbs"] for rule in rules["segue-gateway"]}
    assert gateway == {"experiments": ["get", "list"], "jobs": ["list"], "runs": ["create"]}
    accounts = {m["metadata"]["name"] for m in rendered.of("ServiceAccount")}
    for binding in rendered.of("RoleBinding"):
        assert binding["subjects"][0]["namespace"] == "music"
        assert binding["subjects"][0]["name"] in accounts


def test_should_let_the_gateway_start_what_is_scheduled() -> None:
    rendered = render(TRAINED)
    gateway = rendered.pod("-gateway")["spec"]["containers"][0]
    command = environment_of(gateway)["SEGUE_RETRAIN_COMMAND"].split()
    assert command[:4] == ["python", "-m", "pipelines", "trigger"]
    scheduled = words(job(rendered, "schedule"))
    shared = {word for word in command[4:] if word.startswith(("--name", "--host", "--exp", "--namespace"))}
    assert len(shared) == 4
    assert shared <= set(scheduled)
    assert any(m["name"] == "pipelines-token" for m in gateway["volumeMounts"])
    plain = render({"catalog": {"source": "sample"}}).pod("-gateway")["spec"]["containers"][0]
    assert "SEGUE_RETRAIN_COMMAND" not in environment_of(plain)
