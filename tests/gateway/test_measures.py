"""What the gateway tells Prometheus of its lists, and of what training left in the store."""

from __future__ import annotations

import json
import os
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from segue.bundle.store import Store, open_store
from segue.log import Impression, ImpressionItem
from segue.steps import record_failure
from serving.gateway import training
from serving.gateway.opened import Opened
from serving.gateway.quality import LOOKED_BACK, ListMeasures, popularity_band
from serving.gateway.training import TrainingWatch, read_training
from tests.gateway.conftest import Stack
from tests.gateway.test_stack import rows
from tests.serving.conftest import Shelf
from tests.serving.processes import wait_for


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def impression(opened: Opened, rows: list[int], *, seeds: list[int], **fields: Any) -> Impression:
    catalogue = opened.catalogue
    ids = [catalogue.cell("track_id", row) for row in rows]
    given: dict[str, Any] = {
        "impression_id": uuid.uuid4(),
        "at": datetime.now(UTC),
        "session": None,
        "api": "native",
        "request": {},
        "seeds": tuple(catalogue.cell("track_id", row) for row in seeds),
        "k": len(rows),
        "latency_seconds": 0.01,
        "digest": catalogue.digest,
        "degraded": False,
        "list_diversity": 0.5,
        "avg_popularity": 40.0,
        "genre_precision": 0.25,
        "items": tuple(ImpressionItem(rank=i, track_id=one, score=1.0) for i, one in enumerate(ids)),
        **fields,
    }
    return Impression(**given)


@pytest.mark.parametrize(
    ("popularity", "band"),
    [(0, "0-24"), (24.9, "0-24"), (25, "25-49"), (75, "75-100"), (100, "75-100"), (None, "unknown")],
)
def test_it_names_bands_of_popularity(popularity: float | None, band: str) -> None:
    assert popularity_band(popularity) == band
    assert popularity_band(float("nan")) == "unknown"


def test_it_compares_the_popularity_of_lists_with_that_of_their_seeds(opened: Opened) -> None:
    names = ("segue_list_popularity", "segue_seed_popularity", "segue_list_diversity")
    before = {name: (value(f"{name}_sum"), value(f"{name}_count")) for name in names}
    ListMeasures().note_list(impression(opened, [10, 11], seeds=[0, 1]), opened.catalogue, [10, 11])
    expected = dict(zip(names, (40.0, float(opened.catalogue.popularity[[0, 1]].mean()), 0.5), strict=True))
    for name in names:
        assert value(f"{name}_sum") - before[name][0] == pytest.approx(expected[name]), name
        assert value(f"{name}_count") - before[name][1] == 1


def test_it_forgets_lists_that_are_long_gone_and_those_of_another_bundle(opened: Opened) -> None:
    measures, size = ListMeasures(), opened.catalogue.size
    measures.note_list(impression(opened, [1, 2, 3], seeds=[0]), opened.catalogue, [1, 2, 3])
    measures.note_list(impression(opened, [3, 4], seeds=[0]), opened.catalogue, [3, 4])
    assert value("segue_list_coverage_ratio") == pytest.approx(4 / size)
    for _ in range(LOOKED_BACK - 1):
        measures.note_list(impression(opened, [4], seeds=[0]), opened.catalogue, [4])
    assert value("segue_list_coverage_ratio") == pytest.approx(2 / size)
    measures.note_list(impression(opened, [7], seeds=[0], digest="f" * 64), opened.catalogue, [7])
    assert value("segue_list_coverage_ratio") == pytest.approx(1 / size)


def leave_run(
    store: Path, digest: str, run_id: str, *, passed: bool, ended: float, change: dict[str, Any] | None = None
) -> None:
    folder = store / "evaluations" / digest / run_id
    folder.mkdir(parents=True)
    outcome = "passed" if passed else "failed"
    methods = {
        "segue": {
            "figures": {"ndcg": {"mean": 0.25}, "recall": {"mean": None}},
            "overall": {"coverage": 0.5},
        },
        "random": {"figures": {"ndcg": {"mean": 0.01}}, "overall": {}},
    }
    files = {
        "verdict.json": {
            "passed": passed,
            "checks": [{"name": "quality", "outcome": outcome}, {"name": "drift", "outcome": "not checked"}],
        },
        "metrics.json": {"methods": methods, "change": change},
        "profile.json": {"rows_kept": 90, "rows_rejected": 10},
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
        os.utime(folder / name, (ended, ended))


def test_it_knows_nothing_of_an_empty_store(tmp_path: Path) -> None:
    found = read_training(open_store(str(tmp_path / "store")), "champion")
    assert found.runs == {"passed": 0, "refused": 0, "failed": 0}
    assert (found.champion_evaluated, found.figures, found.checks) == (None, {}, {})


def test_it_tells_runs_that_passed_were_refused_and_failed(gateway_shelf: Shelf) -> None:
    champion, root = gateway_shelf.publish(0), gateway_shelf.root
    leave_run(root, champion, "monday", passed=True, ended=1_000.0)
    leave_run(root, champion, "tuesday", passed=True, ended=2_000.0)
    moved = {"psi": {"energy": 0.4, "key": None}}
    leave_run(root, "b" * 64, "wednesday", passed=False, ended=3_000.0, change=moved)
    record_failure("FAILED", "train: out of memory", store=str(root), run_id="thursday")
    found = read_training(open_store(str(root)), "champion")
    assert found.runs == {"passed": 2, "refused": 1, "failed": 1}
    assert (found.last["passed"], found.last["refused"]) == (2_000.0, 3_000.0)
    assert found.last["failed"] > 3_000.0
    assert found.champion_evaluated == 2_000.0
    assert found.figures[champion, "ndcg"] == 0.25
    assert found.figures["b" * 64, "coverage"] == 0.5
    assert (champion, "recall") not in found.figures
    assert found.checks == {"quality": "failed", "drift": "not_checked"}
    assert found.catalog_rows == {"kept": 90, "rejected": 10}
    assert found.catalog_psi == {"energy": 0.4}


def test_it_exports_no_more_than_the_newest_bundles(gateway_shelf: Shelf) -> None:
    gateway_shelf.publish(0)
    for number in range(training.BUNDLES_SHOWN + 2):
        leave_run(gateway_shelf.root, f"{number:064x}", "run", passed=True, ended=1_000.0 + number)
    found = read_training(open_store(str(gateway_shelf.root)), "champion")
    digests = {digest for digest, _ in found.figures}
    assert digests == {f"{number:064x}" for number in range(2, training.BUNDLES_SHOWN + 2)}


def test_it_keeps_its_figures_while_the_store_is_away(
    gateway_shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    champion = gateway_shelf.publish(0)
    leave_run(gateway_shelf.root, champion, "monday", passed=True, ended=1_000.0)
    store: Store = open_store(str(gateway_shelf.root))
    watch = TrainingWatch(store, "champion", seconds=1)
    watch.look()
    (gateway_shelf.root / "channels" / "champion.json").write_text("{", encoding="utf-8")
    watch.look()
    watch.look()
    assert value("segue_training_runs", outcome="passed") == 1
    assert value("segue_champion_evaluated_timestamp_seconds") == 1_000.0
    assert len([line for line in caplog.messages if "what training did can't be read" in line]) == 1


def test_it_counts_feedback_by_the_popularity_of_its_track(stack: Stack) -> None:
    shown = stack.recommend({"seeds": ["id000042"], "k": 5})
    item = shown.json["items"][0]
    event = {"impression_id": shown.json["impression_id"], "track_id": item["track_id"], "event": "play"}
    assert stack.call("POST", "/api/feedback", event).status == 202
    band = popularity_band(item["popularity"])
    assert stack.gateway.metric("segue_feedback_total", event="play", band=band) == 1
    # the stack is shared: what is on its way to the log would else come while another test counts
    wait_for(lambda: rows(stack, "SELECT 1 FROM feedback WHERE event = 'play'"), "the feedback")
    wait_for(lambda: stack.gateway.metric("segue_shown_total") >= 5, "the list to be counted")
    assert stack.gateway.metric("segue_list_diversity_count") >= 1
