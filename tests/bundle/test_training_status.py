"""The training status: what is added to it, by one run after the other and by several at once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from segue.bundle.inventory import list_evaluations, prune
from segue.bundle.training_status import (
    MAX_FIGURES,
    STATUS_KEY,
    Evaluation,
    Outcome,
    Run,
    TrainingStatus,
    read_status,
    record_run,
)
from segue.errors import StatusError
from segue.store.base import Store
from tests.bundle.tiny import publish_tiny

ONE, TWO = "a" * 64, "b" * 64


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def run(name: str, outcome: Outcome, seconds: float, digest: str | None = None) -> Run:
    return Run(run_id=name, outcome=outcome, ended=at(seconds), digest=digest)


def measured(ndcg: float, **checks: str) -> Evaluation:
    return Evaluation(
        figures={"ndcg": ndcg}, checks=checks, catalog_rows={"kept": 90}, catalog_psi={"energy": ndcg}
    )


def test_a_store_without_a_run_has_no_status(store: Store) -> None:
    assert read_status(store) is None


def test_runs_of_each_outcome_are_counted(store: Store) -> None:
    record_run(store, run("monday", "passed", 1_000, ONE), measured(0.1, quality="passed"))
    record_run(store, run("tuesday", "passed", 2_000, ONE), measured(0.2, quality="passed"))
    record_run(store, run("wednesday", "refused", 3_000, TWO), measured(0.3, quality="failed"))
    written = record_run(store, run("thursday", "failed", 4_000))
    found = read_status(store)
    assert found == written
    assert found.runs == {"passed": 2, "refused": 1, "failed": 1}
    assert found.last == {"passed": at(2_000), "refused": at(3_000), "failed": at(4_000)}
    assert found.evaluated == {TWO: at(3_000), ONE: at(2_000)}
    assert found.figures == {TWO: {"ndcg": 0.3}, ONE: {"ndcg": 0.2}}
    assert found.newest == measured(0.3, quality="failed")
    assert [one.run_id for one in found.recent] == ["thursday", "wednesday", "tuesday", "monday"]


def test_a_step_that_is_repeated_counts_once(store: Store) -> None:
    record_run(store, run("monday", "passed", 1_000, ONE), measured(0.1))
    again = record_run(store, run("monday", "passed", 1_500, ONE), measured(0.1))
    assert (again.runs, again.last) == ({"passed": 1}, {"passed": at(1_500)})
    assert again.evaluated == {ONE: at(1_500)}


def test_a_run_that_ended_before_takes_nothing_from_a_newer_one(store: Store) -> None:
    record_run(store, run("tuesday", "passed", 2_000, ONE), measured(0.2, quality="passed"))
    late = record_run(store, run("monday", "passed", 1_000, ONE), measured(0.1, quality="failed"))
    assert (late.runs, late.last) == ({"passed": 2}, {"passed": at(2_000)})
    assert late.evaluated == {ONE: at(2_000)}
    assert late.figures == {ONE: {"ndcg": 0.2}}
    assert late.newest == measured(0.2, quality="passed")


def test_runs_that_end_at_the_same_time_are_all_there(store: Store) -> None:
    runs = [run(f"run-{number}", "passed", number, f"{number:064x}") for number in range(1, 9)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: record_run(store, one, measured(one.ended.timestamp())), runs))
    found = read_status(store)
    assert found is not None
    assert found.runs == {"passed": 8}
    assert [one.run_id for one in found.recent] == [f"run-{number}" for number in range(8, 0, -1)]
    assert found.newest == measured(8.0)


def test_it_stays_small(store: Store) -> None:
    status = TrainingStatus()
    for number in range(1_000):
        status = status.with_run(run(f"run-{number}", "refused", number, f"{number:064x}"), measured(0.5))
    assert status.runs == {"refused": 1_000}
    assert list(status.figures) == [f"{number:064x}" for number in range(999, 999 - MAX_FIGURES, -1)]
    assert len(status.model_dump_json(indent=2)) < 40_000


def test_it_is_no_evaluation_and_no_bundle(store: Store, tmp_path: Path) -> None:
    digest = publish_tiny(store, tmp_path, "loose", promote=False).digest
    written = record_run(store, run("monday", "refused", 1_000, digest), measured(0.1))
    assert [gone.digest for gone in prune(store, keep_days=0, dry_run=False)] == [digest]
    assert read_status(store) == written
    assert list_evaluations(store, digest) == {}


@pytest.mark.parametrize("content", [b"{", b"[]", json.dumps({"schema_version": 2}).encode()])
def test_what_is_no_status_is_left_as_it_is(store: Store, content: bytes) -> None:
    """It may be a later version's."""
    store.write(STATUS_KEY, content)
    with pytest.raises(StatusError, match="is no training status"):
        read_status(store)
    with pytest.raises(StatusError, match=r"evaluations/status\.json"):
        record_run(store, run("monday", "passed", 1_000, ONE), measured(0.1))
    assert store.read(STATUS_KEY) == content
