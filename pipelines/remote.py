"""Submit and schedule the training pipeline on a Kubeflow cluster."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import json
import re
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import kfp_server_api
import urllib3
from kfp import Client, compiler
from kfp.client import set_volume_credentials

from pipelines.cluster import for_cluster
from pipelines.cluster_options import POD_TOKEN, Cluster
from pipelines.resources import Resources, StepResources, step_resources
from pipelines.training import NAME, training_pipeline
from segue.errors import SegueError

__all__ = [
    "ClusterError",
    "Scheduled",
    "compile_pipeline",
    "cron_fields",
    "schedule",
    "submit",
    "under_way",
    "unschedule",
]

_PAGE = 100
_UNDER_WAY = ("PENDING", "RUNNING", "PAUSED", "CANCELING")


class ClusterError(SegueError):
    """Kubeflow Pipelines refused a request or did not answer."""


@dataclass(frozen=True)
class Scheduled:
    """Result of `schedule`: the recurring run's id, and what was done."""

    id: str
    outcome: Literal["created", "replaced", "unchanged"]


def compile_pipeline(path: Path, resources: StepResources | None = None) -> None:
    """Write the pipeline as YAML for a cluster: the pipeline and its Kubernetes settings.

    Without `resources`, the steps have the defaults, overridden by the environment.
    """
    prepare = functools.partial(for_cluster, resources or step_resources())
    compiler.Compiler().compile(training_pipeline(prepare), str(path))


def cron_fields(cron: str) -> str:
    """Cron with the leading seconds field that Kubeflow requires; five fields get 0 seconds.

    Raises
    ------
    ClusterError
        It has neither five nor six fields.

    Examples
    --------
    >>> cron_fields("30 3 * * 1")
    '0 30 3 * * 1'
    """
    fields = cron.split()
    if len(fields) not in (5, 6) or not all(re.fullmatch(r"[\w*?/,-]+", field) for field in fields):
        raise ClusterError(f"{cron!r} is not a schedule: expected five fields, such as '30 3 * * *'")
    return " ".join(["0", *fields][-6:])


def submit(cluster: Cluster, arguments: Mapping[str, Any], *, resources: StepResources | None = None) -> str:
    """Start a run now; returns its id."""
    with _calls(cluster) as client, _package(resources) as package:
        run = client.create_run_from_pipeline_package(
            package,
            arguments=dict(arguments),
            run_name=f"{NAME} {datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
            experiment_name=cluster.experiment,
            namespace=cluster.namespace,
            service_account=cluster.service_account,
        )
        return str(run.run_id)


def under_way(cluster: Cluster) -> str | None:
    """Id of an unfinished run among the latest of the experiment; None if all have ended."""
    with _calls(cluster) as client:
        experiment = client.create_experiment(cluster.experiment, namespace=cluster.namespace)
        answer = client.list_runs(
            page_size=_PAGE, sort_by="created_at desc", experiment_id=experiment.experiment_id
        )
        unfinished = (run for run in answer.runs or [] if run.state in _UNDER_WAY)
        return next((str(run.run_id) for run in unfinished), None)


def schedule(
    cluster: Cluster,
    name: str,
    cron: str,
    arguments: Mapping[str, Any],
    *,
    resources: StepResources | None = None,
) -> Scheduled:
    """Create a recurring run, or replace those of the same name unless one is identical.

    The new one is created before the old ones are deleted, so that there is always a schedule. If that
    fails in between, calling it again deletes the old ones.
    """
    spec = cron_fields(cron)
    with _calls(cluster) as client, _package(resources) as package:
        experiment = client.create_experiment(cluster.experiment, namespace=cluster.namespace)
        before = _named(client, experiment.experiment_id, name)
        fingerprint = _fingerprint(cluster, spec, arguments, package)
        kept = next((run.recurring_run_id for run in before if _has_fingerprint(run, fingerprint)), None)
        if kept is None:
            created = client.create_recurring_run(
                experiment_id=experiment.experiment_id,
                job_name=name,
                description=f"Trains, evaluates and publishes a bundle. {fingerprint}",
                cron_expression=spec,
                max_concurrency=1,
                no_catchup=True,
                params=dict(arguments),
                pipeline_package_path=package,
                service_account=cluster.service_account,
            )
        current = kept or str(created.recurring_run_id)
        for old in before:
            if old.recurring_run_id != current:
                client.delete_recurring_run(old.recurring_run_id)
    outcome: Literal["created", "replaced", "unchanged"] = "replaced" if before else "created"
    return Scheduled(current, "unchanged" if kept else outcome)


def unschedule(cluster: Cluster, name: str) -> int:
    """Delete all recurring runs of that name; returns how many there were."""
    with _calls(cluster) as client:
        experiment = client.create_experiment(cluster.experiment, namespace=cluster.namespace)
        found = _named(client, experiment.experiment_id, name)
        for run in found:
            client.delete_recurring_run(run.recurring_run_id)
    return len(found)


def _fingerprint(cluster: Cluster, cron: str, arguments: Mapping[str, Any], package: str) -> str:
    """Hash of everything that defines a recurring run, kept in its description."""
    parts = [cron, dict(arguments), cluster.service_account, Path(package).read_text(encoding="utf-8")]
    return f"[{hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]}]"


def _has_fingerprint(run: kfp_server_api.V2beta1RecurringRun, fingerprint: str) -> bool:
    return fingerprint in (run.description or "") and run.status != "DISABLED"


def _named(client: Client, experiment: str, name: str) -> list[kfp_server_api.V2beta1RecurringRun]:
    predicate = {"operation": "EQUALS", "key": "display_name", "stringValue": name}
    only = json.dumps({"predicates": [predicate]})
    found: list[kfp_server_api.V2beta1RecurringRun] = []
    page = ""
    while True:
        answer = client.list_recurring_runs(
            page_token=page, page_size=_PAGE, experiment_id=experiment, filter=only
        )
        # checked again: a server that ignores the filter returns others, which would be deleted
        found += [run for run in answer.recurring_runs or [] if run.display_name == name]
        page = answer.next_page_token or ""
        if not page:
            return found


@contextlib.contextmanager
def _package(resources: StepResources | None) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "training.yaml"
        path.write_bytes(_compiled(tuple((resources or step_resources()).items())))
        yield str(path)


@functools.cache
def _compiled(resources: tuple[tuple[str, Resources], ...]) -> bytes:
    """The pipeline as YAML; compiled once per process, since it depends on nothing else that changes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "training.yaml"
        compile_pipeline(path, dict(resources))
        return path.read_bytes()


@contextlib.contextmanager
def _calls(cluster: Cluster) -> Iterator[Client]:
    """Open a client; its errors are raised as ClusterError."""
    try:
        # kfp prints links and warns of old servers
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield _client(cluster)
    except kfp_server_api.ApiException as error:
        raise ClusterError(f"{cluster.host} answered HTTP {error.status}: {_reason(error)}") from None
    except urllib3.exceptions.HTTPError as error:
        raise ClusterError(f"{cluster.host} did not answer: {_innermost(error)}") from None


def _client(cluster: Cluster) -> Client:
    has_pod_token = cluster.token is None and POD_TOKEN.exists()
    client = Client(
        host=cluster.host,
        existing_token=cluster.token,
        credentials=set_volume_credentials.ServiceAccountTokenVolumeCredentials() if has_pod_token else None,
        # to the client "kubeflow" means: no profile
        namespace=cluster.namespace or "kubeflow",
    )
    if cluster.user:
        for api in (client._experiment_api, client._run_api, client._recurring_run_api):
            api.api_client.set_default_header(cluster.user_header, cluster.user)
    return client


def _reason(error: kfp_server_api.ApiException) -> str:
    try:
        body = json.loads(error.body or "")
    except ValueError:
        body = {}
    message = body.get("message") or body.get("error") if isinstance(body, dict) else None
    return str(message or error.reason or "no reason given").partition("\n")[0][:300]


def _innermost(error: urllib3.exceptions.HTTPError) -> str:
    reason = getattr(error, "reason", None)
    return str(reason or error).rpartition(": ")[2][:200]
