"""The steps, one after the other on a small sample, as a component or a notebook calls them."""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from segue import steps
from segue.bundle.channel import pin, read_channel
from segue.bundle.publish import Published
from segue.bundle.reader import open_bundle
from segue.bundle.training_status import STATUS_KEY, read_status
from segue.errors import ChannelConflict, SettingsError
from segue.journal import Journal
from segue.sample import generate
from segue.steps.result import table
from segue.store.base import Store
from segue.store.open import open_store
from tests.bundle.tiny import publish_tiny

SETTINGS = {"rounds": 20, "threads": 1, "max_queries": 300}
QUICK = {"max_seeds": 120, "bootstrap_rounds": 100, "examples": 2, "recall_queries": 30}


@dataclass
class Metrics:
    values: dict[str, float] = field(default_factory=dict)

    def log_metric(self, metric: str, value: float) -> None:
        self.values[metric] = value


@dataclass
class Artifact:
    path: str


def learned(rows: int, root: Path) -> steps.Folders:
    """The first four steps on a sample of this size."""
    sample = generate(rows, root / "sample")
    folders = steps.Folders(*(root / name for name in ("tracks", "features", "model", "index")))
    steps.ingest(str(sample.catalog), folders.tracks, interactions=str(sample.playlists))
    steps.preprocess(folders.tracks, folders.features)
    steps.train(folders.features, folders.model, settings=SETTINGS)
    steps.build_index(folders.model, folders.features, folders.index)
    return folders


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> steps.Folders:
    return learned(4_000, tmp_path_factory.mktemp("large"))


@pytest.fixture(scope="module")
def smaller(tmp_path_factory: pytest.TempPathFactory) -> steps.Folders:
    return learned(2_500, tmp_path_factory.mktemp("smaller"))


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("SEGUE_MLFLOW_TRACKING_URI", "")
    return open_store(str(tmp_path / "store"))


@dataclass(frozen=True)
class First:
    """What the evaluate step says of the large sample where there is no champion yet."""

    folders: steps.Folders
    evaluated: Path
    result: steps.StepResult

    def released(self, out: Path, store: Store, **changes: object) -> dict[str, object]:
        """Publish in a store without a champion; what the publish step wrote."""
        shutil.copytree(self.evaluated, out)
        return published(self.folders, out, store, **changes)


@pytest.fixture(scope="module")
def first(folders: steps.Folders, tmp_path_factory: pytest.TempPathFactory) -> First:
    root = tmp_path_factory.mktemp("first")
    result = judged(folders, root / "evaluated", open_store(str(root / "store")))
    return First(folders, root / "evaluated", result)


def judged(folders: steps.Folders, out: Path, store: Store) -> steps.StepResult:
    settings = {**QUICK, "gate": {"max_psi": 5.0}}
    out.mkdir(parents=True)
    return steps.evaluate(folders, out, page=out / "page", store=store.url, settings=settings)


def released(folders: steps.Folders, out: Path, store: Store, **changes: object) -> dict[str, object]:
    """Evaluate and publish; what the publish step wrote."""
    judged(folders, out, store)
    return published(folders, out, store, **changes)


def published(folders: steps.Folders, out: Path, store: Store, **changes: object) -> dict[str, object]:
    target = steps.Target(**{"store": store.url, "run_id": out.name, **changes})  # type: ignore[arg-type]
    steps.publish(folders, out, out / "published.json", target=target)
    told: dict[str, object] = json.loads((out / "published.json").read_text())
    return told


def test_the_first_bundle_becomes_the_champion_and_can_be_read(
    first: First, store: Store, tmp_path: Path
) -> None:
    told = first.released(tmp_path / "run-1", store)
    assert told["outcome"] == "promoted"
    files = open_bundle(f"{store.url}/channels/champion", need=None)
    assert files.digest == told["digest"]
    assert files.definition.tracks == 4_000 - _left_out(first.folders)
    kept = {entry.key.rpartition("/")[2] for entry in store.entries(f"evaluations/{files.digest}/run-1/")}
    assert kept == {"report.html", "metrics.json", "verdict.json", "profile.json"}


def _left_out(folders: steps.Folders) -> int:
    """Rows of the sample that are broken, or the same track once more."""
    profile = json.loads((folders.tracks / "profile.json").read_text())
    summary = json.loads((folders.features / "summary.json").read_text())
    return int(4_000 - profile["rows_kept"] + summary["duplicates"] + summary["without_sound"])


def test_the_same_again_has_the_same_digest_and_changes_nothing(
    first: First, store: Store, tmp_path: Path
) -> None:
    told = first.released(tmp_path / "run-1", store)
    again = released(first.folders, tmp_path / "run-2", store)
    assert again["digest"] == told["digest"]
    assert again["outcome"] == "unchanged"
    assert read_channel(store, "champion").generation == 1


def test_a_catalogue_that_shrank_is_refused_with_the_reason(
    first: First, smaller: steps.Folders, store: Store, tmp_path: Path
) -> None:
    champion = first.released(tmp_path / "run-1", store)
    told = released(smaller, tmp_path / "run-2", store)
    assert told["outcome"] == "refused"
    assert any("times the champion's" in str(reason) for reason in told["reasons"])  # type: ignore[attr-defined]
    assert read_channel(store, "champion").digest == champion["digest"]
    assert open_bundle(str(told["url"]), need=None).digest == told["digest"]


def test_a_pinned_channel_stays(folders: steps.Folders, store: Store, tmp_path: Path) -> None:
    publish_tiny(store, tmp_path / "tiny", "one")
    pinned = pin(store, "champion", by="ada", reason="festival week")
    told = released(folders, tmp_path / "run-1", store)
    assert told["outcome"] == "refused"
    assert "pinned by ada (festival week)" in str(told["text"])
    assert read_channel(store, "champion") == pinned


def test_a_champion_that_can_not_be_read_is_no_reason_to_stop(
    folders: steps.Folders, smaller: steps.Folders, store: Store, tmp_path: Path
) -> None:
    champion = released(smaller, tmp_path / "run-1", store)
    broken = store.local_path(f"bundles/{champion['digest']}/tracks.parquet")
    assert broken is not None
    broken.chmod(0o644)
    broken.write_bytes(b"rubbish")
    told = released(folders, tmp_path / "run-2", store)
    assert told["outcome"] == "promoted"
    assert _against(tmp_path / "run-2") == "base design"


def test_a_champion_of_another_make_is_no_reason_to_stop(
    folders: steps.Folders, store: Store, tmp_path: Path
) -> None:
    publish_tiny(store, tmp_path / "tiny", "foreign")  # whole, and nothing that this version can read
    assert released(folders, tmp_path / "run-1", store)["outcome"] == "promoted"
    assert _against(tmp_path / "run-1") == "base design"


def _against(evaluated: Path) -> object:
    verdict = json.loads((evaluated / "verdict.json").read_text())
    return verdict["against"]


def test_without_promotion_the_bundle_is_published_beside(first: First, store: Store, tmp_path: Path) -> None:
    told = first.released(tmp_path / "run-1", store, promote=False)
    assert told["outcome"] == "published"
    assert read_channel(store, "champion").digest is None


def test_a_channel_that_moved_since_the_verdict_is_not_moved(
    first: First, store: Store, tmp_path: Path
) -> None:
    other: Published = publish_tiny(store, tmp_path / "tiny", "tiny")
    with pytest.raises(ChannelConflict, match="is at generation 1, expected 0"):
        first.released(tmp_path / "run-1", store)
    assert read_channel(store, "champion").digest == other.digest


def test_the_evaluation_tells_its_figures_and_the_report(first: First, tmp_path: Path) -> None:
    metrics, summary, stream = Metrics(), Artifact(str(tmp_path / "summary.md")), io.StringIO()
    first.result.report(Journal("evaluate", stream), metrics, summary)
    assert metrics.values["gate_passed"] == 1.0
    assert metrics.values["recall_at_200"] >= 0.99
    assert {"segue.precision", "base_design.precision", "random.precision"} <= set(metrics.values)
    assert metrics.values["segue.precision"] > metrics.values["random.precision"]
    assert Path(summary.path).read_text()
    assert "the gate passed" in stream.getvalue()
    page = (first.evaluated / "page").read_text()
    assert page == (first.evaluated / "report.html").read_text()


def test_a_run_adds_to_the_training_status(
    first: First, smaller: steps.Folders, store: Store, tmp_path: Path
) -> None:
    champion = first.released(tmp_path / "run-1", store)
    status = read_status(store)
    assert status is not None
    assert (status.runs, list(status.evaluated)) == ({"passed": 1}, [champion["digest"]])
    metrics = json.loads((first.evaluated / "metrics.json").read_text())["methods"]["segue"]
    figures = status.figures[str(champion["digest"])]
    assert figures["precision"] == metrics["figures"]["precision"]["mean"]
    assert figures["coverage"] == metrics["overall"]["coverage"]
    profile = json.loads((first.folders.tracks / "profile.json").read_text())
    assert status.newest.catalog_rows == {
        "kept": profile["rows_kept"],
        "rejected": profile["rows_rejected"],
    }
    assert status.newest.checks["drift"] == "not_checked"
    assert status.newest.catalog_psi == {}

    refused = released(smaller, tmp_path / "run-2", store)
    steps.record_failure("FAILED", "ingest: no such file", store=store.url, run_id="run-3")
    status = read_status(store)
    assert status is not None
    assert status.runs == {"passed": 1, "refused": 1, "failed": 1}
    assert list(status.figures) == [refused["digest"], champion["digest"]]
    assert status.newest.checks["rows"] == "failed"
    assert status.newest.catalog_psi["energy"] >= 0


def test_a_status_that_can_not_be_written_fails_no_step(first: First, store: Store, tmp_path: Path) -> None:
    store.write(STATUS_KEY, b"{")
    shutil.copytree(first.evaluated, tmp_path / "run-1")
    out, target = io.StringIO(), steps.Target(store=store.url, run_id="run-1")
    log = Journal("publish", out)
    told = tmp_path / "run-1" / "published.json"
    steps.publish(first.folders, tmp_path / "run-1", told, target=target, log=log)
    assert json.loads(told.read_text())["outcome"] == "promoted"
    assert read_channel(store, "champion").generation == 1
    assert steps.record_failure("FAILED", "no", store=store.url, run_id="run-9", log=log)
    warnings = [line for line in out.getvalue().splitlines() if "warning: metrics and alerts" in line]
    assert len(warnings) == 2
    assert all("evaluations/status.json is no training status" in line for line in warnings)


def test_a_seed_is_named_that_the_bundle_has(first: First, store: Store, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    told = first.released(tmp_path / "run-1", store)
    tracks = pq.read_table(
        first.folders.features / "tracks.parquet", columns=["track_id", "popularity"]
    ).to_pandas()
    best = tracks.set_index("track_id").popularity
    assert best[str(told["example_seed"])] == best.max()


def test_a_run_that_failed_leaves_a_note(store: Store) -> None:
    key = steps.record_failure("FAILED", "ingest: no such file", store=store.url, run_id="run-9")
    assert key == "evaluations/failed/run-9.json"
    note = json.loads(store.read(key))
    assert (note["run_id"], note["message"]) == ("run-9", "ingest: no such file")


# As the documentation of Kubeflow Pipelines spells the states, and as its backend 2.17 does.
@pytest.mark.parametrize("state", ["FAILED", "CANCELLED", "CANCELED", "Failed"])
@pytest.mark.parametrize("message", [None, "", "  "])
def test_a_run_that_failed_without_a_word_leaves_a_note(
    store: Store, state: str, message: str | None
) -> None:
    key = steps.record_failure(state, message, store=store.url, run_id="run-9")
    assert key == "evaluations/failed/run-9.json"
    note = json.loads(store.read(key))
    assert note["message"] == f"the run ended as {state}; its log says why"


@pytest.mark.parametrize("state", ["SUCCEEDED", "COMPLETE", "CACHED", "SKIPPED", "complete"])
@pytest.mark.parametrize("message", [None, "", "ignored"])
def test_a_run_that_succeeded_leaves_none(store: Store, state: str, message: str | None) -> None:
    assert steps.record_failure(state, message, store=store.url, run_id="run-9") is None
    assert store.entries("") == ()


@pytest.mark.parametrize("state", ["RUNNING", "UNKNOWN", "NEW", "", None, "SOMETHING_NEW"])
def test_a_state_that_says_neither_leaves_no_note_but_a_line(store: Store, state: str | None) -> None:
    out = io.StringIO()
    log = Journal("record_failure", out)
    assert steps.record_failure(state, None, store=store.url, run_id="run-9", log=log) is None
    assert store.entries("") == ()
    said = f"the run ended as {state or 'nothing'}, which is neither success nor failure: nothing is recorded"
    assert out.getvalue() == f"segue record_failure | {said}\n"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rounds": 0}, "rounds: input should be greater than or equal to 1, got 0"),
        ({"loss_allowed": 2}, "loss_allowed: input should be less than or equal to 1, got 2"),
        ({"max_psi": 0}, "max_psi: input should be greater than 0, got 0"),
        ({"max_rejected": 1.5}, "max_rejected: expected a share between 0 and 1, got 1.5"),
        ({"recall_target": -1}, "recall_target: input should be greater than or equal to 0, got -1"),
        ({"neighbours": 0}, "neighbours: input should be greater than or equal to 1, got 0"),
    ],
)
def test_a_setting_out_of_its_bounds_is_named(settings: dict[str, float], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        steps.check_settings(settings)
    assert str(caught.value) == message


def test_a_cell_of_a_summary_can_not_leave_its_cell() -> None:
    text = table("Genres", ("genre", "tracks"), [("a|b\n<script>`x`", 1200)])
    (row,) = [line for line in text.splitlines() if "1,200" in line]
    assert row == "| a&#124;b &lt;script&gt;&#96;x&#96; | 1,200 |"
