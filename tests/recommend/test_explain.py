"""Explanations, on features whose distances are known by heart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segue.features.learned import Learned
from segue.features.transform import GenreBlock, Term
from segue.recommend.explain import explain
from segue.recommend.finish import Rules, finish
from segue.recommend.model import Bundle
from segue.recommend.recommender import Recommender
from segue.recommend.request import Request
from tests.recommend.hand_made import FEATURES, Track, id_of, line, linear, make_bundle

FIVE = ("energy", "valence", "danceability", "acousticness", "liveness")
TERMS = tuple(linear(name) for name in FIVE)


def at(*values: float, **more: Any) -> Track:
    """A track by the values of the five features."""
    x, y, *others = values
    named = dict(zip(FIVE[2:], others, strict=True))
    return Track(x, y, more=named | more.pop("more", {}), **more)


def explained(
    bundle: Bundle, seeds: Sequence[Any] = (id_of(0),), contributions: Any = None, **instance: Any
) -> dict[str, Any]:
    request = Request.parse({"seeds": list(seeds), "max_per_artist": 99, **instance})
    (pool,) = Recommender(bundle).prepare([request])
    picks = finish(bundle, pool, None, Rules.of(request, bundle.definition.defaults))
    return explain(bundle, pool, picks, contributions)


def features(part: list[dict[str, Any]]) -> list[str]:
    return [entry["feature"] for entry in part]


def test_the_four_nearest_and_the_four_furthest_features_are_shown(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path, [at(0, 0, 0, 0, 0), at(0.3, -0.1, 0.5, 0.2, -0.4)], terms=TERMS)
    (entry,) = explained(bundle)["items"]
    assert (entry["track_id"], entry["nearest_seed"]) == (id_of(1), id_of(0))
    assert entry["near"] == [
        {"feature": "valence", "track": -0.1, "seed": 0.0, "distance": 0.1},
        {"feature": "acousticness", "track": 0.2, "seed": 0.0, "distance": 0.2},
        {"feature": "energy", "track": 0.3, "seed": 0.0, "distance": 0.3},
        {"feature": "liveness", "track": -0.4, "seed": 0.0, "distance": 0.4},
    ]
    assert features(entry["far"]) == ["danceability", "liveness", "energy", "acousticness"]
    assert entry["far"][0] == {"feature": "danceability", "track": 0.5, "seed": 0.0, "distance": 0.5}
    assert "popularity" not in entry


def test_a_distance_is_what_lies_between_the_track_and_its_own_seed(tmp_path: Path) -> None:
    tracks = [at(1, 2, 0, 0, 0), at(0.25, 1.5, 0, 0, 0), at(-4, -4, 4, 4, 4)]
    (entry,) = explained(make_bundle(tmp_path, tracks, terms=TERMS), k=1)["items"]
    seen = {part["feature"]: (part["track"], part["seed"], part["distance"]) for part in entry["far"]}
    assert seen["energy"] == (0.25, 1.0, 0.75)
    assert seen["valence"] == (1.5, 2.0, 0.5)


def test_features_as_near_as_one_another_stand_in_the_order_of_their_names(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path, [at(0, 0, 0, 0, 0), at(0.5, 0.5, 0.5, 0.5, 0.5)], terms=TERMS)
    (entry,) = explained(bundle)["items"]
    assert features(entry["near"]) == ["acousticness", "danceability", "energy", "liveness"]
    assert features(entry["far"]) == ["valence", "liveness", "energy", "danceability"]


def test_a_feature_that_either_track_lacks_is_not_shown(tmp_path: Path) -> None:
    nan = math.nan
    bundle = make_bundle(tmp_path, [at(0, 0, nan, 0, 0), at(0.5, 1, 1, nan, 0.25)], terms=TERMS)
    (entry,) = explained(bundle)["items"]
    assert features(entry["near"]) == ["liveness", "energy", "valence"]
    assert features(entry["far"]) == ["valence", "energy", "liveness"]


def test_values_and_distances_are_rounded(tmp_path: Path) -> None:
    (entry,) = explained(make_bundle(tmp_path, [Track(0, 0), Track(0.123456, 0.87654)]))["items"]
    assert entry["near"] == [
        {"feature": "energy", "track": 0.1235, "seed": 0.0, "distance": 0.123},
        {"feature": "valence", "track": 0.8765, "seed": 0.0, "distance": 0.877},
    ]


def test_a_genre_is_shown_by_name_and_a_features_columns_count_together(tmp_path: Path) -> None:
    circle = Term(feature="key", kind="circle", mean=(0.0, 0.0), scale=(1.0, 1.0))
    genre = GenreBlock(weight=1.0, points=((0.0,), (0.25,), (1.0,)))
    # A is three fifths from C: a quarter of the circle, or √2
    tracks = [Track(0, 0, genre="rap", more={"key": 0}), Track(0, 0, genre="metal", more={"key": 9})]
    bundle = make_bundle(tmp_path, tracks, terms=(circle,), genre=genre)
    (entry,) = explained(bundle)["items"]
    assert entry["near"] == [
        {"feature": "genre", "track": "metal", "seed": "rap", "distance": 0.75},
        {"feature": "key", "track": 9.0, "seed": 0.0, "distance": 1.414},
    ]


def test_under_a_learned_metric_a_column_counts_as_much_as_it_moves_a_track(tmp_path: Path) -> None:
    learned = Learned(
        # energy three times, valence twice, popularity not at all
        track=((3.0, 0.0), (0.0, 2.0), (0.0, 0.0)),
        artist=((0.0, 0.0),) * 3,
        popularity_mean=0.0,
        popularity_scale=1.0,
        artist_width=0,
        artist_weight=1.0,
    )
    (entry,) = explained(make_bundle(tmp_path, [Track(0, 0), Track(0.5, 0.25)], learned=learned))["items"]
    assert [(part["feature"], part["distance"]) for part in entry["far"]] == [
        ("energy", 1.5),
        ("valence", 0.5),
    ]


def test_each_track_names_the_seed_that_it_is_nearest_to(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path, line(0, -4, 4, 1, 3))
    # one that pushes away stands between the others, and is nobody's nearest
    seeds = [id_of(0), {"track_id": id_of(1), "weight": -0.1}, id_of(2)]
    entries = explained(bundle, seeds)["items"]
    assert {entry["track_id"]: entry["nearest_seed"] for entry in entries} == {
        id_of(3): id_of(0),
        id_of(4): id_of(2),
    }
    assert {entry["track_id"]: entry["near"][-1]["distance"] for entry in entries} == {
        id_of(3): 1.0,
        id_of(4): 1.0,
    }


def test_raw_features_have_no_id(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path, line(0, 1))
    (first, second) = explained(bundle, seeds=[], features={"energy": 1.25})["items"]
    assert [first["track_id"], first["nearest_seed"]] == [id_of(1), None]
    assert first["near"] == [{"feature": "energy", "track": 1.0, "seed": 1.25, "distance": 0.25}]
    assert second["near"][0]["distance"] == 1.25


def test_the_largest_contributions_are_shown_whatever_their_sign(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path, line(0, 1, 2))
    given = np.zeros((2, len(FEATURES) + 1), np.float32)
    given[0] = [1.0, -5.126, 2.0, 0.5, 3.0, -4.0, 0.25, 0.0, 1.5, 41.237]
    given[1, [0, -2, -1]] = 9.0, -12.0, 40.0
    first, second = explained(bundle, contributions=given)["items"]
    assert list(first["popularity"].items()) == [
        ("average", 41.24),
        ("valence", -5.13),
        ("key", -4.0),
        ("liveness", 3.0),
        ("danceability", 2.0),
    ]
    # what contributes as much as others stands in the order of the columns
    assert list(second["popularity"].items()) == [
        ("average", 40.0),
        ("genre", -12.0),
        ("energy", 9.0),
        ("valence", 0.0),
        ("danceability", 0.0),
    ]


def test_what_each_rule_dropped_is_counted(tmp_path: Path) -> None:
    tracks = [Track(0, 0, artist="A"), *line(1, 2, 3, artist="B"), Track(4, 0, artist="A", recording=1001)]
    answer = explained(make_bundle(tmp_path, tracks), max_per_artist=1)
    assert answer["dropped"] == {"seed_recordings_or_excluded": 1, "same_recording": 1, "max_per_artist": 2}


@pytest.mark.parametrize("k", [1, 2])
def test_no_more_is_explained_than_is_in_the_list(tmp_path: Path, k: int) -> None:
    entries = explained(make_bundle(tmp_path, line(0, 1, 2, 3)), k=k)["items"]
    assert [entry["track_id"] for entry in entries] == [id_of(row) for row in range(1, k + 1)]
