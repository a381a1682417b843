"""What the monitoring page is told: drift of what is asked for, genres and decades of what was shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np
import pytest

from segue.log.stats import Stats, Totals
from serving.gateway.served_catalogue import ServedCatalogue
from serving.gateway.stats import MIN_SEEDS, describe_stats, query_drift
from tests.gateway.conftest import ROWS


def ids_of(served: ServedCatalogue, rows: np.ndarray) -> list[list[str]]:
    """Seeds of requests for one track each."""
    return [[str(served.cell("track_id", int(row)))] for row in rows]


def test_it_finds_the_feature_in_which_listeners_moved(served: ServedCatalogue) -> None:
    draw = np.random.default_rng(7)
    by_energy = np.argsort(served.features[:, served.position("energy")])
    quiet = draw.choice(by_energy[: ROWS // 3], 600)
    loud = draw.choice(by_energy[-ROWS // 3 :], 600)
    # newest first
    moved = query_drift(served, ids_of(served, np.concatenate([loud, quiet])))
    assert (moved["rows"], moved["is_enough"]) == (600, True)
    assert set(moved["psi"]) == set(served.reference.features)
    assert max(moved["psi"], key=lambda name: moved["psi"][name]) == "energy"
    assert moved["psi"]["energy"] > 1
    stayed = query_drift(served, ids_of(served, draw.integers(0, ROWS, 2_000)))
    assert max(stayed["psi"].values()) < 0.1


def test_it_says_when_there_are_too_few_seeds_and_counts_only_tracks(served: ServedCatalogue) -> None:
    few = ids_of(served, np.arange(2 * MIN_SEEDS - 2))
    strange = [["artist:Nina Simone", "nobody"], []]
    found = query_drift(served, [*strange, *few])
    assert (found["rows"], found["is_enough"]) == (MIN_SEEDS - 1, False)
    assert query_drift(served, strange) == {"rows": 0, "is_enough": False, "psi": {}}


def stats_of(shown: Mapping[str, int]) -> Stats:
    """A log in which these tracks were shown so often."""
    return Stats(
        since=datetime(2026, 3, 1, tzinfo=UTC),
        bucket_seconds=60,
        totals=Totals(**dict.fromkeys(Totals.__dataclass_fields__, 0)),
        buckets=(),
        recent=(),
        feedback={},
        tracks=shown,
    )


def test_it_shares_out_what_was_shown_by_genre_and_decade(served: ServedCatalogue) -> None:
    cell = served.cell
    shown = {cell("track_id", row): 1 + row % 3 for row in range(50)} | {"gone from the catalogue": 9}
    total = sum(1 + row % 3 for row in range(50))
    found = describe_stats(stats_of(shown), served)
    for name, part in (
        ("genres", lambda row: cell("genre", row)),
        ("decades", lambda row: f"{cell('year', row) // 10 * 10}s"),
    ):
        expected: Counter[str] = Counter()
        for row in range(50):
            expected[part(row)] += 1 + row % 3
        assert {share["name"]: share["shown"] for share in found[name]} == expected
        for share in found[name]:
            assert share["share"] == pytest.approx(share["shown"] / total, abs=1e-4)
    assert [share["shown"] for share in found["genres"]] == sorted(
        (share["shown"] for share in found["genres"]), reverse=True
    )
    names = [share["name"] for share in found["decades"]]
    assert names == sorted(names)
    before = describe_stats(stats_of(shown), None)
    assert (before["genres"], before["decades"], before["drift"]) == ([], [], None)
