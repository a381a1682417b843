"""MLflow: parameters and metrics of a run, its model version, and the alias of the champion's version.

The channel in the store decides which bundle is the champion; MLflow only mirrors it. A model version has its
bundle's digest as a tag, and the alias is set after the promotion. If MLflow is unavailable, no step fails,
and the next publish adds a missing version and alias of the champion. With ``SEGUE_MLFLOW_TRACKING_URI``
empty, MLflow is not imported.
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

# Without these limits an unavailable MLflow delays a publish by minutes. No telemetry is sent.
_ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}
_METRICS_A_CALL = 500
_PARAMS_A_CALL = 100


class Tracker:
    """Records runs in MLflow; does nothing if MLflow is not configured.

    Parameters
    ----------
    settings
        From ``SEGUE_MLFLOW_*`` if not given.
    warn
        Called with one sentence if MLflow fails; no method raises then.
    """

    def __init__(self, settings: TrackingSettings | None = None, *, warn: Warn) -> None:
        self.settings = settings or read_settings(TrackingSettings)
        self._warn = warn
        self._opened: MlflowClient | None = None

    @property
    def on(self) -> bool:
        """Whether MLflow is configured."""
        return bool(self.settings.tracking_uri)

    def log_training(self, run_id: str, parameters: Mapping[str, object], metrics: Mapping[str, Any]) -> None:
        """Record the parameters and metrics of training.

        Nested metrics get dotted names: ``{"importance": {"energy": 12.0}}`` becomes ``importance.energy``.
        """
        if self.on:
            with self._attempt("the training"):
                run = self._run(run_id)
                self._log(run, flatten(metrics), {name: str(value) for name, value in parameters.items()})

    def log_trials(self, run_id: str, trials: Sequence[Mapping[str, float]]) -> None:
        """Record a hyperparameter search: parameters and score of each trial, one step per trial.

        ``{"relevance_leaves": 15, "precision": 0.26}`` becomes ``trial.precision`` and
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
        """Record the metrics of the evaluation, and its files as artifacts ``evaluation/<name>``."""
        if self.on:
            with self._attempt("the evaluation"):
                run = self._run(run_id)
                self._log(run, flatten(metrics), {})
                for path in files.values():
                    self._client.log_artifact(run.info.run_id, str(path), "evaluation")

    def register(self, run_id: str, store: Store, digest: str, channel: str) -> None:
        """Register a published bundle as a model version, and mark the run as finished.

        The version of the channel's champion gets the channel's name as its alias.
        """
        if self.on:
            with self._attempt("the model version"):
                self._ensure_version(run_id, store, digest)
                champion = read_channel(store, channel).digest
                if champion:
                    self._set_alias(channel, self._ensure_version(f"repair-{champion[:12]}", store, champion))
                self._client.set_terminated(self._run(run_id).info.run_id, "FINISHED")

    def log_failure(self, run_id: str, message: str) -> None:
        """Mark a run as failed, with the message as tag ``segue.error``."""
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
        """Turn failures of MLflow and of its artifact store into a warning."""
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
        """The MLflow run of a pipeline run, found by its tag or created."""
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
                found = self._client.get_experiment_by_name(name)  # another run has created it
                if found is None:
                    raise
        return str(found.experiment_id)

    def _artifacts(self) -> str | None:
        """URI for artifacts: a folder next to an SQLite database; None if a server chooses."""
        file = re.fullmatch(r"sqlite:///(?P<path>[^?]+)(\?.*)?", self.settings.tracking_uri)
        return (Path(file["path"]).absolute().parent / "mlartifacts").as_uri() if file else None

    def _log(self, run: Run, metrics: Mapping[str, float], parameters: Mapping[str, str]) -> None:
        from mlflow.entities import Metric, Param

        known = set(run.data.params)
        numbers = [Metric(_name(name), value, 0, 0) for name, value in sorted(metrics.items())]
        # parameters can't be overwritten, not even by a retry of the step
        params = [Param(_name(k), v[:5000]) for k, v in sorted(parameters.items()) if _name(k) not in known]
        for start in range(0, len(numbers), _METRICS_A_CALL):
            self._client.log_batch(run.info.run_id, metrics=numbers[start : start + _METRICS_A_CALL])
        for start in range(0, len(params), _PARAMS_A_CALL):
            self._client.log_batch(run.info.run_id, params=params[start : start + _PARAMS_A_CALL])

    def _ensure_version(self, run_id: str, store: Store, digest: str) -> str:
        """The bundle's model version; created from the store if missing."""
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

    def _set_alias(self, alias: str, version: str) -> None:
        model = self._client.get_registered_model(self.settings.model_name)
        if str(model.aliases.get(alias, "")) != version:
            self._client.set_registered_model_alias(self.settings.model_name, alias, version)


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """Finite numbers of a nested mapping by dotted name; other values are left out.

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
    """A name that MLflow accepts: recall@10 becomes recall_at_10."""
    return re.sub(r"[^A-Za-z0-9_\-. /]", "_", name.replace("@", "_at_"))


def _copy_model(place: BundleLocation, folder: Path) -> None:
    """Copy the definition, the transform and the boosters.

    Vectors and index are not copied: the model version's tags have the bundle's address.
    """
    definition, _ = read_definition(place)
    for name in (DEFINITION, "transform.json", *(booster.file for booster in definition.boosters)):
        place.store.download(place.key(name), folder / name)
