"""Baselines: they find what they say, and follow the rules that Segue's own lists follow."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from segue.evaluate import baselines

RECORDING = np.array([0, 0, 1, 2, 2, 3], dtype=np.int32)


def test_finish_leaves_out_the_seeds_recording_and_repeats():
    recs = np.array([[1, 3, 4, 5, 2], [0, 2, -1, -1, -1]], dtype=np.int32)
    found = baselines.finish(recs, np.array([0, 5], dtype=np.int32), RECORDING, 3)
    assert found.tolist() == [[3, 5, 2], [0, 2, -1]]


def test_finish_pads_to_the_depth():
    recs = np.array([[3, 5]], dtype=np.int32)
    assert baselines.finish(recs, np.array([0], dtype=np.int32), RECORDING, 4).tolist() == [[3, 5, -1, -1]]


def test_padding_does_not_hide_or_repeat_a_track():
    recs = np.array([[-1, 5, -1, 3, 4]], dtype=np.int32)
    assert baselines.repeats(recs, RECORDING).tolist() == [[False, False, False, False, True]]
    # the last track, which -1 points at, must not be taken for the seed
    assert baselines.finish(recs, np.array([5], dtype=np.int32), RECORDING, 2).tolist() == [[3, -1]]


def test_random_lists_are_repeatable_even_and_never_hold_the_seed():
    recording = np.arange(50, dtype=np.int32)
    seeds = np.arange(50, dtype=np.int32)
    first = baselines.random_lists(seeds, recording, 10, seed=1)
    assert first.tolist() == baselines.random_lists(seeds, recording, 10, seed=1).tolist()
    assert not (first == seeds[:, None]).any()
    assert all(len(set(line)) == 10 for line in first.tolist())


def test_most_popular_knows_missing_popularity():
    popularity = np.array([90, 80, np.nan, 50, 40, 60], dtype=np.float32)
    found = baselines.most_popular(np.array([0, 5], dtype=np.int32), RECORDING, popularity, 3)
    assert found.tolist() == [[5, 3, 2], [0, 3, 2]]


def test_exact_neighbours_agree_with_scikit_learn():
    vectors = np.random.default_rng(0).normal(size=(300, 5)).astype(np.float32)
    seeds = np.array([3, 77, 299], dtype=np.int32)
    expected = NearestNeighbors(n_neighbors=9).fit(vectors).kneighbors(vectors[seeds], return_distance=False)
    assert baselines.exact_neighbours(vectors, seeds, 9).tolist() == expected.tolist()


def test_base_matrix_is_raw_and_fills_with_the_mean():
    features = np.array([[1, 200_000], [np.nan, 100_000], [3, np.nan]], dtype=np.float32)
    assert baselines.base_matrix(features, [0, 1]).tolist() == [[1, 200_000], [2, 100_000], [3, 150_000]]
    assert np.isnan(features[1, 0])
    assert baselines.base_matrix(np.full((2, 1), np.nan, np.float32), [0]).tolist() == [[0], [0]]


def test_base_design_ranks_its_neighbours_by_popularity():
    vectors = np.arange(12, dtype=np.float32)[:, None]
    popularity = np.array([5, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 99], dtype=np.float32)
    found = baselines.base_design(
        vectors,
        np.array([0], dtype=np.int32),
        np.arange(12, dtype=np.int32),
        lambda rows: popularity[rows],
        neighbours=4,
        depth=3,
    )
    # the hit (row 11) is no neighbour
    assert found.tolist() == [[4, 3, 2]]


@pytest.mark.parametrize("neighbours", [200, 5])
def test_base_design_copes_with_a_catalogue_smaller_than_its_neighbours(neighbours):
    vectors = np.arange(4, dtype=np.float32)[:, None]
    found = baselines.base_design(
        vectors,
        np.array([1], dtype=np.int32),
        np.arange(4, dtype=np.int32),
        lambda rows: np.full(len(rows), np.nan),
        neighbours=neighbours,
        depth=5,
    )
    assert sorted(found[0].tolist()) == [-1, -1, 0, 2, 3]
    assert found[0][3:].tolist() == [-1, -1]
