"""What the pipeline's steps ask for: defaults, the variable over them, options over both."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from pipelines import remote
from pipelines.__main__ import app
from pipelines.resources import DEFAULTS, VARIABLE, Resources, quantity, step_resources
from pipelines.training import STEPS
from segue.errors import SettingsError


def compiled(path: Path) -> dict[str, dict[str, Any]]:
    """Resources of each step in a compiled pipeline."""
    pipeline, _ = yaml.safe_load_all(path.read_text())
    executors = pipeline["deploymentSpec"]["executors"]
    return {
        name.removeprefix("exec-").replace("-", "_"): executor["container"]["resources"]
        for name, executor in executors.items()
    }


def test_there_are_defaults_for_every_step() -> None:
    assert set(DEFAULTS) == {*STEPS, "record_failure"}
    assert step_resources() == DEFAULTS


def test_no_step_asks_for_a_whole_core_or_is_kept_from_idle_ones(tmp_path: Path) -> None:
    remote.compile_pipeline(tmp_path / "training.yaml")
    steps = compiled(tmp_path / "training.yaml")
    assert len(steps) == len(DEFAULTS)
    for name, resources in steps.items():
        assert quantity(resources["resourceCpuRequest"]) <= quantity("500m"), name
        assert resources["cpuRequest"] <= 0.5, name
        assert "resourceCpuLimit" not in resources, name


def test_what_is_given_is_merged_leaf_by_leaf(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {
        "train": {"requests": {"cpu": 2}, "limits": {"cpu": None}},
        "ingest": {"limits": {"memory": "6Gi"}},
    }
    monkeypatch.setenv(VARIABLE, json.dumps(said))
    assert step_resources(["train.limits.memory=24Gi", "publish.limits.cpu=1"]) == {
        **DEFAULTS,
        "train": Resources(cpu_request="2", memory_request="3Gi", memory_limit="24Gi"),
        "ingest": Resources(cpu_request="500m", memory_request="2Gi", memory_limit="6Gi"),
        "publish": Resources(cpu_request="500m", memory_request="2Gi", cpu_limit="1", memory_limit="8Gi"),
    }


def test_an_option_wins_over_the_variable_and_the_last_over_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(VARIABLE, '{"train": {"requests": {"cpu": "1", "memory": "4Gi"}}}')
    train = step_resources(["train.requests.cpu=2", "train.requests.cpu=3"])["train"]
    assert (train.cpu_request, train.memory_request) == ("3", "4Gi")


def test_an_empty_variable_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    assert step_resources() == DEFAULTS


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("500m", "0.5"),
        ("2", "2"),
        ("1.5", "1.5"),
        (".5", "0.5"),
        ("1e3", "1000"),
        ("1E", "1e18"),
        ("2k", "2000"),
        ("1G", "1e9"),
        ("1Gi", "1073741824"),
        ("512Mi", "536870912"),
        ("100u", "0.0001"),
    ],
)
def test_quantities_are_those_of_kubernetes(text: str, number: str) -> None:
    assert quantity(text) == Decimal(number)


UNKNOWN = "there are requests.cpu, requests.memory, limits.cpu, limits.memory"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (
            "trian.requests.cpu=2",
            "trian: there is no step trian; there are ingest, preprocess, train, build_index, evaluate, "
            "publish, record_failure",
        ),
        ("train.requests.gpu=1", f"train.requests.gpu: there is no requests.gpu; {UNKNOWN}"),
        ("train.cpu=1", "train.cpu=1: expected STEP.requests.cpu=VALUE, or limits, or memory"),
        ("train.requests.cpu", "train.requests.cpu: expected STEP.requests.cpu=VALUE, or limits, or memory"),
        *(
            (
                f"train.limits.memory={amount}",
                f"train.limits.memory: expected a quantity such as 500m, 2 or 3Gi, got {amount!r}",
            )
            for amount in ("two", "1 GB", "", "NaN", "-1", "1e3m", "1e1000")
        ),
    ],
)
def test_a_wrong_option_is_named(option: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        step_resources([option])
    assert str(caught.value) == f"--resource {message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train=2", "SEGUE_STEP_RESOURCES: expected a JSON object, got 'train=2'"),
        ("[1]", "SEGUE_STEP_RESOURCES: expected a JSON object, got [1]"),
        ('{"train": 2}', "SEGUE_STEP_RESOURCES train: expected a JSON object, got 2"),
        (
            '{"train": {"limits": "4Gi"}}',
            "SEGUE_STEP_RESOURCES train.limits: expected a JSON object, got '4Gi'",
        ),
        (
            '{"train": {"request": {"cpu": 1}}}',
            f"SEGUE_STEP_RESOURCES train.request.cpu: there is no request.cpu; {UNKNOWN}",
        ),
        (
            '{"train": {"limits": {"cpu": true}}}',
            "SEGUE_STEP_RESOURCES train.limits.cpu: expected a quantity such as 500m, 2 or 3Gi, got 'True'",
        ),
    ],
)
def test_a_wrong_variable_is_named(text: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(SettingsError) as caught:
        step_resources()
    assert str(caught.value) == message


def test_a_step_that_is_none_is_named_even_where_nothing_is_said_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(VARIABLE, '{"trian": {}}')
    with pytest.raises(
        SettingsError, match="SEGUE_STEP_RESOURCES trian: there is no step trian; there are ingest"
    ):
        step_resources()


@pytest.mark.parametrize(
    ("said", "options", "message"),
    [
        (
            {},
            ["train.requests.memory=24Gi"],
            "--resource: train.requests.memory is 24Gi, more than train.limits.memory, 12Gi: "
            "raise the limit, or ask for less",
        ),
        (
            {"train": {"limits": {"cpu": "250m"}}},
            ["train.requests.memory=4Gi"],
            "SEGUE_STEP_RESOURCES: train.requests.cpu is 500m, more than train.limits.cpu, 250m: "
            "raise the limit, or ask for less",
        ),
    ],
)
def test_a_request_over_its_limit_is_refused(
    said: dict[str, Any], options: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, json.dumps(said))
    with pytest.raises(SettingsError) as caught:
        step_resources(options)
    assert str(caught.value) == message


def test_what_is_given_arrives_in_the_compiled_pipeline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, '{"evaluate": {"requests": {"memory": "4Gi"}}}')
    path = tmp_path / "training.yaml"
    options = ["--resource", "train.requests.cpu=2", "--resource", "train.limits.cpu=4"]
    done = CliRunner().invoke(app, ["compile", "--out", str(path), *options])
    assert done.exit_code == 0, done.output
    steps = compiled(path)
    assert steps["train"]["resourceCpuRequest"] == "2"
    assert steps["train"]["resourceCpuLimit"] == "4"
    assert steps["evaluate"]["resourceMemoryRequest"] == "4Gi"
    assert steps["publish"] == {
        "cpuRequest": 0.5,
        "memoryLimit": 8.589934592,
        "memoryRequest": 2.147483648,
        "resourceCpuRequest": "500m",
        "resourceMemoryLimit": "8Gi",
        "resourceMemoryRequest": "2Gi",
    }


def test_what_kfp_does_not_read_is_written_out(tmp_path: Path) -> None:
    given = {"cpu_request": "1e-1", "memory_request": "1.5Gi", "cpu_limit": "1500000u", "memory_limit": "2e9"}
    path = tmp_path / "training.yaml"
    remote.compile_pipeline(path, {**DEFAULTS, "train": Resources(**given)})
    train = compiled(path)["train"]
    assert (train["resourceCpuRequest"], train["resourceCpuLimit"]) == ("100m", "1500m")
    assert (train["resourceMemoryRequest"], train["resourceMemoryLimit"]) == ("1610612736", "2000000000")


@pytest.mark.parametrize("command", ["compile", "submit", "schedule"])
def test_a_wrong_one_is_refused_before_anything_is_compiled_or_asked(command: str, tmp_path: Path) -> None:
    # nobody listens there: what asked first would say so
    run = ["--host", "http://127.0.0.1:9", "--catalog", "s3://music/a.csv", "--store", str(tmp_path)]
    flags = {
        "compile": ["--out", str(tmp_path / "training.yaml")],
        "submit": [*run, "--first"],
        "schedule": [*run, "--cron", "30 3 * * *"],
    }
    done = CliRunner().invoke(app, [command, *flags[command], "--resource", "train.requests.cpu=two"])
    assert isinstance(done.exception, SettingsError)
    assert "--resource train.requests.cpu: expected a quantity" in str(done.exception)
    assert list(tmp_path.iterdir()) == []
