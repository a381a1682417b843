"""What only a cluster needs to know of each step: resources, retries, time limits, caching, secrets."""

from __future__ import annotations

import os
from dataclasses import dataclass

from kfp import dsl, kubernetes

__all__ = ["S3_SECRET", "TRACKING_SECRET", "for_cluster"]

# Names of secrets in the namespace of the runs, a setting of compilation like the image. Both secrets are
# optional: a store may be a mounted folder, and MLflow may not be there.
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
    """What one step asks of the cluster.

    Attributes
    ----------
    cpu, memory
        Requests; a step may use twice the memory before it is killed.
    minutes
        After so long a step is stopped, so that a hanging one does not hold the schedule up.
    store
        It reads or writes the object store: tried again when that is away, given its credentials.
    cached
        The same inputs and code version take the result of an earlier run.
    """

    cpu: str = "1"
    memory: str
    memory_limit: str
    minutes: int = 60
    store: bool = False
    cached: bool = True


# Peak memory at 1.16 million tracks is under 2.5 GiB in every step; the limits leave room for ten times that.
_NEEDS = {
    "ingest": Needs(memory="2Gi", memory_limit="4Gi", store=True, cached=False),
    "preprocess": Needs(memory="3Gi", memory_limit="8Gi"),
    "train": Needs(cpu="2", memory="3Gi", memory_limit="12Gi", minutes=180),
    "build_index": Needs(cpu="2", memory="3Gi", memory_limit="12Gi"),
    "evaluate": Needs(cpu="2", memory="3Gi", memory_limit="12Gi", store=True, cached=False),
    "publish": Needs(memory="2Gi", memory_limit="8Gi", store=True, cached=False),
    "record_failure": Needs(
        cpu="100m", memory="512Mi", memory_limit="1Gi", minutes=10, store=True, cached=False
    ),
}


def for_cluster(name: str, task: dsl.PipelineTask) -> None:
    """Give a step of that name what it needs."""
    needs = _NEEDS[name]
    task.set_cpu_request(needs.cpu)
    task.set_memory_request(needs.memory)
    task.set_memory_limit(needs.memory_limit)
    task.set_caching_options(needs.cached)
    kubernetes.set_timeout(task, needs.minutes * 60)
    if not needs.store:
        return
    kubernetes.use_secret_as_env(task, S3_SECRET, _S3_KEYS, optional=True)
    kubernetes.use_secret_as_env(task, TRACKING_SECRET, _TRACKING_KEYS, optional=True)
    task.set_retry(3, backoff_duration="30s", backoff_factor=2, backoff_max_duration="300s")
