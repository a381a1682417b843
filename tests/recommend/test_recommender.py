"""What every list must be, whatever was asked."""

from collections import Counter
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segue.errors import RequestError, UnknownSeeds
from segue.recommend.answer import Answer
from segue.recommend.recommender import Recommender
from segue.recommend.request import Request
from segue.recommend.rerank import LocalRanker
from tests.small_catalogue import GENRES, Steps


class Asker:
    """Asks one instance, and knows the catalogue."""

    def __init__(self, recommender: Recommender, ranker: LocalRanker) -> None:
        self.recommender = recommender
        self.ranker = ranker
        self.bundle = recommender.bundle
        self.ids = self.bundle.columns["track_id"].to_pylist()

    def __call__(self, **instance: Any) -> Answer:
        return self.recommender.recommend([Request.parse(instance)], self.ranker)[0]

    def row(self, track_id: str) -> int:
        return self.ids.index(track_id)

    def rows(self, answer: Answer) -> list[int]:
        return [self.row(item.track_id) for item in answer.items]


@pytest.fixture(scope="module")
def ask(recommender: Recommender, ranker: LocalRanker) -> Asker:
    return Asker(recommender, ranker)


def test_the_nearest_tracks_come_back_in_order(ask: Asker) -> None:
    seed = 500
    answer = ask(seeds=[ask.ids[seed]], popularity_weight=0, max_per_artist=1000, k=20)
    distance = np.linalg.norm(ask.bundle.embedding - ask.bundle.embedding[seed], axis=1)
    distance[ask.bundle.recording == ask.bundle.recording[seed]] = np.inf
    assert ask.rows(answer) == np.argsort(distance)[:20].tolist()
    similarity = [item.similarity for item in answer.items]
    expected = np.exp(-np.sort(distance)[:20] / ask.bundle.definition.similarity_scale)
    np.testing.assert_allclose(similarity, expected, rtol=1e-4)
    assert [item.rank for item in answer.items] == list(range(1, 21))


def test_weight_one_is_the_base_designs_rule(ask: Asker) -> None:
    """Of the N nearest, the most popular by prediction."""
    seed = 42
    answer = ask(seeds=[ask.ids[seed]], popularity_weight=1, max_per_artist=1000, k=10, candidates=100)
    distance = np.linalg.norm(ask.bundle.embedding - ask.bundle.embedding[seed], axis=1)
    distance[ask.bundle.recording == ask.bundle.recording[seed]] = np.inf
    nearest = np.argsort(distance, kind="stable")[:100]
    predicted = ask.ranker.predict(ask.recommender.track_matrix(nearest))["popularity"]
    expected = [round(float(value), 3) for value in np.sort(predicted)[::-1][:10]]
    assert [item.predicted_popularity for item in answer.items] == expected


def test_between_the_two_the_score_blends(ask: Asker) -> None:
    parts = [ask(seeds=[ask.ids[9]], popularity_weight=w, k=50) for w in (0.0, 0.5, 1.0)]
    popularity = [np.mean([item.predicted_popularity for item in part.items[:10]]) for part in parts]
    similarity = [np.mean([item.similarity for item in part.items[:10]]) for part in parts]
    assert popularity[0] < popularity[1] < popularity[2]
    assert similarity[0] > similarity[1] > similarity[2]


def test_one_recording_comes_back_once_and_never_the_seeds_own(ask: Asker) -> None:
    names = ask.bundle.columns["track_name"].to_pylist()
    twice = [row for row, name in enumerate(names) if name.startswith("Twice")]
    assert len(twice) == 3
    assert len(set(ask.bundle.recording[twice].tolist())) == 1
    answer = ask(seeds=[ask.ids[twice[0]]], k=100, candidates=1000, max_per_artist=1000)
    assert not set(twice) & set(ask.rows(answer))
    distance = np.linalg.norm(ask.bundle.embedding - ask.bundle.embedding[twice[0]], axis=1)
    seed = next(int(row) for row in np.argsort(distance) if row not in twice)
    answer = ask(seeds=[ask.ids[seed]], k=100, candidates=1000, max_per_artist=1000)
    assert len(set(twice) & set(ask.rows(answer))) == 1


@pytest.mark.parametrize("most", [1, 2, 3])
@pytest.mark.parametrize("diversity", [0.0, 0.4])
def test_no_artist_stands_more_often_than_allowed(ask: Asker, most: int, diversity: float) -> None:
    answer = ask(seeds=[ask.ids[7]], k=50, candidates=400, max_per_artist=most, diversity=diversity)
    assert len(answer.items) == 50
    assert max(Counter(ask.bundle.artist[ask.rows(answer)].tolist()).values()) == most


def test_diversity_spreads_the_list(ask: Asker) -> None:
    def spread(diversity: float) -> float:
        rows = ask.rows(ask(seeds=[ask.ids[7]], diversity=diversity, k=20))
        vectors = ask.bundle.embedding[rows]
        return float(np.linalg.norm(vectors[:, None] - vectors[None], axis=2).mean())

    assert spread(0.0) < spread(0.5) < spread(1.0)


def test_each_seed_is_heard(ask: Asker) -> None:
    """The mean of two different seeds lies near neither: each must bring its own neighbours."""
    genre = ask.bundle.genre
    metal, ambient = (int(np.flatnonzero(genre == GENRES.index(name))[3]) for name in ("metal", "ambient"))
    answer = ask(seeds=[ask.ids[metal], ask.ids[ambient]], popularity_weight=0, k=40)
    found = Counter(genre[ask.rows(answer)].tolist())
    assert found[GENRES.index("metal")] >= 5
    assert found[GENRES.index("ambient")] >= 5


def test_seeds_with_neighbours_in_common_fill_the_pool(ask: Asker) -> None:
    """The lists of two tracks near each other are nearly the same one: half of each would be half a pool."""
    seed = 500
    distance = np.linalg.norm(ask.bundle.embedding - ask.bundle.embedding[seed], axis=1)
    distance[ask.bundle.recording == ask.bundle.recording[seed]] = np.inf
    other = int(distance.argmin())
    for weight in (1, 0.2):
        seeds = [ask.ids[seed], {"track_id": ask.ids[other], "weight": weight}]
        assert ask(seeds=seeds, candidates=200).pool.retrieved == 200


def test_a_heavier_seed_is_heard_more(ask: Asker) -> None:
    genre = ask.bundle.genre
    metal, ambient = (int(np.flatnonzero(genre == GENRES.index(name))[3]) for name in ("metal", "ambient"))
    seeds = [{"track_id": ask.ids[metal], "weight": 3.0}, {"track_id": ask.ids[ambient], "weight": 0.5}]
    found = Counter(genre[ask.rows(ask(seeds=seeds, popularity_weight=0, k=20))].tolist())
    assert found[GENRES.index("metal")] > 2 * found[GENRES.index("ambient")]


def test_a_negative_seed_pushes_away(ask: Asker) -> None:
    seed, away = ask.ids[11], ask.row(ask(seeds=[ask.ids[11]], popularity_weight=0).items[0].track_id)

    def nearest(seeds: list[Any]) -> float:
        rows = ask.rows(ask(seeds=seeds, popularity_weight=0, k=20))
        return float(np.linalg.norm(ask.bundle.embedding[rows] - ask.bundle.embedding[away], axis=1).mean())

    assert nearest([seed, {"track_id": ask.ids[away], "weight": -1.0}]) > nearest([seed])


def test_an_artist_and_a_genre_stand_for_their_most_popular_tracks(ask: Asker) -> None:
    answer = ask(seeds=[{"artist": "ARTIST 1"}], popularity_weight=0, k=30)
    assert not set(ask.rows(answer)) & set(_top(ask, ask.bundle.artist, "Artist 1", 5))
    assert Counter(ask.bundle.genre[ask.rows(answer)].tolist()).most_common(1)[0][0] == 1
    answer = ask(seeds=[{"genre": "Salsa"}], k=30)
    assert set(ask.bundle.genre[ask.rows(answer)].tolist()) == {GENRES.index("salsa")}


def _top(ask: Asker, artist: np.ndarray, name: str, most: int) -> list[int]:
    names = np.array(ask.bundle.columns["artist_name"].to_pylist())
    rows = np.flatnonzero(names == name)
    return rows[np.argsort(-ask.bundle.popularity[rows])][:most].tolist()


def test_raw_features_find_tracks_like_them(ask: Asker) -> None:
    answer = ask(features={"energy": 0.8, "valence": 0.5, "genre": "salsa", "year": 2000}, k=20)
    energy = ask.bundle.feature("energy")[ask.rows(answer)]
    assert abs(float(energy.mean()) - 0.8) < 0.1
    assert set(ask.bundle.genre[ask.rows(answer)].tolist()) == {GENRES.index("salsa")}


def test_a_catalogued_tracks_features_find_what_the_track_finds(ask: Asker) -> None:
    row = 77
    values = {
        name: float(value)
        for name, value in zip(ask.bundle.transform.features, ask.bundle.features[row], strict=True)
        if np.isfinite(value) and name != "genre"
    }
    features = {**values, "genre": GENRES[ask.bundle.genre[row]]}
    by_features = ask(features=features, popularity_weight=0, max_per_artist=1000, k=10)
    by_track = ask(seeds=[ask.ids[row]], popularity_weight=0, max_per_artist=1000, k=9)
    assert ask.rows(by_features)[0] == row
    assert ask.rows(by_features)[1:] == ask.rows(by_track)


def test_a_target_draws_the_list_to_it(ask: Asker) -> None:
    def valence(**instance: Any) -> float:
        answer = ask(seeds=[ask.ids[5]], popularity_weight=0, k=20, **instance)
        return float(ask.bundle.feature("valence")[ask.rows(answer)].mean())

    assert valence(target={"valence": 0.95}) > valence() + 0.05


@pytest.mark.parametrize("target", [30, 40, 55, 70])
def test_a_target_of_popularity_draws_the_list_to_what_the_catalogue_says(ask: Asker, target: float) -> None:
    def off(answer: Answer) -> float:
        return float(np.abs(ask.bundle.popularity[ask.rows(answer)] - target).mean())

    usual = ask(seeds=[ask.ids[5]], k=5)
    assert off(ask(seeds=[ask.ids[5]], target={"popularity": target}, k=5)) < 0.6 * off(usual)


def test_who_asks_for_genres_alone_gets_their_tracks_first(ask: Asker) -> None:
    def is_of(answer: Answer, *codes: int) -> list[bool]:
        return [int(ask.bundle.genre[row]) in codes for row in ask.rows(answer)]

    for code, genre in enumerate(GENRES):
        assert all(is_of(ask(seeds=[{"genre": genre}, {"artist": "Artist 1", "weight": -0.5}], k=20), code))
    two = [{"genre": genre} for genre in GENRES[:2]]
    assert all(is_of(ask(seeds=two, k=20, max_per_artist=1), 0, 1))
    # so few of these years that others fill the list
    scarce = ask(seeds=[{"genre": GENRES[0]}], filters={"year": [1990, 1991]}, k=50, max_per_artist=100)
    of_genre = is_of(scarce, 0)
    assert 0 < sum(of_genre) < len(of_genre) == 50
    assert of_genre == sorted(of_genre, reverse=True)
    scores = [item.score for item in scarce.items]
    assert scores == sorted(scores, reverse=True)
    assert 0 <= scores[-1] < scores[0] <= 1


def test_a_genre_beside_a_track_does_not_push_its_neighbours_back(ask: Asker) -> None:
    seeds = [{"genre": GENRES[0]}, next(ask.ids[row] for row in range(50) if ask.bundle.genre[row] == 1)]
    answer = ask(seeds=seeds, k=50, max_per_artist=100, popularity_weight=0)
    genres = {int(ask.bundle.genre[row]) for row in ask.rows(answer)}
    assert 1 in genres


FILTERS: list[tuple[dict[str, Any], Any]] = [
    ({"genres": ["rap"]}, lambda b, r: b.genre[r] == GENRES.index("rap")),
    ({"year": [1990, 1999]}, lambda b, r: 1990 <= b.feature("year")[r] <= 1999),
    ({"min": {"energy": 0.5}, "max": {"energy": 0.6}}, lambda b, r: 0.5 <= b.feature("energy")[r] <= 0.6),
    ({"min": {"popularity": 55}}, lambda b, r: b.popularity[r] >= 55),
    ({"explicit": False}, lambda b, r: b.feature("explicit")[r] != 1),
    ({"explicit": True}, lambda b, r: b.feature("explicit")[r] == 1),
    (
        {"exclude_artists": ["artist 1", "ARTIST 5", "nobody"]},
        lambda b, r: b.value("artist_name", r) not in ("Artist 1", "Artist 5"),
    ),
]


@pytest.mark.parametrize(("filters", "passes"), FILTERS, ids=[str(filters)[:40] for filters, _ in FILTERS])
def test_what_comes_back_passes_the_filter_and_the_list_is_full(
    ask: Asker, filters: dict[str, Any], passes: Any
) -> None:
    answer = ask(seeds=[ask.ids[5]], filters=filters, k=20, max_per_artist=1000)
    expected = min(20, sum(passes(ask.bundle, row) for row in range(ask.bundle.size)))
    assert len(answer.items) == expected > 0
    assert all(passes(ask.bundle, row) for row in ask.rows(answer))


def test_excluded_tracks_stay_out(ask: Asker) -> None:
    first = ask(seeds=[ask.ids[5]], k=10)
    out = [item.track_id for item in first.items[:4]]
    second = ask(seeds=[ask.ids[5]], k=10, filters={"exclude_tracks": [*out, "nowhere"]})
    assert not set(out) & {item.track_id for item in second.items}
    assert len(second.items) == 10


def test_nothing_passes(ask: Asker) -> None:
    answer = ask(seeds=[ask.ids[5]], filters={"genres": ["polka"]})
    assert (answer.items, answer.pool.retrieved) == ([], 0)
    assert answer.reason == "no track passes the filters"


def test_unknown_seeds_are_listed_and_the_others_answer(ask: Asker) -> None:
    answer = ask(seeds=["nowhere", ask.ids[3], {"artist": "Nobody"}])
    assert answer.unknown_seeds == ["nowhere", "artist:Nobody"]
    assert ask.rows(answer) == ask.rows(ask(seeds=[ask.ids[3]]))
    with pytest.raises(UnknownSeeds, match="nowhere, genre:polka") as caught:
        ask(seeds=["nowhere", {"genre": "polka"}])
    assert caught.value.seeds == ("nowhere", "genre:polka")


def test_features_that_say_nothing_are_refused(ask: Asker) -> None:
    with pytest.raises(RequestError, match="at least one known value"):
        ask(features={"genre": "polka"})


def test_without_predictions_the_order_is_similarity(ask: Asker) -> None:
    request = Request.parse({"seeds": [ask.ids[8]], "popularity_weight": 1.0})
    degraded = ask.recommender.recommend([request], None)[0]
    nearest = ask(seeds=[ask.ids[8]], popularity_weight=0)
    assert degraded.degraded
    assert not nearest.degraded
    assert ask.rows(degraded) == ask.rows(nearest)
    assert degraded.items[0].predicted_popularity is None


def test_an_explanation_says_which_features_are_near(ask: Asker) -> None:
    answer = ask(seeds=[ask.ids[8]], explain=True, k=3)
    assert answer.explanation is not None
    for item, entry in zip(answer.items, answer.explanation["items"], strict=True):
        assert (entry["track_id"], entry["nearest_seed"]) == (item.track_id, ask.ids[8])
        near = [part["distance"] for part in entry["near"]]
        far = [part["distance"] for part in entry["far"]]
        assert near == sorted(near)
        assert far == sorted(far, reverse=True)
        assert near[-1] <= far[0]
        row = ask.row(item.track_id)
        for part in entry["near"]:
            if part["feature"] == "energy":
                assert part["track"] == pytest.approx(float(ask.bundle.feature("energy")[row]), abs=1e-4)


def test_contributions_add_up_to_the_prediction(ask: Asker) -> None:
    rows = np.arange(20)
    matrix = ask.recommender.track_matrix(rows)
    contributions = ask.ranker.contributions(matrix)
    assert contributions.shape == (20, matrix.shape[1] + 1)
    np.testing.assert_allclose(contributions.sum(axis=1), ask.ranker.predict(matrix)["popularity"], rtol=1e-3)


def test_dropped_candidates_are_counted(ask: Asker) -> None:
    answer = ask(seeds=[ask.ids[8]], explain=True, k=50, max_per_artist=1, candidates=200)
    assert answer.explanation is not None
    assert answer.explanation["dropped"]["max_per_artist"] > 0
    assert answer.explanation["dropped"]["seed_recordings_or_excluded"] == 1
    assert answer.pool.retrieved >= 200
    assert len(answer.items) == 50


INSTANCES = st.fixed_dictionaries(
    {
        "seeds": st.lists(st.integers(0, 2_999), min_size=1, max_size=4),
        "k": st.integers(1, 30),
        "candidates": st.integers(1, 300),
        "popularity_weight": st.floats(0, 1),
        "diversity": st.sampled_from([0.0, 0.0, 0.5]),
        "max_per_artist": st.integers(1, 4),
        "filters": st.sampled_from([{}, {"year": [1980, 2000]}, {"genres": ["rap", "metal"]}]),
    }
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(INSTANCES, min_size=2, max_size=6))
def test_a_batch_answers_as_its_requests_do(ask: Asker, instances: list[dict[str, Any]]) -> None:
    requests = [
        Request.parse({**instance, "seeds": [ask.ids[row] for row in instance["seeds"]]})
        for instance in instances
    ]
    together = ask.recommender.recommend(requests, ask.ranker)
    for request, answer in zip(requests, together, strict=True):
        alone = ask.recommender.recommend([request], ask.ranker)[0]
        assert orjson.dumps(alone) == orjson.dumps(answer)
        rows = ask.rows(answer)
        assert len(set(rows)) == len(rows) <= (request.k or 0)
        assert not {ask.row(str(seed.track_id)) for seed in request.seeds} & set(rows)
        scores = [item.score for item in answer.items]
        assert all(-1e-6 <= score <= 1 + 1e-6 for score in scores)
        if not request.diversity:
            assert scores == sorted(scores, reverse=True)


def test_the_bundle_refuses_files_that_do_not_fit(small: Steps) -> None:
    from segue.errors import BundleError

    with pytest.raises(BundleError, match=r"tracks\.parquet has 3000 rows, expected 2999"):
        small.bundle(small.definition.model_copy(update={"tracks": 2_999}))
    with pytest.raises(BundleError, match=r"features\.npy has 16 columns, expected 15"):
        small.bundle(small.definition.model_copy(update={"features": small.definition.features[:-1]}))


def test_many_genres_and_artists_are_searched_around_few_points(ask: Asker) -> None:
    bundle = ask.bundle
    artists = [{"artist": f"Artist {number}"} for number in range(50)]
    genres = [{"genre": genre} for genre in GENRES]
    few = Request.parse({"seeds": genres})
    many = Request.parse({"seeds": [*artists, *genres * 10]})
    assert len(ask.recommender.resolve(few).rows) == 8 * len(GENRES)
    assert 90 <= len(ask.recommender.resolve(many).rows) <= 200
    assert len(ask.recommender.recommend([many], ask.ranker)[0].items) == bundle.definition.defaults.k
