"""Submit and schedule the training pipeline on a Kubeflow cluster."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import json
import os
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
from kfp import client as kfp_client
from kfp.client import set_volume_credentials

from pipelines.cluster import for_cluster
from pipelines.cluster_options import Cluster
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

# Where a pod finds the token that its own service account has for Kubeflow Pipelines.
_POD_TOKEN = Path(
    os.environ.get(kfp_client.KF_PIPELINES_SA_TOKEN_ENV) or kfp_client.KF_PIPELINES_SA_TOKEN_PATH
)
_PAGE = 100
_UNDER_WAY = ("PENDING", "RUNNING", "PAUSED", "CANCELING")


class ClusterError(SegueError):
    """Kubeflow Pipelines refused a request or did not answer."""


@dataclass(frozen=True)
class Scheduled:
    """What `schedule` did to the recurring run of that name: its id, and whether it is another one now."""

    id: str
    outcome: Literal["created", "replaced", "unchanged"]


def compile_pipeline(path: Path, resources: StepResources | None = None) -> None:
    """Write the pipeline as YAML for a cluster: the pipeline, then what Kubernetes must know.

    Parameters
    ----------
    path
        Where it goes.
    resources
        Of the steps; None: the defaults, and what the environment says over them.
    """
    prepare = functools.partial(for_cluster, resources or step_resources())
    compiler.Compiler().compile(training_pipeline(prepare), str(path))


def cron_fields(cron: str) -> str:
    """Cron with the seconds that Kubeflow wants in front; five fields get 0.

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
    """Id of a run of the experiment that has not ended, among the latest; None if all have."""
    with _calls(cluster) as client:
        experiment = client.create_experiment(cluster.experiment, namespace=cluster.namespace)
        answer = client.list_runs(
            page_size=_PAGE, sort_by="created_at desc", experiment_id=experiment.experiment_id
        )
        going = (run for run in answer.runs or [] if run.state in _UNDER_WAY)
        return next((str(run.run_id) for run in going), None)


def schedule(
    cluster: Cluster,
    name: str,
    cron: str,
    arguments: Mapping[str, Any],
    *,
    resources: StepResources | None = None,
) -> Scheduled:
    """Make sure that there is one recurring run of that name, and that it is this one.

    The new one is created before the old one is deleted, so that there is a schedule at every moment; run
    again after a failure in between, it removes what is left over.
    """
    spec = cron_fields(cron)
    with _calls(cluster) as client, _package(resources) as package:
        experiment = client.create_experiment(cluster.experiment, namespace=cluster.namespace)
        before = _named(client, experiment.experiment_id, name)
        mark = _fingerprint(cluster, spec, arguments, package)
        kept = next((run.recurring_run_id for run in before if _holds(run, mark)), None)
        if kept is None:
            made = client.create_recurring_run(
                experiment_id=experiment.experiment_id,
                job_name=name,
                description=f"Trains, evaluates and publishes a bundle. {mark}",
                cron_expression=spec,
                max_concurrency=1,
                no_catchup=True,
                params=dict(arguments),
                pipeline_package_path=package,
                service_account=cluster.service_account,
            )
        current = kept or str(made.recurring_run_id)
        for old in before:
            if old.recurring_run_id != current:
                client.delete_recurring_run(old.recurring_run_id)
    outcome: Literal["created", "replaced", "unchanged"] = "replaced" if before else "created"
    return Scheduled(current, "unchanged" if kept else outcome)


def unschedule(cluster: Cluster, name: str) -> int:
    """Delete the recurring run of that name, and its namesakes; returns how many there were."""
    with _calls(cluster) as client:
        experiment = client.create_experiment(cluster.experiment, namespace=cluster.namespace)
        found = _named(client, experiment.experiment_id, name)
        for run in found:
            client.delete_recurring_run(run.recurring_run_id)
    return len(found)


def _fingerprint(cluster: Cluster, cron: str, arguments: Mapping[str, Any], package: str) -> str:
    """Mark of everything that makes a schedule what it is, kept in its description."""
    parts = [cron, dict(arguments), cluster.service_account, Path(package).read_text(encoding="utf-8")]
    return f"[{hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]}]"


def _holds(run: kfp_server_api.V2beta1RecurringRun, mark: str) -> bool:
    return mark in (run.description or "") and run.status != "DISABLED"


def _named(client: Client, experiment: str, name: str) -> list[kfp_server_api.V2beta1RecurringRun]:
    predicate = {"operation": "EQUALS", "key": "display_name", "stringValue": name}
    only = json.dumps({"predicates": [predicate]})
    found: list[kfp_server_api.V2beta1RecurringRun] = []
    page = ""
    while True:
        answer = client.list_recurring_runs(
            page_token=page, page_size=_PAGE, experiment_id=experiment, filter=only
        )
        # asked for by name; a server that does not know the filter would have others deleted
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
    """The pipeline as YAML, compiled once: nothing else that it is made of changes while a process lives."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "training.yaml"
        compile_pipeline(path, dict(resources))
        return path.read_bytes()


@contextlib.contextmanager
def _calls(cluster: Cluster) -> Iterator[Client]:
    """Open a client; what goes wrong with it becomes one sentence."""
    try:
        # kfp prints links of its own and warns of old servers
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield _client(cluster)
    except kfp_server_api.ApiException as error:
        raise ClusterError(f"{cluster.host} answered HTTP {error.status}: {_reason(error)}") from None
    except urllib3.exceptions.HTTPError as error:
        raise ClusterError(f"{cluster.host} did not answer: {_innermost(error)}") from None


def _client(cluster: Cluster) -> Client:
    own = cluster.token is None and _POD_TOKEN.exists()
    client = Client(
        host=cluster.host,
        existing_token=cluster.token,
        credentials=set_volume_credentials.ServiceAccountTokenVolumeCredentials() if own else None,
        # "kubeflow" is the client's word for: no profile
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
    told = body.get("message") or body.get("error") if isinstance(body, dict) else None
    return str(told or error.reason or "no reason given").partition("\n")[0][:300]


def _innermost(error: urllib3.exceptions.HTTPError) -> str:
    reason = getattr(error, "reason", None)
    return str(reason or error).rpartition(": ")[2][:200]
