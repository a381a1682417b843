"""MLflow follows the store's pointer: on a database in a folder, and on a server with artifacts in MinIO."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from segue.bundle.channel import rollback
from segue.bundle.definition import DEFINITION, BundleDefinition
from segue.errors import SettingsError
from segue.settings import TrackingSettings
from segue.store.base import Store
from segue.store.open import open_store
from segue.tracking import Tracker, flatten
from tests.bundle.tiny import publish_tiny
from tests.live_services import MlflowServer


class Warnings(list[str]):
    def __call__(self, text: str) -> None:
        self.append(text)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tracking database; made once, because its first migration takes seconds."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"


@pytest.fixture
def settings(database: str) -> TrackingSettings:
    name = f"segue-{uuid.uuid4().hex[:8]}"
    return TrackingSettings(tracking_uri=database, experiment=name, model_name=name)


@pytest.fixture
def warned() -> Iterator[Warnings]:
    warnings = Warnings()
    yield warnings
    assert not warnings


@pytest.fixture
def tracker(settings: TrackingSettings, warned: Warnings) -> Tracker:
    return Tracker(settings, warn=warned)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


def client_of(settings: TrackingSettings) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(settings.tracking_uri, settings.tracking_uri)


def champion_in_mlflow(settings: TrackingSettings) -> str:
    version = client_of(settings).get_model_version_by_alias(settings.model_name, "champion")
    return str(version.tags["digest"])


def test_numbers_are_flattened_and_the_rest_is_left_out() -> None:
    nested = {"a": {"b": 1, "c": float("nan"), "d": None, "e": "text"}, "recall@10": 0.5, "on": True}
    assert flatten(nested) == {"a.b": 1.0, "recall@10": 0.5, "on": 1.0}


def test_without_a_tracking_uri_nothing_of_mlflow_is_imported() -> None:
    code = (
        "import sys\nfrom segue.settings import TrackingSettings\nfrom segue.tracking import Tracker\n"
        "tracker = Tracker(TrackingSettings(tracking_uri=''), warn=print)\n"
        "tracker.log_training('r', {}, {}); tracker.log_failure('r', 'x')\n"
        "assert not {'mlflow', 'boto3', 'sqlalchemy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_run_that_is_tried_again_is_one_run(tracker: Tracker, settings: TrackingSettings) -> None:
    for _ in range(2):
        tracker.log_training("run-1", {"rounds": 300}, {"importance": {"energy": 12.5}})
        tracker.log_evaluation("run-1", {"P@10": 0.125}, {})
    client = client_of(settings)
    experiment = client.get_experiment_by_name(settings.experiment)
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.params == {"rounds": "300"}
    assert run.data.metrics == {"importance.energy": 12.5, "P_at_10": 0.125}
    assert run.data.tags["segue.run_id"] == "run-1"


def test_a_version_carries_its_digest_and_its_files(
    tracker: Tracker, settings: TrackingSettings, store: Store, tmp_path: Path
) -> None:
    import mlflow

    published = publish_tiny(store, tmp_path / "a", "a")
    tracker.register("run-a", store, published.digest, "champion")
    assert champion_in_mlflow(settings) == published.digest

    mlflow.set_tracking_uri(settings.tracking_uri)
    uri = f"models:/{settings.model_name}@champion"
    folder = Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(tmp_path / "model")))
    assert {path.name for path in folder.iterdir()} == {DEFINITION, "transform.json", "popularity.txt"}
    definition = BundleDefinition.parse((folder / DEFINITION).read_bytes(), source="MLflow")
    assert definition.digest == published.digest


def test_publishing_again_makes_no_other_version(
    tracker: Tracker, settings: TrackingSettings, store: Store, tmp_path: Path
) -> None:
    published = publish_tiny(store, tmp_path / "a", "a")
    tracker.register("run-1", store, published.digest, "champion")
    tracker.register("run-2", store, published.digest, "champion")
    assert len(client_of(settings).search_model_versions(f"name = '{settings.model_name}'")) == 1


def test_the_alias_follows_the_pointer_and_not_the_newest(
    tracker: Tracker, settings: TrackingSettings, store: Store, tmp_path: Path
) -> None:
    first = publish_tiny(store, tmp_path / "a", "a")
    tracker.register("run-a", store, first.digest, "champion")
    second = publish_tiny(store, tmp_path / "b", "b", promote=False)
    tracker.register("run-b", store, second.digest, "champion")
    assert champion_in_mlflow(settings) == first.digest


def test_the_next_publish_repairs_the_alias_after_a_rollback(
    tracker: Tracker, settings: TrackingSettings, store: Store, tmp_path: Path
) -> None:
    digests = []
    for label in ("a", "b"):
        published = publish_tiny(store, tmp_path / label, label)
        tracker.register(f"run-{label}", store, published.digest, "champion")
        digests.append(published.digest)
    rollback(store, "champion", by="tests", reason="back")
    third = publish_tiny(store, tmp_path / "c", "c")  # refused: a rollback pins
    tracker.register("run-c", store, third.digest, "champion")
    assert champion_in_mlflow(settings) == digests[0]


def test_mlflow_that_is_away_warns_and_is_caught_up_by_the_next_publish(
    settings: TrackingSettings, store: Store, tmp_path: Path
) -> None:
    champion = publish_tiny(store, tmp_path / "a", "a")
    warnings = Warnings()
    away = Tracker(settings.model_copy(update={"tracking_uri": "http://127.0.0.1:9"}), warn=warnings)
    away.register("run-a", store, champion.digest, "champion")
    (warning,) = warnings
    assert warning.startswith("MLflow did not take the model version: ")
    assert "the next publish catches up" in warning

    later = publish_tiny(store, tmp_path / "b", "b", promote=False)
    Tracker(settings, warn=pytest.fail).register("run-b", store, later.digest, "champion")
    assert champion_in_mlflow(settings) == champion.digest
    versions = client_of(settings).search_model_versions(f"name = '{settings.model_name}'")
    assert {version.tags["digest"] for version in versions} == {champion.digest, later.digest}


def test_a_failed_run_is_marked_with_its_reason(tracker: Tracker, settings: TrackingSettings) -> None:
    tracker.log_failure("run-x", "ingest: catalog.csv has no column artist_name")
    client = client_of(settings)
    experiment = client.get_experiment_by_name(settings.experiment)
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FAILED"
    assert run.data.tags["segue.error"] == "ingest: catalog.csv has no column artist_name"


def test_mlflow_that_is_not_installed_is_named(
    settings: TrackingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow.exceptions", None)
    with pytest.raises(
        SettingsError, match=r"SEGUE_MLFLOW_TRACKING_URI is set, but mlflow\S* is not installed"
    ):
        Tracker(settings, warn=pytest.fail).log_training("r", {}, {})


@pytest.mark.live
def test_a_server_with_artifacts_in_minio_that_is_killed_and_comes_back(
    mlflow_server: MlflowServer, store: Store, tmp_path: Path
) -> None:
    import mlflow

    name = f"segue-{uuid.uuid4().hex[:8]}"
    settings = TrackingSettings(tracking_uri=mlflow_server.url, experiment=name, model_name=name)
    first = publish_tiny(store, tmp_path / "a", "a")
    Tracker(settings, warn=pytest.fail).register("run-a", store, first.digest, "champion")
    assert champion_in_mlflow(settings) == first.digest

    second = publish_tiny(store, tmp_path / "b", "b")
    warnings = Warnings()
    mlflow_server.kill()
    try:
        Tracker(settings, warn=warnings).register("run-b", store, second.digest, "champion")
    finally:
        mlflow_server.start()
    assert len(warnings) == 1
    assert champion_in_mlflow(settings) == first.digest

    third = publish_tiny(store, tmp_path / "c", "c", promote=False)
    tracker = Tracker(settings, warn=pytest.fail)
    tracker.log_training("run-c", {"rounds": 300}, {"trees": 120})
    tracker.register("run-c", store, third.digest, "champion")
    assert champion_in_mlflow(settings) == second.digest

    mlflow.set_tracking_uri(settings.tracking_uri)
    folder = Path(
        mlflow.artifacts.download_artifacts(f"models:/{name}@champion", dst_path=str(tmp_path / "m"))
    )
    definition = BundleDefinition.parse((folder / DEFINITION).read_bytes(), source="MLflow")
    assert definition.digest == second.digest


def test_trials_of_a_search_are_there_a_step_each(tracker: Tracker, settings: TrackingSettings) -> None:
    trials = [{"relevance_leaves": 15, "precision": 0.26}, {"relevance_leaves": 7, "precision": 0.25}]
    tracker.log_trials("run-1", trials)
    client = client_of(settings)
    experiment = client.get_experiment_by_name(settings.experiment)
    (run,) = client.search_runs([experiment.experiment_id])
    for name in ("precision", "relevance_leaves"):
        history = client.get_metric_history(run.info.run_id, f"trial.{name}")
        assert [(point.step, point.value) for point in history] == [
            (step, trial[name]) for step, trial in enumerate(trials)
        ]
