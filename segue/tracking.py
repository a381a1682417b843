"""MLflow: what a run was given and what it measured, its model version, and which version is the champion.

The pointer in the store is the truth. MLflow follows it: a model version carries its bundle's digest as a
tag, and the alias is set after the pointer moved. MLflow that is away fails no step; the next publish gives
the champion its version and its alias if they are missing. With ``SEGUE_MLFLOW_TRACKING_URI`` empty,
nothing of MLflow is imported.
"""

from __future__ import annotations

import math
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segue.bundle.channel import read_channel
from segue.bundle.definition import DEFINITION
from segue.bundle.location import BundleLocation, read_definition
from segue.errors import SettingsError
from segue.settings import TrackingSettings, read_settings
from segue.store.base import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

__all__ = ["Tracker", "flatten"]

Warn = Callable[[str], None]

RUN_TAG = "segue.run_id"
DIGEST_TAG = "digest"
MODEL_FOLDER = "model"

# Without these an MLflow that is away holds a publish up for minutes; and nothing is sent to anybody else.
_ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}
_METRICS_A_CALL = 500
_PARAMS_A_CALL = 100


class Tracker:
    """Records runs in MLflow, or nowhere.

    Parameters
    ----------
    settings
        Where; read from ``SEGUE_MLFLOW_*`` if not given.
    warn
        Called with one sentence where MLflow fails; no method raises for that.
    """

    def __init__(self, settings: TrackingSettings | None = None, *, warn: Warn) -> None:
        self.settings = settings or read_settings(TrackingSettings)
        self._warn = warn
        self._opened: MlflowClient | None = None

    @property
    def on(self) -> bool:
        """MLflow is configured."""
        return bool(self.settings.tracking_uri)

    def log_training(self, run_id: str, parameters: Mapping[str, object], metrics: Mapping[str, Any]) -> None:
        """Record the parameters and the figures of training.

        Parameters
        ----------
        run_id
            The pipeline run.
        parameters
            What it was given.
        metrics
            Numbers, nested as they like: ``{"importance": {"energy": 12.0}}`` becomes ``importance.energy``.
        """
        if self.on:
            with self._attempt("the training"):
                run = self._run(run_id)
                self._log(run, flatten(metrics), {name: str(value) for name, value in parameters.items()})

    def log_trials(self, run_id: str, trials: Sequence[Mapping[str, float]]) -> None:
        """Record a search for parameters: what each trial tried and reached, one step a trial.

        Parameters
        ----------
        run_id
            The pipeline run.
        trials
            Numbers by name: ``{"relevance_leaves": 15, "precision": 0.26}`` becomes ``trial.precision`` and
            ``trial.relevance_leaves``.
        """
        if self.on and trials:
            with self._attempt("the trials"):
                from mlflow.entities import Metric

                run = self._run(run_id)
                numbers = [
                    Metric(_name(f"trial.{name}"), float(value), 0, step)
                    for step, trial in enumerate(trials)
                    for name, value in sorted(trial.items())
                ]
                for start in range(0, len(numbers), _METRICS_A_CALL):
                    self._client.log_batch(run.info.run_id, metrics=numbers[start : start + _METRICS_A_CALL])

    def log_evaluation(self, run_id: str, metrics: Mapping[str, Any], files: Mapping[str, Path]) -> None:
        """Record the figures of the evaluation, and its files as artifacts ``evaluation/<name>``."""
        if self.on:
            with self._attempt("the evaluation"):
                run = self._run(run_id)
                self._log(run, flatten(metrics), {})
                for path in files.values():
                    self._client.log_artifact(run.info.run_id, str(path), "evaluation")

    def register(self, run_id: str, store: Store, digest: str, channel: str) -> None:
        """Give a published bundle its model version, and the channel's bundle the alias of that name.

        Parameters
        ----------
        run_id
            The pipeline run, which ends with this.
        store, digest
            Where the bundle was published.
        channel
            The channel whose pointer the alias follows.
        """
        if self.on:
            with self._attempt("the model version"):
                self._ensure_version(run_id, store, digest)
                champion = read_channel(store, channel).digest
                if champion:
                    self._follow(channel, self._ensure_version(f"repair-{champion[:12]}", store, champion))
                self._client.set_terminated(self._run(run_id).info.run_id, "FINISHED")

    def log_failure(self, run_id: str, message: str) -> None:
        """Mark a run as failed, and say why."""
        if self.on:
            with self._attempt("the failure"):
                run = self._run(run_id)
                self._client.set_tag(run.info.run_id, "segue.error", message[:5000])
                self._client.set_terminated(run.info.run_id, "FAILED")

    @property
    def _client(self) -> MlflowClient:
        if self._opened is None:
            for name, value in _ENVIRONMENT.items():
                os.environ.setdefault(name, value)
            from mlflow import MlflowClient

            uri = self.settings.tracking_uri
            self._opened = MlflowClient(tracking_uri=uri, registry_uri=uri)
        return self._opened

    @contextmanager
    def _attempt(self, what: str) -> Iterator[None]:
        """Turn MLflow's failures, and those of the store behind its artifacts, into a warning."""
        try:
            import boto3.exceptions
            import botocore.exceptions
            from mlflow.exceptions import MlflowException
        except ImportError as error:
            raise SettingsError(
                f"SEGUE_MLFLOW_TRACKING_URI is set, but {error.name} is not installed: "
                "pip install 'segue[mlflow]'"
            ) from None
        failures = (
            MlflowException,
            OSError,
            boto3.exceptions.Boto3Error,
            botocore.exceptions.BotoCoreError,
            botocore.exceptions.ClientError,
        )
        try:
            yield
        except failures as error:
            first = str(error).strip().partition("\n")[0][:300]
            self._warn(f"MLflow did not take {what}: {first}; the next publish catches up")

    def _run(self, run_id: str) -> Run:
        """The MLflow run of a pipeline run: found by its tag, or made."""
        experiment = self._experiment()
        found = self._client.search_runs([experiment], f"tags.`{RUN_TAG}` = '{run_id}'", max_results=1)
        if found:
            return found[0]
        return self._client.create_run(experiment, tags={RUN_TAG: run_id}, run_name=run_id)

    def _experiment(self) -> str:
        name = self.settings.experiment
        found = self._client.get_experiment_by_name(name)
        if found is None:
            from mlflow.exceptions import MlflowException

            try:
                return str(self._client.create_experiment(name, artifact_location=self._artifacts()))
            except MlflowException:
                found = self._client.get_experiment_by_name(name)  # another run made it meanwhile
                if found is None:
                    raise
        return str(found.experiment_id)

    def _artifacts(self) -> str | None:
        """Where artifacts go: a server says so itself; beside a database file they lie in a folder."""
        file = re.fullmatch(r"sqlite:///(?P<path>[^?]+)(\?.*)?", self.settings.tracking_uri)
        return (Path(file["path"]).absolute().parent / "mlartifacts").as_uri() if file else None

    def _log(self, run: Run, metrics: Mapping[str, float], parameters: Mapping[str, str]) -> None:
        from mlflow.entities import Metric, Param

        known = set(run.data.params)
        numbers = [Metric(_name(name), value, 0, 0) for name, value in sorted(metrics.items())]
        # a parameter can be written once: a step that is tried again finds it there
        params = [Param(_name(k), v[:5000]) for k, v in sorted(parameters.items()) if _name(k) not in known]
        for start in range(0, len(numbers), _METRICS_A_CALL):
            self._client.log_batch(run.info.run_id, metrics=numbers[start : start + _METRICS_A_CALL])
        for start in range(0, len(params), _PARAMS_A_CALL):
            self._client.log_batch(run.info.run_id, params=params[start : start + _PARAMS_A_CALL])

    def _ensure_version(self, run_id: str, store: Store, digest: str) -> str:
        """Version of the model that is this bundle; made from the store where there is none."""
        name = self.settings.model_name
        found = self._client.search_model_versions(f"name = '{name}' and tags.{DIGEST_TAG} = '{digest}'")
        if found:
            return str(found[0].version)
        self._ensure_model(name)
        run = self._run(run_id)
        place = BundleLocation.in_store(store, digest)
        with tempfile.TemporaryDirectory() as folder:
            _copy_model(place, Path(folder))
            self._client.log_artifacts(run.info.run_id, folder, MODEL_FOLDER)
        version = self._client.create_model_version(
            name,
            f"{run.info.artifact_uri}/{MODEL_FOLDER}",
            run.info.run_id,
            tags={DIGEST_TAG: digest, "bundle": place.url},
        )
        return str(version.version)

    def _ensure_model(self, name: str) -> None:
        if not self._client.search_registered_models(f"name = '{name}'"):
            self._client.create_registered_model(name, description="Segue's bundles, by digest.")

    def _follow(self, alias: str, version: str) -> None:
        model = self._client.get_registered_model(self.settings.model_name)
        if str(model.aliases.get(alias, "")) != version:
            self._client.set_registered_model_alias(self.settings.model_name, alias, version)


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """Numbers of a nested mapping by dotted name; what is not a finite number is left out.

    Examples
    --------
    >>> flatten({"popularity": {"r2": 0.5, "note": "text"}})
    {'popularity.r2': 0.5}
    """
    flat: dict[str, float] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{prefix}{name}."))
        elif isinstance(value, (int, float)) and math.isfinite(value):
            flat[f"{prefix}{name}"] = float(value)
    return flat


def _name(name: str) -> str:
    """A name that MLflow takes: recall@10 is recall_at_10."""
    return re.sub(r"[^A-Za-z0-9_\-. /]", "_", name.replace("@", "_at_"))


def _copy_model(place: BundleLocation, folder: Path) -> None:
    """Copy what a person wants from a model registry: the definition, the transform, the boosters.

    The vectors and the index stay in the bundle, whose address the version's tags hold.
    """
    definition, _ = read_definition(place)
    for name in (DEFINITION, "transform.json", *(booster.file for booster in definition.boosters)):
        place.store.download(place.key(name), folder / name)
