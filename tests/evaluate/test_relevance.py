"""Relevance from held-out playlists, against a brute-force reading of the definition."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from segue.evaluate.relevance import from_playlists, sample_tracks
from segue.features.split import TEST, VALIDATION


def playlists(rows: list[tuple[str, int, int]]) -> pa.Table:
    ids, tracks, split = zip(*rows, strict=True) if rows else ((), (), ())
    return pa.table(
        {
            "playlist_id": pa.array(ids, pa.string()),
            "track": pa.array(tracks, pa.int32()),
            "split": pa.array(split, pa.uint8()),
        }
    )


def as_sets(relevance) -> dict[int, set[int]]:
    return {
        int(seed): set(relevance.rows[relevance.start[i] : relevance.start[i + 1]].tolist())
        for i, seed in enumerate(relevance.seeds)
    }


def test_tracks_that_share_a_held_out_playlist_are_relevant():
    table = playlists(
        [
            ("b", 0, 2),
            ("b", 1, 2),
            ("b", 2, 2),
            ("a", 2, 2),
            ("a", 3, 2),
            ("v", 0, 1),
            ("v", 5, 1),
            ("t", 0, 0),
        ]
    )
    own = np.arange(6, dtype=np.int32)
    found = from_playlists(table, own, split=TEST, max_seeds=99)
    assert as_sets(found) == {0: {1, 2}, 1: {0, 2}, 2: {0, 1, 3}, 3: {2}}
    assert found.playlists == 2
    # numbered by id: "a" is 0; a track of both counts with the first
    assert found.clusters.tolist() == [1, 1, 0, 0]
    assert as_sets(from_playlists(table, own, split=VALIDATION, max_seeds=99)) == {0: {5}, 5: {0}}


def test_releases_of_the_seeds_recording_are_not_relevant_and_lonely_seeds_are_left_out():
    table = playlists(
        [("a", 0, 2), ("a", 1, 2), ("a", 2, 2), ("alone", 3, 2), ("same", 4, 2), ("same", 5, 2)]
    )
    recording = np.array([7, 7, 8, 9, 5, 5], dtype=np.int32)
    assert as_sets(from_playlists(table, recording, split=TEST, max_seeds=99)) == {0: {2}, 1: {2}, 2: {0, 1}}


def test_a_track_listed_twice_counts_once():
    table = playlists([("a", 0, 2), ("a", 0, 2), ("a", 1, 2), ("b", 0, 2), ("b", 1, 2)])
    found = from_playlists(table, np.arange(2, dtype=np.int32), split=TEST, max_seeds=9)
    assert found.counts.tolist() == [1, 1]


def test_against_brute_force():
    rng = np.random.default_rng(5)
    n, rows = 60, []
    for number in range(25):
        members = rng.choice(n, size=rng.integers(1, 9), replace=False)
        rows += [(f"p{number:02}", int(track), int(rng.integers(0, 3))) for track in members]
    recording = rng.integers(0, 40, n).astype(np.int32)
    expected: dict[int, set[int]] = {}
    held_out = [(name, track) for name, track, split in rows if split == TEST]
    for name, track in held_out:
        others = {t for other, t in held_out if other == name and recording[t] != recording[track]}
        expected.setdefault(track, set()).update(others)
    found = from_playlists(playlists(rows), recording, split=TEST, max_seeds=999)
    assert as_sets(found) == {seed: others for seed, others in sorted(expected.items()) if others}


def test_hits_and_artist_filter():
    table = playlists([("a", 0, 2), ("a", 1, 2), ("a", 2, 2), ("a", 3, 2)])
    found = from_playlists(table, np.arange(5, dtype=np.int32), split=TEST, max_seeds=9)
    recs = np.array([[1, 4, -1], [0, 1, 2], [4, 3, -1], [-1, -1, -1]], dtype=np.int32)
    assert found.hits(recs, 5).tolist() == [
        [True, False, False],
        [True, False, True],
        [False, True, False],
        [False, False, False],
    ]
    artist = np.array([0, 0, 1, 1, 2], dtype=np.int32)
    assert as_sets(found.without_own_artist(artist)) == {0: {2, 3}, 1: {2, 3}, 2: {0, 1}, 3: {0, 1}}


def test_take_keeps_the_chosen_seeds_whole():
    table = playlists([("a", 0, 2), ("a", 1, 2), ("b", 2, 2), ("b", 3, 2), ("b", 4, 2)])
    found = from_playlists(table, np.arange(5, dtype=np.int32), split=TEST, max_seeds=9)
    assert as_sets(found.take(np.array([True, False, False, True, False]))) == {0: {1}, 3: {2, 4}}


def test_the_sample_is_bounded_and_repeatable():
    rows = [(f"p{i // 10}", i, 2) for i in range(200)]
    own = np.arange(200, dtype=np.int32)
    first = from_playlists(playlists(rows), own, split=TEST, max_seeds=30)
    again = from_playlists(playlists(rows[::-1]), own, split=TEST, max_seeds=30)
    assert len(first.seeds) == 30
    assert first.seeds.tolist() == again.seeds.tolist()
    assert first.rows.tolist() == again.rows.tolist()
    assert (
        as_sets(first)[int(first.seeds[0])]
        == as_sets(from_playlists(playlists(rows), own, split=TEST, max_seeds=999))[int(first.seeds[0])]
    )


def test_no_playlist_of_that_split_gives_no_seed():
    found = from_playlists(
        playlists([("a", 0, 0), ("a", 1, 0)]), np.arange(2, dtype=np.int32), split=2, max_seeds=9
    )
    assert len(found.seeds) == 0
    assert found.hits(np.empty((0, 10), np.int32), 2).shape == (0, 10)


def test_without_playlists_seeds_are_tracks_of_held_out_artists():
    split = np.array([0, 2, 2, 1, 2], dtype=np.uint8)
    artist = np.array([0, 1, 1, 2, 3], dtype=np.int32)
    found = sample_tracks(split, artist, of=TEST, max_seeds=9)
    assert found.seeds.tolist() == [1, 2, 4]
    assert found.clusters.tolist() == [1, 1, 3]
    assert found.counts.tolist() == [0, 0, 0]
    assert not found.hits(np.array([[0], [0], [0]], dtype=np.int32), 5).any()
