"""The sample carries signal: what is right beats what is wrong, by about as much as on real data."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from tests.sample.conftest import Sample

SOUND = [
    *("danceability", "energy", "key", "loudness", "mode", "speechiness", "acousticness"),
    *("instrumentalness", "liveness", "valence", "tempo", "duration_ms"),
]
SEEDS = 1_500


class Listening:
    """Tracks, half of the playlists to learn from, and lists judged on the other half."""

    def __init__(self, sample: Sample) -> None:
        self.tracks = sample.tracks.drop_duplicates("track_id").reset_index(drop=True)
        filled = self.tracks[[*SOUND, "year", "popularity"]]
        self.numbers = filled.fillna(filled.median())
        self.popularity = self.numbers.popularity.to_numpy()
        self.artist = pd.factorize(self.tracks.artist_name)[0]
        row = pd.Series(np.arange(len(self.tracks)), index=self.tracks.track_id)
        pairs = sample.playlists.assign(row=sample.playlists.track_id.map(row)).dropna()
        playlist = pd.factorize(pairs.playlist_id)[0]
        shape = (playlist.max() + 1, len(self.tracks))
        played = csr_matrix((np.ones(len(pairs)), (playlist, pairs.row.astype(int))), shape=shape)
        rng = np.random.default_rng(0)
        half = rng.random(shape[0]) < 0.5
        self.learn, judge = played[half], played[~half]
        self.seeds = rng.choice(np.unique(judge.indices), SEEDS, replace=False)
        self.truth = (judge[:, self.seeds].T @ judge).tocsr()

    def precision(self, lists: npt.NDArray[np.int64], *, other_artists: bool = False) -> float:
        """P@10 of one list a seed; with ``other_artists`` the seed's own artist is passed over."""
        hits = 0
        for number, (seed, listed) in enumerate(zip(self.seeds, lists, strict=True)):
            right = set(self.truth[number].indices)
            left = [t for t in listed if t != seed]
            if other_artists:
                left = [t for t in left if self.artist[t] != self.artist[seed]]
            hits += sum(t in right for t in left[:10])
        return hits / (10 * SEEDS)

    def nearest(self, space: npt.NDArray[np.float64], count: int = 101) -> npt.NDArray[np.int64]:
        """Tracks nearest to each seed, the nearest first."""
        squares = (space**2).sum(axis=1)
        lists = []
        for seeds in np.array_split(self.seeds, 6):
            distance = squares - 2 * space[seeds] @ space.T
            near = np.argpartition(distance, count, axis=1)[:, :count]
            order = np.argsort(np.take_along_axis(distance, near, axis=1), axis=1)
            lists.append(np.take_along_axis(near, order, axis=1))
        return np.concatenate(lists)

    def standardised(self) -> npt.NDArray[np.float64]:
        """Standardised sound and year, and the genre."""
        numbers = self.numbers.drop(columns="popularity").copy()
        numbers["duration_ms"] = np.log(numbers["duration_ms"])
        for name in ("speechiness", "liveness", "acousticness", "instrumentalness"):
            numbers[name] = np.log(numbers[name] + 0.01)
        genre = pd.get_dummies(self.tracks.genre).to_numpy(float) * 2
        return np.hstack([((numbers - numbers.mean()) / numbers.std()).to_numpy(), genre])


@pytest.fixture(scope="module")
def listening(sample: Sample) -> Listening:
    return Listening(sample)


def test_right_features_beat_raw_features_five_times_and_both_beat_chance(listening: Listening) -> None:
    rng = np.random.default_rng(1)
    random = listening.precision(rng.integers(0, len(listening.tracks), (SEEDS, 11)))
    raw = listening.nearest(listening.numbers[SOUND].to_numpy(float), 200)
    order = np.argsort(-listening.popularity[raw], axis=1, kind="stable")
    wrong = listening.precision(np.take_along_axis(raw, order, axis=1))
    lists = listening.nearest(listening.standardised())
    right = listening.precision(lists)
    assert right >= 5 * wrong
    assert wrong >= 2 * random
    assert listening.precision(lists, other_artists=True) >= 20 * random
    assert right < 0.3  # and nobody reads minds


def test_co_occurrence_does_well_where_tracks_are_warm(listening: Listening) -> None:
    plays = np.asarray(listening.learn.sum(axis=0)).ravel()
    together = (listening.learn[:, listening.seeds].T @ listening.learn).toarray()
    scores = together / np.sqrt(plays + 5)
    lists = np.argsort(-scores, axis=1, kind="stable")[:, :60]
    near = listening.nearest(listening.standardised())
    cold = plays[listening.seeds] < 3
    empty = np.full(near.shape[1], -1)
    warm_learned = [empty if c else np.resize(one, len(empty)) for one, c in zip(lists, cold, strict=True)]
    warm_near = [empty if c else one for one, c in zip(near, cold, strict=True)]
    assert (~cold).mean() > 0.1
    learned = listening.precision(np.array(warm_learned))
    assert learned > 1.2 * listening.precision(np.array(warm_near))


def test_listeners_of_an_artist_share_more_than_its_sound(listening: Listening) -> None:
    """Artists that share playlists in one half share them in the other, beyond what features tell."""
    artists = csr_matrix(
        (np.ones(len(listening.artist)), (np.arange(len(listening.artist)), listening.artist))
    )
    learn = (listening.learn @ artists).sign()
    shared = (learn.T @ learn).toarray()
    plays = np.asarray(learn.sum(axis=0)).ravel()
    lift = np.log(np.maximum(shared * learn.shape[0] / (np.outer(plays, plays) + 1e-9), 1))
    np.fill_diagonal(lift, 0)
    space = listening.standardised()
    squares = (space**2).sum(axis=1)
    lists, near = [], listening.nearest(space, 400)
    for seed, candidates in zip(listening.seeds, near, strict=True):
        distance = squares[candidates] - 2 * space[candidates] @ space[seed]
        distance -= 4 * lift[listening.artist[seed], listening.artist[candidates]]
        lists.append(candidates[np.argsort(distance, kind="stable")])
    learned = listening.precision(np.array(lists), other_artists=True)
    assert learned > 1.15 * listening.precision(near, other_artists=True)


def test_popularity_is_explained_in_part_on_unseen_artists(listening: Listening) -> None:
    frame = listening.numbers.drop(columns="popularity").assign(genre=pd.factorize(listening.tracks.genre)[0])
    unseen = np.random.default_rng(2).random(listening.artist.max() + 1)[listening.artist] < 0.25
    data = lgb.Dataset(frame[~unseen], listening.popularity[~unseen], categorical_feature=["genre"])
    settings = {"num_leaves": 15, "learning_rate": 0.1, "verbose": -1, "num_threads": 2, "seed": 1}
    model = lgb.train(settings, data, num_boost_round=100)
    actual = listening.popularity[unseen]
    rest = actual - np.asarray(model.predict(frame[unseen]))
    assert 0.2 < 1 - (rest**2).mean() / actual.var() < 0.55


def test_eras_move_loudness_and_acousticness(listening: Listening) -> None:
    decade = listening.numbers.year // 10 * 10
    mean = listening.numbers.groupby(decade)[["loudness", "acousticness"]].mean()
    assert mean.loudness[2010] > mean.loudness[1970] + 1.5
    assert mean.acousticness[2010] < mean.acousticness[1970] - 0.05


def test_genres_are_correlated_clusters(listening: Listening) -> None:
    tracks, numbers = listening.tracks, listening.numbers
    assert 75 <= tracks.genre.nunique() <= 100
    by_genre = numbers[["energy", "loudness", "acousticness", "valence"]].groupby(tracks.genre)
    between = (
        by_genre.transform("mean").var() / numbers[["energy", "loudness", "acousticness", "valence"]].var()
    )
    assert (between > 0.2).all()
    within = numbers[["energy", "loudness", "acousticness"]] - by_genre.transform("mean")
    within = within[["energy", "loudness", "acousticness"]].corr()
    assert within.loc["energy", "loudness"] > 0.3
    assert within.loc["energy", "acousticness"] < -0.25


def test_followings_are_heavy_tailed(listening: Listening) -> None:
    plays = np.asarray(listening.learn.sum(axis=0)).ravel()
    by_artist = np.sort(np.bincount(listening.artist, weights=plays))[::-1]
    assert by_artist[: len(by_artist) // 10].sum() > 0.3 * by_artist.sum()
