"""Train Segue from Airflow: copy this file and a compiled training.yaml into the folder of your DAGs.

It runs the same pipeline as `python -m pipelines schedule`, on the same Kubeflow, for teams that schedule
with Airflow; use only one of the two. Needs Airflow 3 and, on the workers, `kfp`. Compile the pipeline with
your image (`python -m pipelines compile --image … --out training.yaml`), and set the workers' environment:

    SEGUE_KFP_HOST         address of Kubeflow Pipelines' API
    SEGUE_KFP_TOKEN        bearer token; if not set, the worker's own, if it has one
    SEGUE_KFP_NAMESPACE    your profile's namespace, in a multi-user installation
    SEGUE_KFP_ACCOUNT      service account of the pipeline's pods; not set: the installation's default
    SEGUE_CATALOG, SEGUE_STORE, and SEGUE_INTERACTIONS if you have playlists
    SEGUE_RUN_SETTINGS     other settings of the run as a JSON object, such as {"rounds": 500}
"""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import dag, task

PIPELINE = Path(__file__).with_name("training.yaml")
ENDED = ("SUCCEEDED", "SKIPPED", "FAILED", "CANCELED")


def open_client() -> Any:
    """Client of Kubeflow Pipelines; imports kfp here, because the scheduler parses this file without it."""
    from kfp import Client

    return Client(
        host=os.environ["SEGUE_KFP_HOST"],
        existing_token=os.environ.get("SEGUE_KFP_TOKEN") or None,
        namespace=os.environ.get("SEGUE_KFP_NAMESPACE") or "kubeflow",
    )


def run_arguments() -> dict[str, Any]:
    """The pipeline's arguments."""
    return {
        "catalog": os.environ["SEGUE_CATALOG"],
        "interactions": os.environ.get("SEGUE_INTERACTIONS", ""),
        "store": os.environ["SEGUE_STORE"],
        **json.loads(os.environ.get("SEGUE_RUN_SETTINGS") or "{}"),
    }


@dag(
    dag_id="segue_training",
    schedule="30 3 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=5)},
    tags=["segue"],
    doc_md=__doc__,
)
def segue_training() -> None:
    """Submit the pipeline, then wait for its end."""

    @task
    def submit() -> str:
        run = open_client().create_run_from_pipeline_package(
            str(PIPELINE),
            arguments=run_arguments(),
            run_name=f"segue by airflow {datetime.now():%Y-%m-%d %H:%M:%S}",
            experiment_name="segue",
            namespace=os.environ.get("SEGUE_KFP_NAMESPACE") or None,
            service_account=os.environ.get("SEGUE_KFP_ACCOUNT") or None,
        )
        return str(run.run_id)

    @task.sensor(poke_interval=60, timeout=6 * 3600, mode="reschedule")
    def ended(kubeflow_run: str) -> bool:  # Airflow reserves the name run_id
        state = open_client().get_run(kubeflow_run).state
        if state in ENDED and state not in ("SUCCEEDED", "SKIPPED"):
            raise RuntimeError(f"run {kubeflow_run} ended {state}: its log is in Kubeflow Pipelines")
        return state in ENDED

    ended(submit())


segue_training()
