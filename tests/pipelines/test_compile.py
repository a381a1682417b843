"""The compiled pipeline: the one that is checked in is fresh, and says what a cluster must know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.remote import compile_pipeline
from pipelines.training import STEPS

ROOT = Path(__file__).resolve().parents[2]
STORE_STEPS = {"ingest", "evaluate", "publish", "record-failure"}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("compiled") / "training.yaml"
    compile_pipeline(path)
    return path


@pytest.fixture(scope="module")
def documents(compiled: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    pipeline, platform = yaml.safe_load_all(compiled.read_text())
    return pipeline, platform


@pytest.fixture(scope="module")
def tasks(documents: tuple[dict[str, Any], dict[str, Any]]) -> dict[str, dict[str, Any]]:
    pipeline, _ = documents
    inner = pipeline["components"]["comp-exit-handler-1"]["dag"]["tasks"]
    return {**inner, "record-failure": pipeline["root"]["dag"]["tasks"]["record-failure"]}


def test_the_checked_in_pipeline_is_fresh(compiled: Path) -> None:
    checked_in = (ROOT / "pipelines" / "training.yaml").read_text()
    assert checked_in == compiled.read_text(), "pipelines/training.yaml is stale: run make pipeline"


def test_each_step_has_a_folder_and_a_place_in_the_pipeline(tasks: dict[str, Any]) -> None:
    folders = {path.parent.name.replace("_", "-") for path in (ROOT / "components").glob("*/component.py")}
    assert set(tasks) == folders


def test_only_steps_that_read_no_store_are_cached(tasks: dict[str, Any]) -> None:
    cached = {name for name, task in tasks.items() if task["cachingOptions"].get("enableCache")}
    assert cached == {"preprocess", "train", "build-index"}


def test_what_is_cached_is_cached_for_one_code_version(tasks: dict[str, Any]) -> None:
    for name in ("preprocess", "train", "build-index"):
        given = tasks[name]["inputs"]["parameters"]
        assert "code_version" in str(given["code_version"])
        assert "pipeline_job" not in str(given), "a run's own id would never be found in the cache"


def test_steps_that_reach_a_store_are_tried_again_with_backoff(tasks: dict[str, Any]) -> None:
    tried = {name: task["retryPolicy"] for name, task in tasks.items() if "retryPolicy" in task}
    assert set(tried) == STORE_STEPS
    for policy in tried.values():
        assert policy["maxRetryCount"] == 3
        assert policy["backoffFactor"] == 2.0


def test_every_container_asks_for_cpu_and_memory(documents: tuple[dict[str, Any], dict[str, Any]]) -> None:
    executors = documents[0]["deploymentSpec"]["executors"]
    assert {f"exec-{name.replace('_', '-')}" for name in STEPS} <= set(executors)
    for executor in executors.values():
        resources = executor["container"]["resources"]
        assert {"resourceCpuRequest", "resourceMemoryRequest", "resourceMemoryLimit"} <= set(resources)


def test_credentials_come_from_secrets_and_only_where_they_are_needed(
    documents: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    executors = documents[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    given = {
        name.removeprefix("exec-"): {
            pair["envVar"] for secret in executor.get("secretAsEnv", []) for pair in secret["keyToEnv"]
        }
        for name, executor in executors.items()
    }
    assert {name for name, variables in given.items() if "SEGUE_S3_SECRET_KEY" in variables} == STORE_STEPS
    assert not given["train"]
    assert "MLFLOW_TRACKING_PASSWORD" in given["publish"]


def test_no_step_runs_for_ever(documents: tuple[dict[str, Any], dict[str, Any]]) -> None:
    executors = documents[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert all(int(executor["activeDeadlineSeconds"]) <= 3 * 3600 for executor in executors.values())


def test_nothing_is_installed_when_a_step_starts(compiled: Path) -> None:
    assert "pip install" not in compiled.read_text()


def test_the_interface_shows_tables_and_the_report(documents: tuple[dict[str, Any], dict[str, Any]]) -> None:
    kinds = {
        name.removeprefix("comp-"): {
            artifact["artifactType"]["schemaTitle"]
            for artifact in component.get("outputDefinitions", {}).get("artifacts", {}).values()
        }
        for name, component in documents[0]["components"].items()
    }
    for step in ("ingest", "preprocess", "train", "build-index", "evaluate", "publish"):
        assert {"system.Metrics", "system.Markdown"} <= kinds[step]
    assert "system.HTML" in kinds["evaluate"]
    assert "system.Model" in kinds["train"] & kinds["build-index"]
