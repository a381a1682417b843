"""The list and its scores, from numbers that were worked out by hand."""

import math
from collections import Counter
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.bundle.definition import RequestDefaults
from segue.recommend.finish import Rules, blend, finish, take_capped
from segue.recommend.model import Bundle
from segue.recommend.recommender import Recommender
from segue.recommend.request import Request
from segue.recommend.retrieve import Candidates
from tests.recommend.hand_made import Track, id_of, line, make_bundle

NAN = float("nan")


def candidates(affinity: list[float]) -> Candidates:
    """Candidates of which `blend` reads the affinity alone."""
    flat = np.array(affinity, np.float32)
    return Candidates(
        query=cast("Any", None),
        rows=np.arange(len(flat)),
        distances=flat[:, None],
        affinity=flat,
        similarity=flat,
        retrieved=len(flat),
        dropped={},
    )


def rules(weight: float, target: float | None = None) -> Rules:
    return Rules(k=4, popularity_weight=weight, diversity=0, max_per_artist=9, target_popularity=target)


def predicted(*values: float) -> dict[str, Any]:
    return {"popularity": np.array(values, np.float32)}


@pytest.mark.parametrize(
    ("weight", "expected"), [(0, [1, 0.5, 0, 0.25]), (1, [0, 0.5, 1, 0.75]), (0.5, [0.5, 0.5, 0.5, 0.5])]
)
def test_it_blends_affinity_with_predicted_popularity(weight: float, expected: list[float]) -> None:
    scores = blend(
        candidates([5, 4, 3, 3.5]), predicted(20, 40, 60, 50), rules(weight), np.full(4, NAN, np.float32)
    )
    assert scores.tolist() == pytest.approx(expected)


def test_it_measures_a_target_by_known_popularity_and_by_the_predicted_where_there_is_none() -> None:
    known = np.array([NAN, 90, NAN, 41], np.float32)
    scores = blend(candidates([1, 1, 1, 1]), predicted(39.5, 40, 10, 99), rules(1, target=40), known)
    assert np.argsort(-scores).tolist() == [0, 3, 2, 1]


def test_it_orders_by_affinity_alone_without_predictions() -> None:
    known = np.array([40, 0, 0], np.float32)
    assert blend(candidates([1, 3, 2]), None, rules(1, target=40), known).tolist() == [0, 1, 0.5]


@pytest.mark.parametrize(("weight", "target"), [(0.0, None), (0.3, None), (0.0, 40.0)])
def test_no_candidates_have_no_scores(weight: float, target: float | None) -> None:
    for predictions in (None, predicted()):
        assert len(blend(candidates([]), predictions, rules(weight, target), np.zeros(0, np.float32))) == 0


def test_relevance_takes_the_place_of_affinity_where_it_is_predicted() -> None:
    predictions = {**predicted(10, 20, 30), "relevance": np.array([0.5, 2.5, 1.5], np.float32)}
    scores = blend(candidates([3, 2, 1]), predictions, rules(0), np.full(3, NAN, np.float32))
    assert scores.tolist() == [0, 1, 0.5]


def test_candidates_that_are_all_alike_score_0_in_that_part() -> None:
    unknown = np.full(3, NAN, np.float32)
    assert blend(candidates([2, 2, 2]), None, rules(0), unknown).tolist() == [0, 0, 0]
    scores = blend(candidates([2, 2, 2]), predicted(10, 20, 30), rules(0.5), unknown)
    assert scores.tolist() == [0, 0.25, 0.5]


@pytest.mark.parametrize(("weight", "nearest"), [(0.0, 0.5), (0.4, 0.5), (0.8, 0.2)])
def test_a_target_of_popularity_counts_at_least_half(weight: float, nearest: float) -> None:
    # the first is nearest in affinity and furthest from the target, the second the other way round
    scores = blend(
        candidates([1, 0]), predicted(0, 50), rules(weight, target=50), np.full(2, NAN, np.float32)
    )
    assert scores.tolist() == pytest.approx([nearest, 1 - nearest])


def of(**instance: Any) -> Rules:
    defaults = RequestDefaults(k=7, popularity_weight=0.25, diversity=0.75, max_per_artist=3)
    return Rules.of(Request.parse({"seeds": ["t"], **instance}), defaults)


def test_the_bundles_defaults_fill_in_what_a_request_does_not_say() -> None:
    assert of() == Rules(k=7, popularity_weight=0.25, diversity=0.75, max_per_artist=3)
    said = of(k=2, popularity_weight=0, diversity=0, max_per_artist=1, target={"popularity": 30, "energy": 1})
    assert said == Rules(k=2, popularity_weight=0, diversity=0, max_per_artist=1, target_popularity=30)


def test_genres_rule_where_nothing_else_is_asked_for() -> None:
    rap, metal = {"genre": "rap"}, {"genre": "metal"}
    assert of(seeds=[rap, metal]).genres == ("rap", "metal")
    assert of(seeds=[rap, {"genre": "salsa", "weight": -1}]).genres == ("rap",)
    assert of(seeds=[rap, {"track_id": "t", "weight": -1}]).genres == ("rap",)
    assert of(seeds=[rap, "t"]).genres == ()
    assert of(seeds=[rap], features={"energy": 1}).genres == ()


def listed(order: list[int], artist: list[int], k: int, most: int) -> tuple[list[int], int]:
    return take_capped(np.array(order, np.int64), np.array(artist, np.int32), k, most)


def test_an_artist_is_passed_over_once_it_stands_as_often_as_allowed() -> None:
    assert listed([2, 0, 1, 3], [5, 5, 5, 8], 4, 1) == ([2, 3], 2)
    assert listed([2, 0, 1, 3], [5, 5, 5, 8], 4, 2) == ([2, 0, 3], 1)
    assert listed([2, 0, 1, 3], [5, 5, 5, 8], 2, 2) == ([2, 0], 0)
    assert listed([2, 0, 1, 3], [5, 5, 5, 8], 4, 3) == ([2, 0, 1, 3], 0)
    assert listed([], [], 4, 1) == ([], 0)


@given(st.lists(st.integers(0, 4), max_size=20), st.integers(1, 9), st.integers(1, 4), st.randoms())
def test_a_list_is_the_first_that_the_cap_lets_by(artist: list[int], k: int, most: int, random: Any) -> None:
    order = random.sample(range(len(artist)), len(artist))
    picked, capped = listed(order, artist, k, most)
    assert max(Counter(artist[position] for position in picked).values(), default=0) <= most
    assert len(picked) <= k
    assert sorted(picked, key=order.index) == picked
    # nobody is left out without a reason: an artist that is full, or the end of the list
    seen = order[: order.index(picked[-1]) + 1] if len(picked) == k else order
    assert capped == len(seen) - len(picked)
    for position in set(seen) - set(picked):
        assert [artist[one] for one in picked].count(artist[position]) == most


def finished(bundle: Bundle, predictions: Any = None, **instance: Any) -> tuple[list[int], list[float], int]:
    """Rows of a list, their scores, and how many the cap dropped."""
    request = Request.parse({"max_per_artist": 99, **instance})
    (pool,) = Recommender(bundle).prepare([request])
    picks = finish(bundle, pool, predictions, Rules.of(request, bundle.definition.defaults))
    return pool.rows[picks.positions].tolist(), picks.scores.tolist(), picks.dropped["max_per_artist"]


def test_the_list_is_ordered_by_score_and_ties_by_nearness(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path, line(0, 4, 3, 1, 2))
    seeds = [id_of(0)]
    assert finished(bundle, seeds=seeds) == ([3, 4, 2, 1], pytest.approx([1, 2 / 3, 1 / 3, 0]), 0)
    # in the order of the pool: 3, 4, 2, 1
    by_popularity = finished(bundle, predicted(1, 9, 1, 9), seeds=seeds, popularity_weight=1, k=3)
    assert by_popularity == ([4, 1, 3], [1, 1, 0], 0)


def test_who_stands_below_a_full_list_is_not_counted_as_dropped_by_the_cap(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path, line(0, 1, 2, 3))
    assert finished(bundle, seeds=[id_of(0)], k=1, max_per_artist=1) == ([1], [1], 0)
    assert finished(bundle, seeds=[id_of(0)], k=2, max_per_artist=1) == ([1], [1], 2)


def test_what_is_of_the_genres_comes_first_and_each_half_keeps_its_order(tmp_path: Path) -> None:
    tracks = [
        Track(0, 0, 90, genre="rap", recording=1),
        Track(1, 0, 10, genre="metal"),
        Track(2, 0, 20, genre="rap"),
        Track(3, 0, 10, genre="rap"),
        Track(4, 0, genre=None),
    ]
    # releases of one recording stand for the genre, so that its other tracks may come back
    bundle = make_bundle(tmp_path, tracks + [Track(0, 0, 80, genre="rap", recording=1)] * 40)
    rows, scores, _ = finished(bundle, seeds=[{"genre": "RAP"}])
    assert rows == [2, 3, 1, 4]
    assert scores == pytest.approx([0.5 + 0.5 * 2 / 3, 0.5 + 0.5 / 3, 0.5, 0])
    assert finished(bundle, seeds=[{"genre": "rap"}, id_of(0)])[0] == [1, 2, 3, 4]


@pytest.mark.parametrize("diversity", [0, 0.1])
def test_the_last_of_the_genres_comes_before_the_first_of_the_others(
    tmp_path: Path, diversity: float
) -> None:
    releases = [Track(0, 0, 90, genre="rap", recording=1)] * 41
    bundle = make_bundle(tmp_path, [*releases, Track(1, 0, genre="metal"), Track(2, 0, 10, genre="rap")])
    rows, scores, _ = finished(bundle, seeds=[{"genre": "rap"}], diversity=diversity)
    assert rows == [42, 41]
    assert scores == pytest.approx([0.5, 0.5])
    assert scores[0] > scores[1]


def test_diversity_takes_the_furthest_from_what_is_picked_already(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path, line(0, 1, 1.25, 2, 4))
    # scores of 1, 11/12, 2/3 and 0, a median distance of 1.625: beside the first, the second says little new
    rows, scores, capped = finished(bundle, seeds=[id_of(0)], diversity=0.5)
    assert 11 / 12 - math.exp(-0.25 / 1.625) < 2 / 3 - math.exp(-1 / 1.625)
    assert (rows, capped) == ([1, 3, 2, 4], 0)
    assert scores == pytest.approx([1, 2 / 3, 11 / 12, 0])
    assert finished(bundle, seeds=[id_of(0)], diversity=0.2)[0] == [1, 2, 3, 4]
    assert finished(bundle, seeds=[id_of(0)], diversity=1.0)[0] == [1, 4, 3, 2]


@pytest.mark.parametrize("unit", [0.01, 0.1, 1])
def test_what_is_near_for_diversity_is_measured_by_the_candidates_own_distances(
    tmp_path: Path, unit: float
) -> None:
    bundle = make_bundle(tmp_path, line(*(unit * place for place in (0, 1, 1.25, 2, 4))))
    rows, scores, _ = finished(bundle, seeds=[id_of(0)], diversity=0.5)
    assert rows == [1, 3, 2, 4]
    assert scores == pytest.approx([1, 2 / 3, 11 / 12, 0], abs=1e-4)


def test_diversity_too_keeps_the_cap_and_counts_whom_it_drops(tmp_path: Path) -> None:
    tracks = [Track(0, 0), *line(1, 1.5, 4, artist="A"), *line(2, 3, artist="B")]
    bundle = make_bundle(tmp_path, tracks)
    rows, _, capped = finished(bundle, seeds=[id_of(0)], diversity=0.01, max_per_artist=1)
    assert (rows, capped) == ([1, 4], 3)
    rows, _, capped = finished(bundle, seeds=[id_of(0)], diversity=0.01, max_per_artist=2)
    assert (sorted(rows), capped) == ([1, 2, 4, 5], 1)
    assert len(finished(bundle, seeds=[id_of(0)], diversity=0.01, k=3)[0]) == 3


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_diversity_of_nothing_is_nothing(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path, line(0, 1))
    nothing = finished(bundle, seeds=[id_of(0)], diversity=0.5, filters={"genres": ["polka"]})
    assert nothing == ([], [], 0)
