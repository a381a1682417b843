"""What playlists teach: the metric, the artists' vectors, and the embedding made of both."""

from __future__ import annotations

import numpy as np
import pytest

from segue.features.artists import artist_vectors
from segue.features.colistening import CoListening, Entries
from segue.features.metric import discriminant_map


def playlists(count: int, length: int, *, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Values of the tracks of playlists: the first column tells them apart, the second is loud noise."""
    random = np.random.default_rng(seed)
    group = np.repeat(np.arange(count), length)
    taste = random.normal(0, 1, count)[group] + random.normal(0, 0.2, len(group))
    return np.column_stack((taste, random.normal(0, 5, len(group)), np.full(len(group), 3.0))), group


def test_the_metric_stretches_what_playlists_agree_on() -> None:
    values, group = playlists(40, 12)
    learned = discriminant_map(values, group, dimensions=3)
    telling, noise, constant = np.linalg.norm(learned, axis=1)
    assert telling > 20 * noise
    assert constant == 0


def test_the_metric_does_not_depend_on_the_columns_scale() -> None:
    values, group = playlists(40, 12)
    scale = np.array([10.0, 0.01, 1.0])
    first = values @ discriminant_map(values, group, dimensions=2)
    second = (values * scale) @ discriminant_map(values * scale, group, dimensions=2)
    np.testing.assert_allclose(first, second, atol=1e-8)


@pytest.mark.parametrize("group", [np.zeros(9, int), np.arange(9)], ids=["one playlist", "all too short"])
def test_where_no_playlists_differ_there_is_no_metric(group: np.ndarray) -> None:
    values = np.random.default_rng(1).normal(size=(9, 2))
    assert discriminant_map(values, group, dimensions=2).shape == (2, 0)


def scenes(count: int = 6, artists: int = 5, lists: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Entries of playlists that each draw on the artists of one scene."""
    random = np.random.default_rng(3)
    playlist = np.repeat(np.arange(count * lists), 4)
    artist = (playlist // lists) * artists + random.integers(0, artists, len(playlist))
    return artist, playlist


def test_artists_who_share_playlists_are_near() -> None:
    artist, playlist = scenes()
    vectors = artist_vectors(artist, playlist, artists=33, dimensions=6)
    near = vectors @ vectors.T
    scene = np.arange(30) // 5
    same = scene[:, None] == scene
    assert near[:30, :30][same].min() > near[:30, :30][~same].max()
    np.testing.assert_allclose(np.linalg.norm(vectors[:30], axis=1), 1, rtol=1e-5)


def test_nothing_is_said_of_an_artist_in_no_playlist() -> None:
    artist, playlist = scenes()
    assert not artist_vectors(artist, playlist, artists=33, dimensions=6)[30:].any()


def test_the_same_playlists_give_the_same_bytes() -> None:
    artist, playlist = scenes()
    first, second = (artist_vectors(artist, playlist, artists=30, dimensions=6) for _ in range(2))
    assert first.tobytes() == second.tobytes()


@pytest.fixture(scope="module")
def listening() -> CoListening:
    random = np.random.default_rng(5)
    return CoListening(
        standard=random.normal(size=(400, 6)).astype(np.float32),
        popularity=np.where(np.arange(400) % 7, random.uniform(0, 100, 400), np.nan).astype(np.float32),
        artist=(np.arange(400) // 8).astype(np.int32),
        training=np.ones(400, np.bool_),
    )


@pytest.fixture(scope="module")
def entries(listening: CoListening) -> Entries:
    order = np.argsort(listening.standard[:, 0], kind="stable").astype(np.int32)
    return Entries(playlist=(np.arange(400) // 10).astype(np.int32), track=order)


def test_a_missing_popularity_is_neither_near_nor_far(listening: CoListening) -> None:
    missing = np.isnan(listening.popularity)
    assert not listening.inputs[missing, -1].any()
    assert listening.inputs[~missing, -1].std() == pytest.approx(1, rel=1e-3)


def test_random_tracks_lie_one_apart_in_taste(listening: CoListening, entries: Entries) -> None:
    fit = listening.fit(entries)
    assert fit is not None
    taste = fit.embedding(listening.inputs, listening.artist)[:, : fit.learned.width]
    gaps = taste[:, None] - taste[None]
    assert np.sqrt((gaps**2).sum(axis=-1).mean()) == pytest.approx(1, rel=0.1)


def test_the_artists_weight_is_the_length_of_their_block(listening: CoListening, entries: Entries) -> None:
    fit = listening.fit(entries)
    assert fit is not None
    block = fit.weighted(0.5).embedding(listening.inputs, listening.artist)[:, fit.learned.width :]
    lengths = np.linalg.norm(block, axis=1)
    np.testing.assert_allclose(lengths[lengths > 0], 0.5, rtol=1e-5)
    assert fit.weighted(0).embedding(listening.inputs, listening.artist).shape[1] == fit.learned.width


def test_a_track_of_no_catalogue_lies_where_a_lone_artists_track_does(
    listening: CoListening, entries: Entries
) -> None:
    """Its artist has this one track, and nothing is known of the artist."""
    lone = CoListening(
        listening.standard, listening.popularity, np.arange(400, dtype=np.int32), listening.training
    )
    fit = lone.fit(entries)
    assert fit is not None
    ours = fit.learned.embed(listening.standard, listening.popularity)[:, : fit.learned.width]
    theirs = fit.embedding(lone.inputs, lone.artist)[:, : fit.learned.width]
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_a_sample_of_playlists_holds_whole_ones(entries: Entries) -> None:
    some = entries.sample(95)
    assert len(some.playlists) == 9
    assert (np.unique(some.playlist, return_counts=True)[1] == 10).all()
