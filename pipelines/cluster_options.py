"""Connection to a cluster, and the command-line options for it."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from segue.errors import SettingsError

__all__ = ["POD_TOKEN", "Cluster", "cluster_options"]

# The pod's service account token for Kubeflow Pipelines, where kfp's client looks for it.
POD_TOKEN = Path(os.environ.get("KF_PIPELINES_SA_TOKEN_PATH") or "/var/run/secrets/kubeflow/pipelines/token")


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Connection to Kubeflow Pipelines; the options below say what its fields are.

    Without a token, that of the pod is used if it has one; without a service account, the installation's.
    """

    host: str
    token: str | None = None
    namespace: str | None = None
    user: str | None = None
    user_header: str = "kubeflow-userid"
    experiment: str = "segue"
    service_account: str | None = None


def _read(
    *,
    host: Annotated[
        str, typer.Option(help="Address of Kubeflow Pipelines' API.", envvar="KF_PIPELINES_ENDPOINT")
    ],
    experiment: Annotated[str, typer.Option(help="Experiment that runs belong to.")] = "segue",
    token_env: Annotated[str, typer.Option(help="Environment variable with a bearer token.")] = "",
    namespace: Annotated[
        str, typer.Option(help="Your profile's namespace, if the installation has profiles.")
    ] = "",
    user: Annotated[str, typer.Option(help="Your name, if a gateway reads it from a header.")] = "",
    user_header: Annotated[str, typer.Option(help="That header.")] = "kubeflow-userid",
    service_account: Annotated[str, typer.Option(help="Service account of the pods.")] = "",
) -> Cluster:
    token = os.environ.get(token_env, "").strip() if token_env else ""
    if token_env and not token:
        raise SettingsError(f"--token-env {token_env}: the environment has no such variable, or it is empty")
    return Cluster(
        host=host,
        token=token or None,
        namespace=namespace or None,
        user=user or None,
        user_header=user_header,
        experiment=experiment,
        service_account=service_account or None,
    )


def cluster_options(*, starts_pods: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate a command with the options of a cluster, passed to it as `cluster`.

    Only a command that `starts_pods` has the option for their service account.
    """
    host, *others = inspect.signature(_read, eval_str=True).parameters.values()
    if not starts_pods:
        others = [option for option in others if option.name != "service_account"]
    names = {option.name for option in (host, *others)}

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True).parameters.values()

        @functools.wraps(command)
        def with_cluster(**given: Any) -> None:
            cluster = _read(**{name: value for name, value in given.items() if name in names})
            command(cluster=cluster, **{name: value for name, value in given.items() if name not in names})

        options = [host, *(option for option in own if option.name != "cluster"), *others]
        # typer reads these
        with_cluster.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]
        with_cluster.__annotations__ = {option.name: option.annotation for option in options}
        return with_cluster

    return decorate
