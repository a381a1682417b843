"""Connection to a cluster, and the command-line options for it."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from segue.errors import SettingsError

__all__ = ["Cluster", "cluster_options"]


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Connection to Kubeflow Pipelines.

    Attributes
    ----------
    host
        Address of its API, for example ``http://localhost:8888``.
    token
        Bearer token; None: the pod's token if there is one.
    namespace
        The profile's namespace in a multi-user installation; None in a single-user one.
    user, user_header
        The caller's name and its header, for a multi-user installation whose gateway reads it from there.
    experiment
        The experiment that runs belong to.
    service_account
        Service account of the pods; None: the installation's default.
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

    Parameters
    ----------
    starts_pods
        Whether to include the option for the pods' service account.
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
