"""Whole answers of the recommender, on a few tracks whose distances are known by heart."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from segue.bundle.definition import Booster
from segue.recommend.answer import Item
from segue.recommend.recommender import Recommender
from segue.recommend.request import Request
from segue.recommend.rerank import LocalRanker
from tests.recommend.hand_made import FEATURES, NAN, Track, id_of, line, make_bundle, write_booster
from tests.small_catalogue import Steps


@pytest.fixture(scope="module")
def recommender(tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    tracks = [
        Track(0, 0, 50, "Abba", title="Seed"),
        Track(1, 0, NAN, "Björk", title="Near"),
        Track(0, 2, 33, "Cher", title="Far"),
        Track(4, 0, 20, "Dido", title="Further"),
    ]
    root = tmp_path_factory.mktemp("answers")
    # twenty points up to an energy of 2, sixty above
    write_booster(root / "popularity.txt", 0, 20, 60, width=len(FEATURES))
    booster = Booster(name="popularity", file="popularity.txt", columns=list(FEATURES), trees=1)
    return Recommender(make_bundle(root, tracks, boosters=[booster]))


@pytest.fixture(scope="module")
def booster(recommender: Recommender) -> LocalRanker:
    return LocalRanker(recommender.bundle.definition, recommender.bundle.path)


def request(**instance: Any) -> Request:
    return Request.parse({"seeds": [id_of(0)], **instance})


def test_an_item_says_who_and_how_near_and_how_popular(
    recommender: Recommender, booster: LocalRanker
) -> None:
    (answer,) = recommender.recommend([request(k=2)], booster)
    assert answer.items == [
        Item(1, id_of(1), "Near", "Björk", 1.0, round(math.exp(-0.5), 6), None, 20.0, None),
        Item(2, id_of(2), "Far", "Cher", pytest.approx(2 / 3), round(math.exp(-1), 6), 33.0, 20.0, None),
    ]
    assert answer.items[1].score == round(answer.items[1].score, 6)
    assert answer.digest == recommender.bundle.digest
    assert (answer.degraded, answer.reason, answer.explanation, answer.unknown_seeds) == (
        False,
        None,
        None,
        [],
    )
    assert (answer.pool.retrieved, answer.pool.after_filters) == (3, 3)


def test_without_boosters_an_answer_is_degraded_and_predicts_nothing(recommender: Recommender) -> None:
    (answer,) = recommender.recommend([request(seeds=[id_of(0), "x"], popularity_weight=1)], None)
    assert answer.degraded
    assert [item.track_id for item in answer.items] == [id_of(1), id_of(2), id_of(3)]
    assert {(item.predicted_popularity, item.relevance) for item in answer.items} == {(None, None)}
    assert answer.unknown_seeds == ["x"]


def test_each_request_of_a_batch_has_its_own_predictions(
    recommender: Recommender, booster: LocalRanker
) -> None:
    asked = [
        request(popularity_weight=1, k=1),
        request(seeds=[id_of(3)]),
        request(filters={"genres": ["polka"]}),
        request(k=3),
    ]
    answers = recommender.recommend(asked, booster)
    shown = [[(item.track_id, item.predicted_popularity) for item in answer.items] for answer in answers]
    assert shown == [
        [(id_of(3), 60.0)],
        [(id_of(1), 20.0), (id_of(0), 20.0), (id_of(2), 20.0)],
        [],
        [(id_of(1), 20.0), (id_of(2), 20.0), (id_of(3), 60.0)],
    ]
    short = (
        "3 of 10 tracks: the catalogue has 4 tracks, 3 without the seeds and exclusions, 3 with one of each "
    )
    short += "recording, and 3 with at most 2 by an artist"
    assert [answer.reason for answer in answers] == [None, short, "no track passes the filters", None]
    pools = recommender.prepare(asked)
    by_request = [part["popularity"].tolist() for part in recommender.rank(pools, booster)]
    assert by_request == [[20, 20, 60], [20, 20, 20], [], [20, 20, 60]]


def test_an_explanation_has_the_contributions_of_the_tracks_in_the_list(
    recommender: Recommender, booster: LocalRanker
) -> None:
    (answer,) = recommender.recommend([request(explain=True, popularity_weight=1, k=2)], booster)
    assert answer.explanation is not None
    items = answer.explanation["items"]
    assert [item["track_id"] for item in items] == [id_of(3), id_of(1)]
    assert [list(item["popularity"].items())[:2] for item in items] == [
        [("average", 40.0), ("energy", 20.0)],
        [("average", 40.0), ("energy", -20.0)],
    ]
    (degraded,) = recommender.recommend([request(explain=True)], None)
    assert degraded.explanation is not None
    assert "popularity" not in degraded.explanation["items"][0]


def test_the_matrix_of_several_pools_is_one_below_the_other(recommender: Recommender) -> None:
    pools = recommender.prepare([request(), request(seeds=[id_of(3)])])
    energy = [1, 0, 4, 1, 0, 0]
    assert recommender.matrix(pools)[:, 0].tolist() == energy
    assert recommender.matrix(pools, np.array([2, 0]))[:, 0].tolist() == [4, 1]
    assert recommender.matrix(pools[:1])[:, 0].tolist() == energy[:3]
    assert recommender.track_matrix(np.array([3, 2]))[:, :2].tolist() == [[4, 0], [0, 2]]


@pytest.fixture(scope="module")
def of_pairs(small: Steps) -> Recommender:
    """A bundle whose boosters read what lies between a candidate and its seed."""
    columns = ["energy", "distance", "gap_popularity", "gap_energy", "same_artist"]
    return Recommender(small.bundle(small.definition.model_copy(update={"ranking_columns": columns})))


def test_a_pair_is_a_candidate_and_the_seed_of_its_own_request_that_it_is_nearest_to(
    of_pairs: Recommender,
) -> None:
    bundle = of_pairs.bundle
    first, second, third = (bundle.value("track_id", row) for row in (100, 2_000, 1_200))
    asked = [
        Request.parse({"seeds": [{"track_id": third, "weight": -0.1}, first, second], "candidates": 30}),
        Request.parse({"seeds": [third], "candidates": 5}),
    ]
    pools = of_pairs.prepare(asked)
    matrix = of_pairs.matrix(pools)
    rows = np.concatenate([pool.rows for pool in pools])
    apart = np.linalg.norm(bundle.embedding[rows][:, None] - bundle.embedding[[100, 2_000, 1_200]], axis=2)
    own = np.where(np.arange(len(rows)) < len(pools[0].rows), apart[:, :2].argmin(axis=1), 2)
    assert set(own.tolist()) == {0, 1, 2}
    seeds = np.array([100, 2_000, 1_200])[own]
    np.testing.assert_allclose(matrix[:, 1], apart[np.arange(len(rows)), own], rtol=1e-4)
    np.testing.assert_allclose(matrix[:, 2], bundle.popularity[rows] - bundle.popularity[seeds], rtol=1e-4)
    energy = bundle.feature("energy")
    np.testing.assert_allclose(matrix[:, 3], energy[rows] - energy[seeds], rtol=1e-4, atol=1e-6)
    assert matrix[:, 4].tolist() == (bundle.artist[rows] == bundle.artist[seeds]).tolist()
    some = np.array([len(rows) - 1, 3, 0])
    np.testing.assert_array_equal(of_pairs.matrix(pools, some), matrix[some])


def test_nothing_lies_between_no_candidate_and_a_seed(of_pairs: Recommender) -> None:
    seed = of_pairs.bundle.value("track_id", 0)
    nothing = Request.parse({"seeds": [seed], "filters": {"genres": ["polka"]}})
    one = Request.parse({"seeds": [seed], "candidates": 1, "k": 1})
    assert of_pairs.matrix(of_pairs.prepare([nothing])).shape == (0, 5)
    assert of_pairs.matrix(of_pairs.prepare([nothing, one])).shape == (1, 5)
    # a track that nobody asked for has no seed
    alone = of_pairs.track_matrix(np.array([7]))
    assert np.isnan(alone[0]).tolist() == [False, True, True, True, True]


PAIRS = ["distance", "same_artist", "gap_energy"]


@pytest.fixture(scope="module")
def of_relevance(tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    """A bundle with both boosters: popular is what has much energy, relevant what is far from its seed."""
    root = tmp_path_factory.mktemp("relevance")
    write_booster(root / "popularity.txt", 0, 20, 60, width=len(FEATURES), at=2.75)
    write_booster(root / "relevance.txt", 2, -1.2345678, 0.5, width=3, at=1.25)
    popularity = Booster(name="popularity", file="popularity.txt", columns=list(FEATURES), trees=1)
    relevance = Booster(
        name="relevance", file="relevance.txt", columns=["gap_energy", *PAIRS[1::-1]], trees=1
    )
    columns = [*FEATURES, *PAIRS]
    tracks = [Track(0, 0, artist="Abba"), *line(1, 2.5, 3, artist="Björk"), Track(4, 0, artist="Abba")]
    return Recommender(make_bundle(root, tracks, boosters=[popularity, relevance], ranking_columns=columns))


def both(recommender: Recommender, **instance: Any) -> list[Item]:
    boosters = LocalRanker(recommender.bundle.definition, recommender.bundle.path)
    (answer,) = recommender.recommend([request(**instance)], boosters)
    return answer.items


def test_what_is_relevant_comes_before_what_is_near(of_relevance: Recommender) -> None:
    items = both(of_relevance, popularity_weight=0, max_per_artist=9)
    assert [(item.track_id, item.score, item.relevance) for item in items] == [
        (id_of(2), 1.0, 0.5),
        (id_of(3), 1.0, 0.5),
        (id_of(4), 1.0, 0.5),
        (id_of(1), 0.0, -1.234568),
    ]
    assert [item.predicted_popularity for item in items] == [20, 60, 60, 20]


def test_relevance_and_popularity_are_blended(of_relevance: Recommender) -> None:
    items = both(of_relevance, popularity_weight=0.25, max_per_artist=9)
    assert [(item.track_id, item.score) for item in items] == [
        (id_of(3), 1.0),
        (id_of(4), 1.0),
        (id_of(2), 0.75),
        (id_of(1), 0.0),
    ]


def test_a_candidate_is_as_relevant_as_its_nearest_seed_makes_it(of_relevance: Recommender) -> None:
    seeds = [id_of(0), id_of(4), {"track_id": id_of(3), "weight": -1}]
    relevance = {item.track_id: item.relevance for item in both(of_relevance, seeds=seeds)}
    # 1 from the first, and 1.5 from the second, but a half from the one that pushes away
    assert relevance == {id_of(1): -1.234568, id_of(2): 0.5}


def test_what_lies_between_a_candidate_and_its_seed(of_relevance: Recommender) -> None:
    pools = of_relevance.prepare([request(), request(seeds=[], features={"energy": 3.5, "valence": 2})])
    matrix = of_relevance.matrix(pools)[:, len(FEATURES) :].tolist()
    assert matrix[:4] == [[1, 0, 1], [2.5, 0, 2.5], [3, 0, 3], [4, 1, 4]]
    assert [row[0] for row in matrix[4:6]] == pytest.approx([math.sqrt(4.25)] * 2)
    assert [row[2] for row in matrix[4:]] == [-0.5, 0.5, -1, -2.5, -3.5]
    # raw features have no artist
    assert [math.isnan(row[1]) for row in matrix[4:]] == [True] * 5


def test_contributions_of_both_are_of_popularity_alone(of_relevance: Recommender) -> None:
    boosters = LocalRanker(of_relevance.bundle.definition, of_relevance.bundle.path)
    (answer,) = of_relevance.recommend([request(explain=True, k=1, popularity_weight=0)], boosters)
    assert answer.explanation is not None
    (entry,) = answer.explanation["items"]
    assert list(entry["popularity"].items())[:2] == [("average", 40.0), ("energy", -20.0)]
