"""Jobs that submit and schedule: their words are the command's, they run again without harm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from pipelines.__main__ import app
from pipelines.resources import DEFAULTS, VARIABLE, Resources, StepResources, step_resources
from tests.deploy.chart import CHART, Manifest, Rendered, deep_merge, environment_of, render
from tests.deploy.matrix import MATRIX

TRAINED: dict[str, Any] = MATRIX["trained"]


def job(rendered: Rendered, part: str) -> Manifest:
    found = [m for m in rendered.of("Job") if part in m["metadata"]["name"]]
    assert len(found) == 1
    return found[0]


def words(manifest: Manifest) -> list[str]:
    return list(manifest["spec"]["template"]["spec"]["containers"][0]["args"])


def test_it_trains_nothing_without_a_catalogue() -> None:
    rendered = render()
    assert rendered.of("Job") == []
    assert [m for m in rendered if m["metadata"]["name"].endswith("-training")] == []


def test_it_submits_a_first_run_and_schedules_a_nightly_one() -> None:
    rendered = render(TRAINED)
    first, nightly = (words(job(rendered, part)) for part in ("first-run", "schedule"))
    assert first[0] == "submit"
    assert "--first" in first
    assert nightly[0] == "schedule"
    assert {"--name=music.segue", "--cron=30 3 * * *"} <= set(nightly)
    for arguments in (first, nightly):
        assert {"--catalog=s3://music/tracks/", "--store=s3://music/segue"} <= set(arguments)
        assert {"--namespace=team-a", "--service-account=default-editor"} <= set(arguments)
        assert {"--set=channel=champion", "--set=rounds=500", "--set=promote=false"} <= set(arguments)
        assert '--set=layout={"band":"artist_name"}' in arguments


def test_it_makes_the_sample_up_with_its_playlists() -> None:
    arguments = words(job(render({"catalog": {"source": "sample"}}), "first-run"))
    assert {"--catalog=sample://20000", "--interactions=sample://20000/playlists"} <= set(arguments)


@pytest.mark.parametrize("values", [v for v in MATRIX.values() if "catalog" in v])
def test_it_says_nothing_that_the_command_does_not_know(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, Any]] = []

    def note(_cluster: Any, *arguments: Any, **_resources: Any) -> Any:
        told.append(arguments[-1])
        raise SystemExit(0)

    monkeypatch.setattr("pipelines.remote.submit", note)
    monkeypatch.setattr("pipelines.remote.schedule", note)
    training = [words(m) for m in render(values).of("Job") if "-unschedule-" not in m["metadata"]["name"]]
    for given in training:
        done = CliRunner().invoke(app, [word for word in given if word != "--first"])
        assert done.exit_code == 0, done.output
    assert len(told) == len(training) >= 1
    assert all(arguments["store"] == "s3://music/segue" for arguments in told)


def test_it_calls_runs_otherwise_than_a_release_of_another_namespace_does() -> None:
    def told(namespace: str, name: str = "segue") -> set[str]:
        rendered = render(TRAINED, name=name, namespace=namespace)
        retrain = environment_of(rendered.pod("-gateway")["spec"]["containers"][0])["SEGUE_RETRAIN_COMMAND"]
        every = [*words(job(rendered, "first-run")), *words(job(rendered, "schedule")), *retrain.split()]
        return {word for word in every if word.startswith(("--name=", "--experiment="))}

    assert told("music") == {"--name=music.segue", "--experiment=music.segue"}
    assert told("segue") == {"--name=segue", "--experiment=segue"}
    # neither "a-b" and "segue" nor "a" and "b-segue" are the same
    assert not told("a-b") & told("a", "b-segue")


def test_it_takes_the_schedule_out_when_there_is_none_any_more() -> None:
    rendered = render(deep_merge(TRAINED, {"training": {"schedule": "", "onAlert": False}}))
    assert not any("-schedule-" in m["metadata"]["name"] for m in rendered.of("Job"))
    assert words(job(rendered, "-unschedule-")) == [
        "unschedule",
        "--host=http://ml-pipeline.kubeflow.svc.cluster.local:8888",
        "--experiment=music.segue",
        "--namespace=team-a",
        "--name=music.segue",
    ]


def test_it_knows_the_command_that_takes_a_schedule_out(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(
        "pipelines.remote.unschedule", lambda cluster, name: told.append((cluster, name)) or 1
    )
    rendered = render({"catalog": {"source": "sample"}, "training": {"schedule": ""}})
    done = CliRunner().invoke(app, words(job(rendered, "-unschedule-")))
    assert done.exit_code == 0, done.output
    ((cluster, name),) = told
    assert (cluster.experiment, name) == ("music.segue", "music.segue")


def test_it_is_another_job_when_its_spec_is_another_and_the_same_when_not() -> None:
    def names(values: dict[str, Any]) -> set[str]:
        return {m["metadata"]["name"] for m in render({**TRAINED, **values}).of("Job")}

    assert names({}) == names({"transformer": {"replicas": 2}})
    assert not names({}) & names({"images": {"tag": "9.9.9"}})
    assert not names({}) & names({"store": {"channel": "challenger"}})


def test_it_runs_the_steps_in_the_same_image_with_the_same_secrets() -> None:
    values = {**TRAINED, "images": {"registry": "registry.example", "pipeline": "p@sha256:" + "0" * 64}}
    container = job(render(values), "first-run")["spec"]["template"]["spec"]["containers"][0]
    environment = environment_of(container)
    assert environment["SEGUE_IMAGE"] == container["image"] == "registry.example/p@sha256:" + "0" * 64
    assert environment["SEGUE_STORE_SECRET"] == "segue-s3"
    assert environment["SEGUE_TRACKING_SECRET"] == "segue-mlflow"


def steps_of(rendered: Rendered, monkeypatch: pytest.MonkeyPatch) -> StepResources:
    """Resources of the steps as the program reads them in both jobs."""
    read = []
    for part in ("first-run", "schedule"):
        container = job(rendered, part)["spec"]["template"]["spec"]["containers"][0]
        monkeypatch.setenv(VARIABLE, environment_of(container)[VARIABLE])
        read.append(step_resources())
    assert read[0] == read[1]
    return read[0]


def test_it_has_the_program_s_own_defaults_of_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    of_the_chart = {
        step: {f"{b}.{r}": amount for b, amounts in bounds.items() for r, amount in amounts.items()}
        for step, bounds in values["training"]["steps"].items()
    }
    assert of_the_chart == {
        step: {
            "requests.cpu": own.cpu_request,
            "requests.memory": own.memory_request,
            "limits.memory": own.memory_limit,
        }
        for step, own in DEFAULTS.items()
    }
    assert steps_of(render(TRAINED), monkeypatch) == DEFAULTS


def test_it_gives_the_steps_what_the_values_say(monkeypatch: pytest.MonkeyPatch) -> None:
    train = {"requests": {"cpu": 2, "memory": "6Gi"}, "limits": {"cpu": 4, "memory": 34359738368}}
    steps = {"train": train, "publish": {"requests": {"cpu": 0.25}, "limits": {"cpu": None}}}
    values = deep_merge(TRAINED, {"training": {"steps": steps}})
    assert steps_of(render(values), monkeypatch) == {
        **DEFAULTS,
        "train": Resources(cpu_request="2", memory_request="6Gi", cpu_limit="4", memory_limit="34359738368"),
        "publish": Resources(cpu_request="0.25", memory_request="2Gi", memory_limit="8Gi"),
    }


def test_it_submits_steps_with_what_the_values_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    values = deep_merge(TRAINED, {"training": {"steps": {"train": {"requests": {"cpu": "1500m"}}}}})
    container = job(render(values), "schedule")["spec"]["template"]["spec"]["containers"][0]
    monkeypatch.setenv(VARIABLE, environment_of(container)[VARIABLE])
    done = CliRunner().invoke(app, ["compile", "--out", str(tmp_path / "training.yaml")])
    assert done.exit_code == 0, done.output
    assert "resourceCpuRequest: 1500m" in (tmp_path / "training.yaml").read_text()


def test_it_shows_a_token_only_where_the_installation_asks_for_one() -> None:
    for values, sources in ((TRAINED, 1), (MATRIX["single user"], 0)):
        rendered = render(values)
        volumes = job(rendered, "first-run")["spec"]["template"]["spec"]["volumes"]
        tokens = [v for v in volumes if "projected" in v]
        assert len(tokens) == sources
        assert len(rendered.of("RoleBinding")) >= sources
    assert render(MATRIX["single user"]).of("Role") == []


def test_it_binds_the_least_in_the_profile_s_namespace() -> None:
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


def test_it_lets_the_gateway_start_what_is_scheduled() -> None:
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
