"""The DAG in a real Airflow, in an environment of its own, against an API that speaks HTTP.

``make airflow-test`` makes the environment and runs this; SEGUE_AIRFLOW is its Python.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.chart import ROOT
from tests.pipelines.kfp_api import KfpApi, serving

pytestmark = pytest.mark.airflow

PARSE = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
dag = bag.dags.get("segue_training")
tasks = {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks} if dag else {}
told = {"errors": bag.import_errors, "tasks": tasks, "once": dag and dag.max_active_runs}
print("RESULT", json.dumps(told))
"""
RUN = """
import sys
from airflow.dag_processing.dagbag import DagBag
dag = DagBag(sys.argv[1]).dags["segue_training"]
for task in dag.tasks:
    task.retries = 0  # five minutes apart
run = dag.test()
print("RESULT", '"%s"' % str(run.state))
"""


class Airflow:
    """An Airflow with this DAG alone, on a database of its own."""

    def __init__(self, home: Path) -> None:
        self._python = os.environ["SEGUE_AIRFLOW"]
        self.dags = home / "dags"
        self.dags.mkdir(parents=True)
        shutil.copy(ROOT / "pipelines/airflow/segue_training.py", self.dags)
        shutil.copy(ROOT / "pipelines/training.yaml", self.dags)
        self._environment = {
            "PATH": f"{Path(self._python).parent}:/usr/bin:/bin",
            "HOME": str(home),
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags),
        }
        subprocess.run(
            [str(Path(self._python).parent / "airflow"), "db", "migrate"],
            env=self._environment,
            check=True,
            capture_output=True,
        )

    def run(self, code: str, **environment: str) -> object:
        done = subprocess.run(
            [self._python, "-c", code, str(self.dags)],
            env={**self._environment, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        told = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
        assert told, done.stdout[-3000:] + done.stderr[-3000:]
        return json.loads(told[-1].removeprefix("RESULT "))


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    if "SEGUE_AIRFLOW" not in os.environ:
        pytest.skip("SEGUE_AIRFLOW is not set: make airflow-test sets it")
    return Airflow(tmp_path_factory.mktemp("airflow"))


@pytest.fixture
def api() -> Iterator[KfpApi]:
    with serving() as served:
        yield served


def test_it_is_parsed_without_an_error(airflow: Airflow) -> None:
    told = airflow.run(PARSE)
    assert told == {"errors": {}, "tasks": {"submit": ["ended"], "ended": []}, "once": 1}


@pytest.mark.parametrize(("end", "state"), [("SUCCEEDED", "success"), ("FAILED", "failed")])
def test_it_submits_the_pipeline_and_ends_as_its_run_does(
    airflow: Airflow, api: KfpApi, end: str, state: str
) -> None:
    api.state = end
    told = airflow.run(
        RUN,
        SEGUE_KFP_HOST=api.url,
        SEGUE_CATALOG="s3://music/tracks/",
        SEGUE_STORE="s3://music/segue",
        SEGUE_RUN_SETTINGS='{"rounds": 50}',
    )
    assert told == state
    (run,) = api.runs.values()
    expected = {
        "catalog": "s3://music/tracks/",
        "interactions": "",
        "store": "s3://music/segue",
        "rounds": 50,
    }
    assert run["runtime_config"]["parameters"] == expected
