"""The judge: figures of known lists."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from segue.evaluate.judge import GENRE, PLAYLIST, Judge, TrackFacts, labels, leading_metric
from segue.evaluate.relevance import from_playlists, sample_tracks
from segue.features.split import TEST


@pytest.fixture
def facts() -> TrackFacts:
    return TrackFacts(
        artist=np.array([0, 0, 1, 1, 2, 3], dtype=np.int32),
        recording=np.arange(6, dtype=np.int32),
        genre=np.array([0, 1, 0, 1, 0, -1], dtype=np.int32),
        popularity=np.array([10, 20, 30, 40, np.nan, 60], dtype=np.float32),
        embedding=np.arange(6, dtype=np.float32)[:, None],
    )


@pytest.fixture
def relevance(facts):
    table = pa.table(
        {
            "playlist_id": ["a", "a", "a", "b", "b"],
            "track": pa.array([0, 1, 2, 3, 5], pa.int32()),
            "split": pa.array([2] * 5, pa.uint8()),
        }
    )
    return from_playlists(table, facts.recording, split=TEST, max_seeds=9)


def test_the_artist_filter_moves_the_next_ones_up_and_counts_no_own_track(facts, relevance):
    judge = Judge(facts, relevance, k=2)
    # seeds 0, 1, 2, 3, 5
    recs = np.array([[1, 4, 2], [0, 2, 3], [0, 1, 3], [2, 5, 0], [4, 0, 1]], dtype=np.int32)
    found = judge.per_seed(recs)
    assert found["precision"].tolist() == [0.5, 1.0, 1.0, 0.5, 0.0]
    assert judge.without_own_artist(recs)[0].tolist() == [4, 2, -1]
    assert found[PLAYLIST].tolist() == [0.5, 0.5, 1.0, 0.5, 0.0]
    assert judge.leading(recs, PLAYLIST).tolist() == found[PLAYLIST].tolist()
    # of seed 0, genre 0: rows 4 and 2; of seed 5, which has none: not defined
    assert found[GENRE][0] == 1.0
    assert np.isnan(found[GENRE][4])
    assert judge.leading(recs, GENRE)[:4].tolist() == found[GENRE][:4].tolist()


def test_overall_figures(facts, relevance):
    judge = Judge(facts, relevance, k=2)
    recs = np.tile(np.array([[5, 3]], dtype=np.int32), (5, 1))
    found = judge.overall(recs)
    assert found["coverage"] == pytest.approx(2 / 6)
    assert found["distinct_tracks"] == 2
    assert found["popularity_lift"] == pytest.approx(50 / np.mean([10, 20, 30, 40, 60]))
    assert found["popularity_lift_over_catalogue"] == pytest.approx(50 / 32)


def test_differences_are_paired(facts, relevance):
    judge = Judge(facts, relevance, k=1)
    good = judge.per_seed(np.array([[2], [2], [0], [5], [3]], dtype=np.int32))
    bad = judge.per_seed(np.array([[4], [4], [4], [4], [4]], dtype=np.int32))
    gap = judge.differences(good, bad)
    assert gap["precision"].mean == 1.0
    assert gap["precision"].low == 1.0
    assert judge.intervals(bad)["precision"].mean == 0.0


def test_the_leading_metric_falls_back(facts, relevance):
    assert leading_metric(relevance, facts, min_playlists=2) == PLAYLIST
    assert leading_metric(relevance, facts, min_playlists=3) == GENRE
    tracks = sample_tracks(np.full(6, 2, np.uint8), facts.artist, of=TEST, max_seeds=9)
    assert leading_metric(tracks, facts, min_playlists=2) == GENRE
    bare = TrackFacts(**{**facts.__dict__, "genre": np.full(6, -1, np.int32)})
    assert leading_metric(tracks, bare, min_playlists=2) is None


def test_figures_that_the_data_does_not_define_are_not_there(facts):
    tracks = sample_tracks(np.full(6, 2, np.uint8), facts.artist, of=TEST, max_seeds=9)
    bare = TrackFacts(**{**facts.__dict__, "genre": np.full(6, -1, np.int32)})
    found = Judge(bare, tracks, k=2).per_seed(np.zeros((6, 3), np.int32))
    assert set(found) == {"popularity", "artists_per_list", "intra_list_distance", "list_length"}


def test_every_figure_has_a_label(facts, relevance):
    judge = Judge(facts, relevance, k=2)
    recs = np.zeros((5, 3), np.int32)
    assert set(judge.per_seed(recs)) | set(judge.overall(recs)) == set(labels(2, 3))
