"""Start a run of a scheduled pipeline now, with httpx instead of kfp: two GETs and a POST.

The gateway does this on an alert. Pipeline, arguments and service account are those of the recurring run.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx

from pipelines.cluster_options import POD_TOKEN, Cluster
from segue.errors import SegueError

__all__ = ["TriggerError", "trigger"]

_API = "/apis/v2beta1"
_SECONDS = 30.0
_COPIED = ("pipeline_spec", "pipeline_version_reference", "runtime_config", "service_account")


class TriggerError(SegueError):
    """There is no such recurring run, or Kubeflow Pipelines refused or did not answer."""


def trigger(cluster: Cluster, name: str) -> str:
    """Start a run like the recurring run of that name, and return the run's id.

    Raises
    ------
    TriggerError
        No run was started; the message says why.
    """
    headers = {cluster.user_header: cluster.user} if cluster.user else {}
    token = cluster.token
    if token is None and POD_TOKEN.exists():
        token = POD_TOKEN.read_text(encoding="utf-8").strip()
    if token:
        headers["Authorization"] = f"Bearer {token}"
    url = f"{cluster.host.rstrip('/')}{_API}"
    try:
        with httpx.Client(base_url=url, headers=headers, timeout=_SECONDS) as client:
            place = {"namespace": cluster.namespace} if cluster.namespace else {}
            group = _find(client, "experiments", "experiments", cluster.experiment, place)
            scheduled = _find(
                client, "recurringruns", "recurringRuns", name, {"experiment_id": group["experiment_id"]}
            )
            body = {key: scheduled[key] for key in _COPIED if scheduled.get(key)}
            body["experiment_id"] = group["experiment_id"]
            body["display_name"] = f"{name} {datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
            return str(_checked(client.post("/runs", json=body))["run_id"])
    except httpx.HTTPError as error:
        raise TriggerError(f"{cluster.host} did not answer: {str(error) or type(error).__name__}") from None


def _find(client: httpx.Client, path: str, key: str, name: str, query: dict[str, str]) -> dict[str, Any]:
    predicate = {"operation": "EQUALS", "key": "display_name", "stringValue": name}
    answer = _checked(
        client.get(f"/{path}", params={**query, "filter": json.dumps({"predicates": [predicate]})})
    )
    found: list[dict[str, Any]] = [row for row in answer.get(key) or [] if row["display_name"] == name]
    if not found:
        what = "experiment" if path == "experiments" else "recurring run"
        raise TriggerError(f"{client.base_url.host} knows no {what} {name}: schedule the pipeline first")
    return found[-1]


def _checked(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = {}
    if answer.is_success:
        return dict(body)
    message = body.get("message") if isinstance(body, dict) else None
    raise TriggerError(
        f"{answer.url.host} answered HTTP {answer.status_code}: {str(message or answer.reason_phrase)[:300]}"
    )
