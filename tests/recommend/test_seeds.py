"""Seeds → points of the embedding, on tracks that lie where their features say."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segue.errors import RequestError, UnknownSeeds
from segue.features.learned import Learned
from segue.recommend.model import Bundle
from segue.recommend.request import Request
from segue.recommend.seeds import Query, resolve
from tests.recommend.hand_made import FEATURES, Track, id_of, make_bundle

ENERGY, VALENCE, GENRE = FEATURES.index("energy"), FEATURES.index("valence"), FEATURES.index("genre")
TRACKS = [
    Track(0, 0, 10, "Abba", "rap", recording=1),
    Track(1, 0, 50, "Abba", "rap", recording=2),
    Track(2, 0, 40, "Abba", "metal", recording=2),
    Track(3, 0, math.nan, "Abba", "rap", recording=3),
    Track(0, 1, 30, "Abba", "rap", recording=4),
    Track(0, 2, 20, "Abba", "metal", recording=5),
    Track(0, 3, 5, "Abba", "metal", recording=6),
    Track(4, 4, 99, "Björk", "ambient", recording=7),
]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(tmp_path_factory.mktemp("seeds"), TRACKS)


def placed(bundle: Bundle, **instance: Any) -> Query:
    return resolve(bundle, Request.parse(instance))


def test_a_track_is_its_own_point(bundle: Bundle) -> None:
    query = placed(bundle, seeds=[id_of(7), id_of(1)])
    assert query.rows.tolist() == [7, 1]
    assert query.points.tolist() == [[4, 4], [1, 0]]
    assert query.features[:, [ENERGY, VALENCE, GENRE]].tolist() == [[4, 4, 0], [1, 0, 2]]
    assert query.weights.tolist() == [0.5, 0.5]
    assert query.unknown == []


def test_positive_weights_sum_to_one_and_negative_ones_keep_their_share(bundle: Bundle) -> None:
    seeds = [
        {"track_id": id_of(0), "weight": 3},
        {"track_id": id_of(1), "weight": -2},
        {"track_id": id_of(2), "weight": 1},
    ]
    assert placed(bundle, seeds=seeds).weights.tolist() == [0.75, -0.5, 0.25]


def test_an_artist_is_its_five_most_popular_recordings(bundle: Bundle) -> None:
    query = placed(bundle, seeds=[{"artist": "ABBA"}])
    # the second release of one recording, and the track of unknown popularity, stand aside
    assert query.rows.tolist() == [1, 4, 5, 0, 6]
    assert query.points.tolist() == [[1, 0], [0, 1], [0, 2], [0, 0], [0, 3]]
    assert query.weights.tolist() == pytest.approx([0.2] * 5)


def test_the_weight_of_an_artist_is_shared_among_its_tracks(bundle: Bundle) -> None:
    query = placed(bundle, seeds=[{"artist": "abba", "weight": 3}, {"artist": "bjork", "weight": 1}])
    assert query.weights.tolist() == pytest.approx([0.15] * 5 + [0.25])


def test_a_genre_is_its_most_popular_recordings(bundle: Bundle) -> None:
    assert placed(bundle, seeds=[{"genre": "Rap"}]).rows.tolist() == [1, 4, 0, 3]
    # 40 and not 50: the release of that genre
    assert placed(bundle, seeds=[{"genre": "metal"}]).rows.tolist() == [2, 5, 6]


def test_a_genre_is_at_most_eight_tracks_of_the_forty_most_popular(tmp_path: Path) -> None:
    tracks = [Track(0, 0, 99 - row, genre="rap") for row in range(12)]
    bundle = make_bundle(tmp_path / "many", tracks)
    assert placed(bundle, seeds=[{"genre": "rap"}]).rows.tolist() == list(range(8))
    # one recording fills the first forty but for two
    same = [Track(0, 0, 90, genre="rap", recording=1)] * 38
    bundle = make_bundle(tmp_path / "same", [*same, *(Track(0, 0, 9 - n, genre="rap") for n in range(5))])
    assert placed(bundle, seeds=[{"genre": "rap"}]).rows.tolist() == [0, 38, 39]


def test_many_seeds_are_represented_by_fewer_tracks_each(tmp_path: Path) -> None:
    tracks = [Track(0, 0, 99 - row, artist=f"Artist {row % 2}", genre="rap") for row in range(20)]
    bundle = make_bundle(tmp_path, tracks)

    def points(seeds: int, kind: str, name: str) -> float:
        return len(placed(bundle, seeds=[{kind: name}] * seeds).rows) / seeds

    assert [points(seeds, "artist", "Artist 0") for seeds in (40, 41, 66, 67, 100)] == [5, 4, 3, 2, 2]
    assert [points(seeds, "genre", "rap") for seeds in (25, 26, 100)] == [8, 7, 2]


def test_what_the_catalogue_lacks_is_named(bundle: Bundle) -> None:
    unknown = [{"artist": "Nobody"}, {"genre": "polka"}, "nowhere"]
    query = placed(bundle, seeds=[*unknown, id_of(2)])
    assert (query.rows.tolist(), query.weights.tolist()) == ([2], [1.0])
    assert query.unknown == ["artist:Nobody", "genre:polka", "nowhere"]
    with pytest.raises(UnknownSeeds) as caught:
        placed(bundle, seeds=[*unknown, {"track_id": id_of(2), "weight": -1}])
    assert caught.value.seeds == ("artist:Nobody", "genre:polka", "nowhere")


def test_raw_features_are_a_point_of_weight_one(bundle: Bundle) -> None:
    query = placed(
        bundle,
        seeds=[{"track_id": id_of(1), "weight": 3}, "nowhere"],
        features={"energy": 2.5, "valence": None, "genre": "METAL"},
    )
    assert query.rows.tolist() == [1, -1]
    # what is missing stands at the mean
    assert query.points.tolist() == [[1, 0], [2.5, 0]]
    assert query.weights.tolist() == [0.75, 0.25]
    assert query.features[1, [ENERGY, GENRE]].tolist() == [2.5, 1]
    assert math.isnan(query.features[1, VALENCE])
    assert query.unknown == ["nowhere"]
    alone = placed(bundle, features={"energy": 2.5})
    assert (alone.rows.tolist(), alone.points.tolist(), alone.weights.tolist()) == ([-1], [[2.5, 0]], [1.0])


@pytest.mark.parametrize("features", [{}, {"energy": None}, {"genre": "polka"}])
def test_features_of_which_none_is_known_are_refused(bundle: Bundle, features: dict[str, Any]) -> None:
    with pytest.raises(RequestError) as caught:
        placed(bundle, features=features)
    assert caught.value.field == "features"
    assert str(caught.value).endswith("expected at least one known value, got none")


def test_a_target_moves_seeds_in_that_feature_alone_and_leaves_what_pushes_away(bundle: Bundle) -> None:
    seeds = [id_of(1), id_of(6), {"track_id": id_of(7), "weight": -1}]
    query = placed(bundle, seeds=seeds, target={"valence": 2, "popularity": 40})
    assert query.points.tolist() == [[1, 2], [0, 2], [4, 4]]
    # what the seeds are stays
    assert query.features[:, VALENCE].tolist() == [0, 3, 4]
    still = placed(bundle, seeds=seeds, target={"popularity": 40})
    assert still.points.tolist() == [[1, 0], [0, 3], [4, 4]]
    # the catalogue itself is not moved
    assert bundle.embedding[1].tolist() == [1, 0]


def test_a_target_gives_a_value_to_a_seed_that_lacks_it(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path, [Track(1, math.nan)])
    assert placed(bundle, seeds=[id_of(0)], target={"valence": 3}).points.tolist() == [[1, 3]]
    assert placed(bundle, seeds=[id_of(0)], target={"energy": 3}).points.tolist() == [[3, 0]]


def test_a_target_moves_by_what_was_learned(tmp_path: Path) -> None:
    learned = Learned(
        track=((2.0, 0.0), (0.0, 0.5), (0.0, 0.0)),
        artist=((0.0, 0.0),) * 3,
        popularity_mean=0.0,
        popularity_scale=1.0,
        artist_width=1,
        artist_weight=1.0,
    )
    bundle = make_bundle(tmp_path, [Track(1, 1)], learned=learned)
    assert placed(bundle, seeds=[id_of(0)]).points.tolist() == [[2, 0.5, 0]]
    assert placed(bundle, seeds=[id_of(0)], target={"energy": 3}).points.tolist() == [[6, 0.5, 0]]


def test_a_target_that_is_no_feature_of_the_bundle_is_named(bundle: Bundle) -> None:
    with pytest.raises(RequestError) as caught:
        placed(bundle, seeds=[id_of(1)], target={"tempo": 120})
    assert caught.value.field == "target.tempo"


def test_what_a_query_holds_is_of_plain_types(bundle: Bundle) -> None:
    query = placed(bundle, seeds=[id_of(1)], target={"energy": 1}, features={"valence": 1})
    assert query.rows.dtype == np.int64
    assert {query.points.dtype, query.weights.dtype, query.features.dtype} == {np.dtype(np.float32)}
