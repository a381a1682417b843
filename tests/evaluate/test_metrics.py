"""List metrics: answers by hand, scikit-learn as oracle, properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import ndcg_score

from segue.evaluate import metrics

HITS = np.array([[1, 0, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]], dtype=bool)
RELEVANT = np.array([4, 2, 0])


def test_precision_counts_what_a_short_list_lacks_as_missed():
    assert metrics.precision(HITS, 2).tolist() == [0.5, 0.0, 1.0]
    assert metrics.precision(HITS, 8).tolist() == [0.25, 0.0, 0.5]


def test_hit_is_one_where_any_of_the_first_k_is_relevant():
    assert metrics.hit(np.array([[0, 0, 1]], dtype=bool), 2).tolist() == [0.0]
    assert metrics.hit(np.array([[0, 0, 1]], dtype=bool), 3).tolist() == [1.0]


def test_recall_is_not_defined_where_nothing_is_relevant():
    found = metrics.recall(HITS, RELEVANT, 4)
    assert found[:2].tolist() == [0.5, 0.0]
    assert math.isnan(found[2])


def test_r_precision_looks_at_as_many_places_as_there_are_relevant_tracks():
    hits = np.array([[1, 0, 1, 1], [1, 0, 1, 1]], dtype=bool)
    assert metrics.r_precision(hits, np.array([2, 3])).tolist() == pytest.approx([0.5, 2 / 3])
    # R above the depth of the lists: what was never asked for is not missed
    assert metrics.r_precision(hits, np.array([90, 4])).tolist() == [0.75, 0.75]


def test_ndcg_by_hand():
    # gains at places 1 and 3, two relevant: (1 + 1/2) / (1 + 1/log2(3))
    found = metrics.ndcg(np.array([[1, 0, 1]], dtype=bool), np.array([2]), 3)
    assert found[0] == pytest.approx(1.5 / (1 + 1 / math.log2(3)))
    assert metrics.ndcg(np.ones((1, 5), bool), np.array([5]), 5)[0] == pytest.approx(1.0)
    assert math.isnan(metrics.ndcg(HITS, RELEVANT, 3)[2])


def test_ndcg_agrees_with_scikit_learn():
    rng = np.random.default_rng(3)
    hits = rng.random((20, 12)) < 0.4
    scores = np.tile(-np.arange(12.0), (20, 1))
    ours = metrics.ndcg(hits, hits.sum(axis=1), 5)
    for line, value in zip(hits, ours, strict=True):
        if line.any():
            assert value == pytest.approx(ndcg_score(line[None].astype(float), scores[:1], k=5))


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 14), st.integers(1, 14), st.integers(0, 10_000))
def test_graded_ndcg_agrees_with_scikit_learn_with_ties(width, k, seed):
    rng = np.random.default_rng(seed)
    gains = rng.integers(0, 100, size=(1, width)).astype(float)
    scores = rng.integers(0, 4, size=(1, width)).astype(float)
    ours = metrics.ndcg_graded(gains, scores, np.ones(gains.shape, bool), k)[0]
    if gains.sum() == 0:
        assert math.isnan(ours)
    else:
        assert ours == pytest.approx(ndcg_score(gains, scores, k=k))


def test_graded_ndcg_ignores_padding():
    gains, scores = np.array([[50.0, 10, 0, 99]]), np.array([[1.0, 2, 3, 4]])
    padded = metrics.ndcg_graded(gains, scores, np.array([[True, True, True, False]]), 3)
    assert padded == pytest.approx(metrics.ndcg_graded(gains[:, :3], scores[:, :3], np.ones((1, 3), bool), 3))


def test_compact_moves_the_next_ones_up():
    recs = np.array([[4, 5, 6, 7], [1, 2, -1, -1]], dtype=np.int32)
    drop = np.array([[True, False, True, False], [False, True, False, False]])
    assert metrics.compact(recs, drop).tolist() == [[5, 7, -1, -1], [1, -1, -1, -1]]


@settings(max_examples=80, deadline=None)
@given(arrays(np.int32, (3, 6), elements=st.integers(0, 9)), arrays(bool, (3, 6)))
def test_compact_keeps_the_others_in_order(recs, drop):
    for before, gone, after in zip(recs, drop, metrics.compact(recs, drop), strict=True):
        kept = before[~gone].tolist()
        assert after.tolist() == kept + [-1] * (6 - len(kept))


def test_compact_keeps_a_long_list_in_order():
    # numpy sorts up to sixteen values by another way, which keeps the order whatever is asked for
    recs = np.arange(200, dtype=np.int32)[None, :]
    kept = metrics.compact(recs, recs % 3 == 0)[0].tolist()
    assert kept == [row for row in range(200) if row % 3] + [-1] * 67


def test_genre_precision_never_matches_a_missing_genre():
    genre = np.array([0, 0, 1, -1, -1], dtype=np.int32)
    recs = np.array([[1, 2, 3, -1], [4, 0, 1, 2]], dtype=np.int32)
    found = metrics.genre_precision(recs, genre, np.array([0, 3], dtype=np.int32), 4)
    assert found[0] == 0.25
    assert math.isnan(found[1])


def test_mean_popularity_and_artists_leave_padding_out():
    popularity = np.array([10.0, np.nan, 30.0], dtype=np.float32)
    recs = np.array([[0, 1, 2, -1], [1, -1, -1, -1]], dtype=np.int32)
    found = metrics.mean_popularity(recs, popularity, 4)
    assert found[0] == 20.0
    assert math.isnan(found[1])
    artist = np.array([7, 7, 8], dtype=np.int32)
    assert metrics.artists_per_list(recs, artist, 4).tolist() == [2.0, 1.0]
    assert math.isnan(metrics.artists_per_list(np.full((1, 3), -1, np.int32), artist, 3)[0])


def test_intra_list_distance_is_the_mean_over_pairs():
    vectors = np.array([[0, 0], [3, 4], [6, 8]], dtype=np.float32)
    recs = np.array([[0, 1, 2], [0, 1, -1], [2, -1, -1]], dtype=np.int32)
    found = metrics.intra_list_distance(recs, vectors, 3, block=2)
    assert found[:2].tolist() == pytest.approx([(5 + 5 + 10) / 3, 5.0])
    assert math.isnan(found[2])


def test_exposure_coverage_gini_and_hubness_by_hand():
    recs = np.array([[0, 1, 3], [0, -1, 3]], dtype=np.int32)
    counts = metrics.exposure(recs, 4, 2)
    assert counts.tolist() == [2, 1, 0, 0]
    assert metrics.coverage(counts) == 0.5
    # mean absolute difference over all ordered pairs, over twice the mean
    pairs = np.abs(counts[:, None] - counts[None, :]).mean() / (2 * counts.mean())
    assert metrics.gini(counts) == pytest.approx(pairs)
    gap = counts - counts.mean()
    assert metrics.hubness(counts) == pytest.approx((gap**3).mean() / (gap**2).mean() ** 1.5)


def test_even_exposure_is_zero_in_gini_and_hubness():
    even = np.full(9, 3)
    assert metrics.gini(even) == pytest.approx(0.0)
    assert metrics.hubness(even) == 0.0
    assert metrics.gini(np.zeros(5, np.int64)) == 0.0
    assert metrics.gini(np.array([0] * 99 + [7])) == pytest.approx(0.99)


@settings(max_examples=80, deadline=None)
@given(arrays(bool, (4, 10)), st.integers(1, 10), st.integers(0, 5))
def test_figures_are_shares_and_a_better_place_is_never_worse(hits, k, extra):
    relevant = hits.sum(axis=1) + extra
    for values in (
        metrics.precision(hits, k),
        metrics.ndcg(hits, relevant, k),
        metrics.recall(hits, relevant, k),
        metrics.r_precision(hits, relevant),
    ):
        known = values[~np.isnan(values)]
        assert ((known >= 0) & (known <= 1 + 1e-12)).all()
    best = np.sort(hits, axis=1)[:, ::-1]
    ours, sorted_first = metrics.ndcg(hits, relevant, k), metrics.ndcg(best, relevant, k)
    assert (np.nan_to_num(sorted_first) >= np.nan_to_num(ours) - 1e-12).all()


def test_ndcg_discounts_by_the_logarithm_of_the_place():
    # one relevant track, at the second of more places than are asked for
    assert metrics.ndcg(np.array([[0, 1, 1]], dtype=bool), np.array([1]), 2)[0] == pytest.approx(
        1 / math.log2(3)
    )
    # fewer places than are asked for, and more relevant ones than places
    assert metrics.ndcg(np.array([[1]], dtype=bool), np.array([3]), 2)[0] == pytest.approx(
        1 / (1 + 1 / math.log2(3))
    )
    # the best of two places holds two, however many there are
    assert metrics.ndcg(np.ones((1, 4), bool), np.array([4]), 2)[0] == pytest.approx(1)


def test_each_line_of_graded_gains_is_for_itself():
    gains = np.array([[3.0, 0, 1], [0, 0, 2], [0, 0, 0]])
    scores = np.array([[3.0, 2, 1], [3.0, 2, 1], [1.0, 1, 1]])
    found = metrics.ndcg_graded(gains, scores, np.ones((3, 3), bool), 3)
    assert found[:2].tolist() == pytest.approx([(3 + 1 / 2) / (3 + 1 / math.log2(3)), 1 / 2])
    assert math.isnan(found[2])
    # the last score of a line and the first of the next are no tie
    same = metrics.ndcg_graded(
        np.array([[2.0, 0], [0, 2.0]]), np.array([[2.0, 1], [1, 0]]), np.ones((2, 2), bool), 1
    )
    assert same.tolist() == [1, 0]


def test_the_first_track_of_the_catalogue_counts_like_any_other():
    genre = np.array([1, 1, 0], dtype=np.int32)
    recs = np.array([[0, 1, 2], [2, 0, -1]], dtype=np.int32)
    found = metrics.genre_precision(recs, genre, np.array([1, 2], dtype=np.int32), 2)
    assert found.tolist() == [1.0, 0.5]
    artist = np.array([0, 1, 2], dtype=np.int32)
    assert metrics.artists_per_list(recs, artist, 3).tolist() == [3.0, 2.0]
    assert metrics.artists_per_list(recs, artist, 1).tolist() == [1.0, 1.0]


def test_one_line_more_changes_no_other():
    recs = np.array([[4, 5, 6], [1, 2, 2]], dtype=np.int32)
    drop = np.array([[False, True, False], [True, False, False]])
    assert metrics.compact(recs, drop).tolist() == [[4, 6, -1], [2, 2, -1]]
    genre = np.array([0, 0, 1, 0, 0, 0, 1], dtype=np.int32)
    assert metrics.genre_precision(
        recs, genre, np.array([0, 2], dtype=np.int32), 3
    ).tolist() == pytest.approx([2 / 3, 2 / 3])


@settings(max_examples=40, deadline=None)
@given(arrays(np.int32, (5, 6), elements=st.integers(-1, 9)), st.integers(1, 7), st.integers(1, 6))
def test_distances_within_a_list_are_those_of_its_pairs(recs, k, block):
    recs = -np.sort(-recs, axis=1)
    # whole numbers, each track half a unit from the next
    vectors = np.column_stack((np.arange(10) / 2, np.full(10, 3))).astype(np.float32)
    found = metrics.intra_list_distance(recs, vectors, k, block=block)
    for line, value in zip(recs[:, :k].tolist(), found, strict=True):
        kept = [row for row in line if row >= 0]
        gaps = [abs(a - b) / 2 for i, a in enumerate(kept) for b in kept[:i]]
        if gaps:
            assert value == pytest.approx(sum(gaps) / len(gaps), abs=1e-6)
        else:
            assert math.isnan(value)


def test_a_block_is_as_large_as_is_said_and_the_last_one_smaller():
    vectors = np.array([[0.0], [1.0], [3.0]], dtype=np.float32)
    recs = np.array([[0, 1], [1, 2], [0, 2], [0, 0], [2, 1]], dtype=np.int32)
    expected = [1.0, 2.0, 3.0, 0.0, 2.0]
    for block in (1, 2, 3, 5, 512):
        assert metrics.intra_list_distance(recs, vectors, 2, block=block).tolist() == expected


def test_a_catalogue_of_no_tracks_has_figures():
    none = metrics.exposure(np.full((1, 2), -1, np.int32), 0, 2)
    assert (metrics.coverage(none), metrics.gini(none), metrics.hubness(none)) == (0.0, 0.0, 0.0)


def test_figures_are_floats_and_counts_whole_numbers():
    hits, one = np.ones((1, 2), bool), np.ones(1, np.int64)
    recs = np.zeros((1, 2), np.int32)
    popularity = np.ones(1, np.float32)
    figures = [
        metrics.precision(hits, 2),
        metrics.hit(hits, 2),
        metrics.recall(hits, one, 2),
        metrics.mean_popularity(recs, popularity, 2),
        metrics.artists_per_list(recs, recs[0], 2),
        metrics.intra_list_distance(recs, popularity[:, None], 2),
    ]
    assert {values.dtype for values in figures} == {np.dtype(np.float64)}
    assert metrics.exposure(recs, 1, 2).dtype == np.int64


def test_shares_below_one_are_divided_too():
    # a gain under 1 is a gain: what there is to reach is more than nothing
    assert metrics.ndcg_graded(
        np.array([[0.5, 0.25]]), np.array([[2.0, 1]]), np.ones((1, 2), bool), 1
    ).tolist() == [1.0]
    assert metrics.recall(np.array([[True]]), np.array([1]), 1).tolist() == [1.0]
