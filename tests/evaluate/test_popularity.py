"""Judging the popularity model."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import mean_absolute_error, ndcg_score, r2_score

from segue.evaluate.popularity import calibration, genre_year_mean, judge, ndcg_within


def test_regression_agrees_with_scikit_learn_and_scipy():
    rng = np.random.default_rng(0)
    actual = rng.integers(0, 100, 500).astype(np.float32)
    predicted = (actual * 0.5 + rng.normal(0, 10, 500)).astype(np.float32)
    found = judge(actual, predicted)
    assert found.r2 == pytest.approx(r2_score(actual, predicted), abs=1e-6)
    assert found.mae == pytest.approx(mean_absolute_error(actual, predicted), abs=1e-4)
    assert found.spearman == pytest.approx(spearmanr(actual, predicted).statistic)


def test_unknown_popularity_is_left_out():
    found = judge(np.array([1, np.nan, 3], np.float32), np.array([1, 50, 3], np.float32))
    assert found.tracks == 2
    assert found.mae == 0
    nothing = judge(np.array([np.nan], np.float32), np.array([1], np.float32))
    assert (nothing.tracks, nothing.r2, nothing.mae, nothing.spearman) == (0, None, None, None)


def test_a_constant_has_no_rank_correlation_and_explains_nothing():
    found = judge(np.array([1.0, 2, 3]), np.full(3, 2.0))
    assert found.spearman is None
    assert found.r2 == pytest.approx(0)
    assert judge(np.full(3, 5.0), np.array([1.0, 2, 3])).r2 is None


def test_genre_and_year_mean_uses_training_tracks_alone():
    genre = np.array([0] * 1000 + [1] * 1000 + [-1, 0], dtype=np.int32)
    year = np.array([2000.0] * 1000 + [2010.0] * 1000 + [np.nan, 1990.0])
    popularity = np.array([20.0] * 1000 + [60.0] * 1000 + [99.0, np.nan])
    training = np.ones(2002, bool)
    training[[500, 2000]] = False
    popularity[500] = 100
    found = genre_year_mean(genre, year, popularity, training)
    overall = popularity[training & ~np.isnan(popularity)].mean()
    # the genre's mean is drawn towards the overall mean, the year's towards that
    of_genre = (999 * 20 + 20 * overall) / 1019
    assert found[0] == pytest.approx((999 * 20 + 20 * of_genre) / 1019)
    assert found[500] == found[0]
    assert found[1500] == pytest.approx(60, abs=1)
    assert found[2000] == pytest.approx(overall)
    assert found[2001] == pytest.approx(of_genre)


def test_calibration_bins_hold_equally_many_tracks():
    predicted = np.arange(100, dtype=np.float32)[::-1].copy()
    found = calibration(predicted * 2, predicted, bins=4)
    assert [part.tracks for part in found] == [25] * 4
    assert found[0].predicted == pytest.approx(12.0)
    assert found[-1].actual == pytest.approx(2 * 87.0)


def test_ndcg_within_looks_only_at_judged_candidates():
    popularity = np.array([10, 90, 50, 70, 30], dtype=np.float32)
    scores = np.array([1, 2, 3, 4, 5], dtype=np.float64)
    judged = np.array([True, False, True, True, True])
    candidates = np.array([[0, 1, 2, 3, 4], [0, 1, 2, -1, -1]], dtype=np.int32)
    found = ndcg_within(candidates, popularity, scores, judged, 3)
    kept = [0, 2, 3, 4]
    assert found[0] == pytest.approx(ndcg_score([popularity[kept]], [scores[kept]], k=3))
    assert math.isnan(found[1])
