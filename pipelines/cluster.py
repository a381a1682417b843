"""Settings of the steps on a cluster: resources, retries, time limits, caching, secrets."""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass

from kfp import dsl, kubernetes

from pipelines.resources import Resources, StepResources, quantity

__all__ = ["S3_SECRET", "TRACKING_SECRET", "for_cluster"]

# Names of secrets in the namespace of the runs, fixed at compilation like the image. Both secrets are
# optional: the store may be a mounted folder, and MLflow may not be used.
S3_SECRET = os.environ.get("SEGUE_STORE_SECRET") or "segue-s3"
TRACKING_SECRET = os.environ.get("SEGUE_TRACKING_SECRET") or "segue-mlflow"

_S3_KEYS = {
    "endpoint": "SEGUE_S3_ENDPOINT",
    "access_key": "SEGUE_S3_ACCESS_KEY",
    "secret_key": "SEGUE_S3_SECRET_KEY",
    "region": "SEGUE_S3_REGION",
    "secure": "SEGUE_S3_SECURE",
    "role": "SEGUE_S3_ROLE",
}
_TRACKING_KEYS = {
    "tracking_uri": "SEGUE_MLFLOW_TRACKING_URI",
    "username": "MLFLOW_TRACKING_USERNAME",
    "password": "MLFLOW_TRACKING_PASSWORD",
    "s3_endpoint_url": "MLFLOW_S3_ENDPOINT_URL",
    "aws_access_key_id": "AWS_ACCESS_KEY_ID",
    "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
}


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What one step needs besides CPU and memory.

    Attributes
    ----------
    minutes
        Time limit, so that a hanging step does not block the schedule.
    store
        Whether it uses the object store: it then gets the credentials, and is retried.
    cached
        Whether an earlier result for the same inputs and code version is reused.
    """

    minutes: int = 60
    store: bool = False
    cached: bool = True


_NEEDS = {
    "ingest": Needs(store=True, cached=False),
    "preprocess": Needs(),
    "train": Needs(minutes=180),
    "build_index": Needs(),
    "evaluate": Needs(store=True, cached=False),
    "publish": Needs(store=True, cached=False),
    "record_failure": Needs(minutes=10, store=True, cached=False),
}

# The quantities that kfp accepts. It refuses others that Kubernetes accepts, such as 1.5Gi.
_KFP_CPU = re.compile(r"\d+m?|\d+\.\d+")
_KFP_MEMORY = re.compile(r"\d+([KMGTPE]i|[MGTPE])?")


def for_cluster(resources: StepResources, name: str, task: dsl.PipelineTask) -> None:
    """Set resources, caching, time limit, secrets and retries of a step."""
    needs = _NEEDS[name]
    _set_resources(task, resources[name])
    task.set_caching_options(needs.cached)
    kubernetes.set_timeout(task, needs.minutes * 60)
    if not needs.store:
        return
    kubernetes.use_secret_as_env(task, S3_SECRET, _S3_KEYS, optional=True)
    kubernetes.use_secret_as_env(task, TRACKING_SECRET, _TRACKING_KEYS, optional=True)
    task.set_retry(3, backoff_duration="30s", backoff_factor=2, backoff_max_duration="300s")


def _set_resources(task: dsl.PipelineTask, resources: Resources) -> None:
    task.set_cpu_request(_cpu(resources.cpu_request))
    task.set_memory_request(_memory(resources.memory_request))
    task.set_memory_limit(_memory(resources.memory_limit))
    if resources.cpu_limit is not None:
        task.set_cpu_limit(_cpu(resources.cpu_limit))


def _cpu(text: str) -> str:
    return text if _KFP_CPU.fullmatch(text) else f"{math.ceil(quantity(text) * 1000)}m"


def _memory(text: str) -> str:
    return text if _KFP_MEMORY.fullmatch(text) else str(math.ceil(quantity(text)))
