"""The pool of candidates, on tracks whose distances are known by heart."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.bundle.definition import RequestDefaults
from segue.recommend.model import Bundle
from segue.recommend.request import Request
from segue.recommend.retrieve import Candidates, retrieve
from segue.recommend.seeds import resolve
from tests.recommend.hand_made import Track, id_of, line, make_bundle

ROOT2 = math.sqrt(2)


def pools(bundle: Bundle, *instances: dict[str, Any]) -> list[Candidates]:
    # a list of one needs no further tracks (test_refill.py)
    requests = [Request.parse({"k": 1, **instance}) for instance in instances]
    return retrieve(bundle, requests, [resolve(bundle, request) for request in requests])


def pool(bundle: Bundle, **instance: Any) -> Candidates:
    return pools(bundle, instance)[0]


def two_seeds(weight: float = 1.0) -> list[dict[str, Any]]:
    return [{"track_id": id_of(0)}, {"track_id": id_of(1), "weight": weight}]


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Tracks 1, 2, 3 and 4 away from the first, and one on the other side of them."""
    tracks = [Track(0, 0), Track(0, 2), Track(1, 0), Track(0, -4), Track(-3, 0)]
    return make_bundle(tmp_path_factory.mktemp("plane"), tracks)


@pytest.fixture(scope="module")
def between(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Two seeds 4 apart, and three tracks on the way from the one to the other."""
    return make_bundle(tmp_path_factory.mktemp("between"), line(0, 4, 1, 2, 3.5))


def test_one_seed_brings_its_neighbours_nearest_first(plane: Bundle) -> None:
    found = pool(plane, seeds=[id_of(0)])
    assert found.rows.tolist() == [2, 1, 4, 3]
    assert found.distances.tolist() == [[1], [2], [3], [4]]
    # 1 at the nearest, 0 at the furthest of the list
    assert found.affinity.tolist() == pytest.approx([1, 2 / 3, 1 / 3, 0])
    assert found.similarity.tolist() == pytest.approx([math.exp(-d / 2) for d in (1, 2, 3, 4)])
    assert found.retrieved == 4
    assert found.dropped == {"seed_recordings_or_excluded": 1, "same_recording": 0}


def test_a_pool_holds_as_many_as_are_asked_for(plane: Bundle) -> None:
    found = pool(plane, seeds=[id_of(0)], candidates=2)
    assert found.rows.tolist() == [2, 1]
    assert found.affinity.tolist() == [1, 0]
    assert found.retrieved == 2


def test_the_bundle_says_how_many_where_the_request_does_not(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path, line(0, 1, 2, 3, 4), defaults=RequestDefaults(candidates=3))
    assert pool(bundle, seeds=[id_of(0)]).rows.tolist() == [1, 2, 3]
    assert pool(bundle, seeds=[id_of(0)], candidates=1).rows.tolist() == [1]


def test_tracks_as_near_as_one_another_stand_in_the_order_of_their_rows(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path, [Track(0, 0), Track(2, 0), Track(0, 1), Track(-1, 0), Track(1, 0)])
    assert pool(bundle, seeds=[id_of(0)]).rows.tolist() == [2, 3, 4, 1]


def test_two_seeds_share_the_pool_and_each_has_its_own_scale(between: Bundle) -> None:
    found = pool(between, seeds=two_seeds())
    # from 0: 1, 2, 3.5; from 4: 3, 2, 0.5. From 1 at the nearest to 0 at the furthest of each, half of both;
    # of the two that have as much, the one nearer to its seed comes first
    assert found.rows.tolist() == [4, 2, 3]
    assert found.distances.tolist() == [[3.5, 0.5], [1, 3], [2, 2]]
    assert found.affinity.tolist() == pytest.approx([0.5, 0.5, 0.5 * 1.5 / 2.5 + 0.5 * 1 / 2.5])
    assert found.similarity.tolist() == pytest.approx([math.exp(-d / 2) for d in (0.5, 1, 2)])
    assert found.retrieved == 3
    # each seed finds both
    assert found.dropped == {"seed_recordings_or_excluded": 4, "same_recording": 0}


def test_weights_are_shares_of_the_affinity(between: Bundle) -> None:
    found = pool(between, seeds=two_seeds(3.0))
    assert found.rows.tolist() == [4, 3, 2]
    assert found.affinity.tolist() == pytest.approx([0.75, 0.25 * 0.6 + 0.75 * 0.4, 0.25])


def test_a_negative_seed_pushes_away_what_is_near_it(tmp_path: Path) -> None:
    tracks = [Track(0, 0), Track(2, 1), Track(0, 1), Track(0, -1), Track(2, 0)]
    bundle = make_bundle(tmp_path, tracks)
    found = pool(bundle, seeds=[{"track_id": id_of(0)}, {"track_id": id_of(1), "weight": -0.5}])
    # 1, 1 and 2 from the seed, whose list ends at 2; 2√2, 2 and 1 from what is not wanted
    assert found.rows.tolist() == [3, 2, 4]
    assert found.affinity.tolist() == pytest.approx(
        [1 - 0.5 * math.exp(-ROOT2), 1 - 0.5 * math.exp(-1), -0.5 * math.exp(-0.5)]
    )
    assert found.distances.shape == (3, 1)


def test_seeds_and_excluded_tracks_never_come_back(plane: Bundle) -> None:
    found = pool(plane, seeds=[id_of(0)], filters={"exclude_tracks": [id_of(2), id_of(4), "nowhere"]})
    assert found.rows.tolist() == [1, 3]
    assert found.dropped["seed_recordings_or_excluded"] == 3


def test_excluded_tracks_make_room_for_others(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path, line(*np.linspace(0, 4, 40)))
    excluded = [id_of(row) for row in range(1, 21)]
    found = pool(bundle, seeds=[id_of(0)], candidates=12, filters={"exclude_tracks": excluded})
    assert found.rows.tolist() == list(range(21, 33))


def test_a_recording_comes_back_once_by_its_nearest_release_and_never_the_seeds_own(tmp_path: Path) -> None:
    tracks = [
        Track(0, 0, recording=1),
        Track(1, 0, recording=1),
        Track(3, 0, recording=2),
        Track(2, 0, recording=2),
        Track(4, 0, recording=3),
    ]
    found = pool(make_bundle(tmp_path, tracks), seeds=[id_of(0)])
    assert found.rows.tolist() == [3, 4]
    assert found.distances.tolist() == [[2], [4]]
    assert found.affinity.tolist() == [1, 0]
    assert found.similarity.tolist() == pytest.approx([math.exp(-1), math.exp(-2)])
    assert found.retrieved == 3
    assert found.dropped == {"seed_recordings_or_excluded": 2, "same_recording": 1}


def test_each_seed_brings_its_share_and_a_light_one_at_least_five(tmp_path: Path) -> None:
    # twenty tracks beside each seed, a hundredth apart
    near = [step / 100 for step in range(1, 21)]
    bundle = make_bundle(tmp_path, line(0, 4, *near, *(4 - place for place in near)))
    even = pool(bundle, seeds=two_seeds(), candidates=16)
    assert sorted(even.rows.tolist()) == [*range(2, 10), *range(22, 30)]
    light = pool(bundle, seeds=two_seeds(0.01), candidates=20)
    # one is heavy enough for 20 of 20, so that both together are cut to what is asked for
    assert set(light.rows.tolist()) <= {*range(2, 22), *range(22, 27)}
    assert light.retrieved == 20
    heavier = pool(bundle, seeds=two_seeds(3), candidates=16)
    assert len([row for row in heavier.rows.tolist() if row >= 22]) == 11


def test_seeds_beside_each_other_fill_the_pool_from_further_down(tmp_path: Path) -> None:
    # both have the same neighbours: half of each would be half a pool
    bundle = make_bundle(tmp_path, line(0, 0.001, *(step / 100 for step in range(1, 41))))
    found = pool(bundle, seeds=two_seeds(), candidates=20)
    assert sorted(found.rows.tolist()) == list(range(2, 22))


@pytest.mark.parametrize("order", [[1, 2, 3, 4, 5, 6], [8, 3, 11, 6, 1, 9, 4, 12, 7, 2, 10, 5]])
def test_however_few_are_asked_for_a_seed_is_measured_by_its_five_nearest(
    tmp_path: Path, order: list[int]
) -> None:
    # two seeds at the same place, and tracks an eighth apart
    bundle = make_bundle(tmp_path, line(0, 0, *(step / 8 for step in order)))
    found = pool(bundle, seeds=two_seeds(), candidates=2)
    assert found.distances[:, 0].tolist() == [1 / 8, 2 / 8]
    assert found.affinity.tolist() == [1, (5 - 2) / (5 - 1)]


def test_a_seed_in_a_thin_region_is_heard_as_much_as_one_in_a_crowd(tmp_path: Path) -> None:
    crowd, thin = [step / 100 for step in range(1, 7)], [4 - step / 2 for step in range(1, 7)]
    found = pool(make_bundle(tmp_path, line(0, 4, *crowd, *thin)), seeds=two_seeds(), candidates=12)
    first = dict(zip(found.rows.tolist(), found.affinity.tolist(), strict=True))
    # the nearest of each, and the edge of its list: six of twelve
    assert first[2] == pytest.approx(0.5)
    assert first[8] == pytest.approx(0.5)
    assert first[7] == first[13] == 0
    # one before: a fifth of the way from the edge to the nearest
    assert [first[6], first[12]] == pytest.approx([0.1, 0.1], abs=1e-4)


def test_a_crowd_does_not_take_the_share_of_a_seed_in_a_thin_region(tmp_path: Path) -> None:
    near, far = [6, 2, 9, 4, 1, 8, 3, 7, 5], [3, 6, 1, 5, 2, 4]
    places = [*(step / 100 for step in near), *(4 - step / 2 for step in far)]
    found = pool(make_bundle(tmp_path, line(0, 4, *places)), seeds=two_seeds(), candidates=12)
    # six of each, though the seventh of the crowd is nearer to its seed than any of the others
    crowd = {row for row, step in enumerate(near, start=2) if step <= 6}
    assert set(found.rows.tolist()) == crowd | set(range(11, 17))


def test_nothing_that_passes_is_an_empty_pool(plane: Bundle) -> None:
    for seeds in ([id_of(0)], two_seeds()):
        found = pool(plane, seeds=seeds, filters={"genres": ["polka"]})
        assert (len(found.rows), len(found.affinity), len(found.similarity)) == (0, 0, 0)
        assert found.retrieved == 0
        assert found.dropped == {"seed_recordings_or_excluded": 0, "same_recording": 0}


def test_each_request_of_a_batch_keeps_its_own_filter(tmp_path: Path) -> None:
    tracks = [Track(place, 0, year=1990 + place) for place in range(5)]
    bundle = make_bundle(tmp_path, tracks)
    filters = [{"year": [1990, 1992]}, {}, {"year": [1993, 1994]}, {}]
    asked = [{"seeds": [id_of(i)], "filters": chosen} for i, chosen in enumerate(filters)]
    found = [sorted(one.rows.tolist()) for one in pools(bundle, *asked)]
    assert found == [[1, 2], [0, 2, 3, 4], [3, 4], [0, 1, 2, 4]]


@settings(max_examples=40, deadline=None)
@given(
    places=st.lists(st.integers(0, 400), min_size=4, max_size=40),
    seeds=st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True),
    most=st.integers(1, 30),
)
def test_a_pool_is_distinct_and_as_near_as_it_says(
    tmp_path_factory: pytest.TempPathFactory, places: list[int], seeds: list[int], most: int
) -> None:
    bundle = make_bundle(tmp_path_factory.mktemp("any"), line(*(place / 100 for place in places)))
    found = pool(bundle, seeds=[id_of(row) for row in seeds], candidates=most)
    rows = found.rows.tolist()
    assert len(set(rows)) == len(rows) == min(most, len(places) - len(seeds))
    assert not set(rows) & set(seeds)
    expected = [[abs(places[row] - places[seed]) / 100 for seed in seeds] for row in rows]
    np.testing.assert_allclose(found.distances, expected, atol=1e-5)
    np.testing.assert_allclose(found.similarity, np.exp(-np.min(expected, axis=1) / 2), atol=1e-5)
    assert found.affinity.tolist() == sorted(found.affinity.tolist(), reverse=True)
    assert ((found.affinity >= 0) & (found.affinity <= 1 + 1e-5)).all()
