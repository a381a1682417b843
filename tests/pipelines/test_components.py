"""Components are thin: what they do is in segue, where it can be called and tested without KFP."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any

import pytest
from kfp.dsl.executor import Executor

from components.record_failure import record_failure

ROOT = Path(__file__).resolve().parents[2]
COMPONENTS = sorted((ROOT / "components").glob("*/component.py"))


def _function(path: Path) -> ast.FunctionDef:
    (function,) = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]
    return function


@pytest.mark.parametrize("path", COMPONENTS, ids=lambda path: path.parent.name)
def test_the_top_imports_only_kfp_and_the_standard_library(path: Path) -> None:
    imported = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(str(node.module).partition(".")[0])
    assert imported - set(sys.stdlib_module_names) <= {"kfp", "components"}


@pytest.mark.parametrize("path", COMPONENTS, ids=lambda path: path.parent.name)
def test_the_body_is_at_most_fifteen_lines(path: Path) -> None:
    body = _function(path).body[1:]
    lines = path.read_text().splitlines()[body[0].lineno - 1 : body[-1].end_lineno]
    assert len([line for line in lines if line.strip()]) <= 15


@pytest.mark.parametrize("path", COMPONENTS, ids=lambda path: path.parent.name)
def test_the_function_is_called_like_its_folder_and_documents_its_arguments(path: Path) -> None:
    function = _function(path)
    assert function.name == path.parent.name
    text = ast.get_docstring(function) or ""
    documented = {line.partition(":")[0].strip() for line in text.splitlines() if line.startswith("    ")}
    shown_in_every_step = {"metrics", "summary"}
    assert {argument.arg for argument in function.args.args} - shown_in_every_step <= documented


def _end_of_run(status: dict[str, Any], folder: Path) -> list[str]:
    """Run the exit handler as a pod does, with the final status that KFP hands it; names of the notes."""
    inputs = {"status": status, "store": str(folder / "store"), "run_id": "run-9"}
    given = {
        "inputs": {"parameterValues": inputs},
        "outputs": {"outputFile": str(folder / "executor_output.json")},
    }
    Executor(executor_input=given, function_to_execute=record_failure.python_func).execute()
    return [path.name for path in (folder / "store" / "evaluations" / "failed").glob("*.json")]


@pytest.mark.parametrize(
    ("status", "notes"),
    [
        # what the backend of Kubeflow Pipelines 2.17 writes, whose error is always empty
        ({"state": "COMPLETE", "error": {}}, []),
        ({"state": "FAILED", "error": {}}, ["run-9.json"]),
        ({"state": "CANCELED", "error": {}}, ["run-9.json"]),
        ({"state": "RUNNING", "error": {}}, []),
        # what the SDK documents
        ({"state": "SUCCEEDED"}, []),
        ({"state": "FAILED", "error": {"code": 9, "message": "ingest: no such file"}}, ["run-9.json"]),
        ({}, []),
    ],
)
def test_the_exit_handler_takes_what_kubeflow_pipelines_gives_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: dict[str, Any], notes: list[str]
) -> None:
    monkeypatch.setenv("SEGUE_MLFLOW_TRACKING_URI", "")
    named = {"pipelineJobResourceName": "segue-training-x7k2p", "pipelineTaskName": "training"}
    assert _end_of_run({**named, **status}, tmp_path) == notes
