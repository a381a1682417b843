"""What the gateway tells Prometheus of its lists, and of what training left in the store."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import REGISTRY

from segue.bundle.channel import rollback
from segue.bundle.training_status import STATUS_KEY, Evaluation, Outcome, Run, record_run
from segue.log.record import Impression, ImpressionItem
from segue.store.base import Store
from segue.store.open import open_store
from serving.gateway.quality import LOOKED_BACK, ListMeasures, popularity_band
from serving.gateway.served_catalogue import ServedCatalogue
from serving.gateway.training import TrainingWatch
from tests.gateway.conftest import Stack
from tests.gateway.test_stack import rows
from tests.serving.conftest import BundleStore
from tests.serving.processes import wait_for


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def impression(served: ServedCatalogue, rows: list[int], *, seeds: list[int], **fields: Any) -> Impression:
    ids = [served.cell("track_id", row) for row in rows]
    given: dict[str, Any] = {
        "impression_id": uuid.uuid4(),
        "at": datetime.now(UTC),
        "session": None,
        "api": "native",
        "request": {},
        "seeds": tuple(served.cell("track_id", row) for row in seeds),
        "k": len(rows),
        "latency_seconds": 0.01,
        "digest": served.digest,
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


def test_it_compares_the_popularity_of_lists_with_that_of_their_seeds(served: ServedCatalogue) -> None:
    names = ("segue_list_popularity", "segue_seed_popularity", "segue_list_diversity")
    before = {name: (value(f"{name}_sum"), value(f"{name}_count")) for name in names}
    ListMeasures().note_list(impression(served, [10, 11], seeds=[0, 1]), served, [10, 11])
    expected = dict(zip(names, (40.0, float(served.popularity[[0, 1]].mean()), 0.5), strict=True))
    for name in names:
        assert value(f"{name}_sum") - before[name][0] == pytest.approx(expected[name]), name
        assert value(f"{name}_count") - before[name][1] == 1


def test_it_forgets_lists_that_are_long_gone_and_those_of_another_bundle(served: ServedCatalogue) -> None:
    measures, size = ListMeasures(), served.size
    measures.note_list(impression(served, [1, 2, 3], seeds=[0]), served, [1, 2, 3])
    measures.note_list(impression(served, [3, 4], seeds=[0]), served, [3, 4])
    assert value("segue_list_coverage_ratio") == pytest.approx(4 / size)
    for _ in range(LOOKED_BACK - 1):
        measures.note_list(impression(served, [4], seeds=[0]), served, [4])
    assert value("segue_list_coverage_ratio") == pytest.approx(2 / size)
    measures.note_list(impression(served, [7], seeds=[0], digest="f" * 64), served, [7])
    assert value("segue_list_coverage_ratio") == pytest.approx(1 / size)


def leave_run(store: Store, name: str, outcome: Outcome, ended: float, digest: str | None = None) -> None:
    """Write the end of a run into the training status; one with a bundle was evaluated."""
    evaluation = Evaluation(
        figures={"ndcg": 0.25, "coverage": 0.5},
        checks={"quality": "passed" if outcome == "passed" else "failed", "drift": "not_checked"},
        catalog_rows={"kept": 90, "rejected": 10},
        catalog_psi={"energy": 0.4},
    )
    run = Run(run_id=name, outcome=outcome, ended=datetime.fromtimestamp(ended, UTC), digest=digest)
    record_run(store, run, evaluation if digest else None)


def exported(name: str) -> dict[tuple[str, ...], float]:
    """Samples of a metric by the values of its labels."""
    return {
        tuple(sample.labels.values()): sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == name
    }


CHAMPION_EVALUATED = "segue_champion_evaluated_timestamp_seconds"
LAST_RUN = "segue_training_last_run_timestamp_seconds"


def test_it_exports_nothing_of_a_store_without_a_status(gateway_shelf: BundleStore) -> None:
    """Such as one that an earlier version wrote: no alert may fire of what is not known."""
    gateway_shelf.publish(0)
    store = open_store(str(gateway_shelf.root))
    store.write(f"evaluations/{'b' * 64}/monday/verdict.json", b'{"passed": false}')
    TrainingWatch(store, "champion", seconds=1).look()
    assert exported("segue_training_runs") == {("passed",): 0, ("refused",): 0, ("failed",): 0}
    assert exported(LAST_RUN) == exported("segue_training_figure") == exported("segue_catalog_psi") == {}
    assert value(CHAMPION_EVALUATED) == 0
    assert value("segue_champion_updated_timestamp_seconds") > 1_000_000


def test_it_exports_runs_that_passed_were_refused_and_failed(gateway_shelf: BundleStore) -> None:
    champion, store = gateway_shelf.publish(0), open_store(str(gateway_shelf.root))
    leave_run(store, "monday", "passed", 1_000.0, champion)
    leave_run(store, "tuesday", "passed", 2_000.0, champion)
    leave_run(store, "wednesday", "refused", 3_000.0, "b" * 64)
    leave_run(store, "thursday", "failed", 4_000.0)
    TrainingWatch(store, "champion", seconds=1).look()
    assert exported("segue_training_runs") == {("passed",): 2, ("refused",): 1, ("failed",): 1}
    assert exported(LAST_RUN) == {("passed",): 2_000.0, ("refused",): 3_000.0, ("failed",): 4_000.0}
    assert value(CHAMPION_EVALUATED) == 2_000.0
    assert exported("segue_training_figure") == {
        (digest, figure): measured
        for digest in (champion, "b" * 64)
        for figure, measured in (("ndcg", 0.25), ("coverage", 0.5))
    }
    assert exported("segue_gate_check") == {("quality", "failed"): 1, ("drift", "not_checked"): 1}
    assert exported("segue_catalog_rows") == {("kept",): 90, ("rejected",): 10}
    assert exported("segue_catalog_psi") == {("energy",): 0.4}


def test_it_follows_a_channel_that_a_person_moves(gateway_shelf: BundleStore) -> None:
    champion, store = gateway_shelf.publish(0), open_store(str(gateway_shelf.root))
    leave_run(store, "monday", "passed", 1_000.0, champion)
    other = gateway_shelf.publish(1)
    leave_run(store, "tuesday", "passed", 2_000.0, other)
    watch = TrainingWatch(store, "champion", seconds=1)
    watch.look()
    assert value(CHAMPION_EVALUATED) == 2_000.0
    rollback(store, "champion", by="ada", reason="complaints")
    watch.look()
    assert value(CHAMPION_EVALUATED) == 1_000.0


@pytest.mark.parametrize("broken", ["channels/champion.json", STATUS_KEY])
def test_it_keeps_its_metrics_while_the_store_can_not_be_read(
    gateway_shelf: BundleStore, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    champion, store = gateway_shelf.publish(0), open_store(str(gateway_shelf.root))
    leave_run(store, "monday", "passed", 1_000.0, champion)
    watch = TrainingWatch(store, "champion", seconds=1)
    watch.look()
    store.write(broken, b"{")
    watch.look()
    watch.look()
    assert value("segue_training_runs", outcome="passed") == 1
    assert value(CHAMPION_EVALUATED) == 1_000.0
    assert len([line for line in caplog.messages if "the training status can't be read" in line]) == 1


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
