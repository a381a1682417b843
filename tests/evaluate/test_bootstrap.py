"""Cluster bootstrap: exact where it must be, wide where seeds hang together."""

from __future__ import annotations

import math

import numpy as np
import pytest

from segue.evaluate.bootstrap import ClusterBootstrap, Figure


def test_mean_and_difference_are_those_of_the_seeds():
    draws = ClusterBootstrap(np.array([3, 3, 9, 9, 9]))
    values = np.array([1.0, 0, 1, 1, 0])
    assert draws.mean(values).mean == pytest.approx(0.6)
    found = draws.difference(values, np.zeros(5))
    assert found.mean == pytest.approx(0.6)
    assert found.low <= found.mean <= found.high


def test_a_constant_difference_has_no_width_although_the_values_vary():
    rng = np.random.default_rng(0)
    theirs = rng.random(300)
    found = ClusterBootstrap(rng.integers(0, 30, 300)).difference(theirs + 0.1, theirs)
    assert found.low == pytest.approx(0.1)
    assert found.high == pytest.approx(0.1)


def test_the_same_seed_gives_the_same_interval_and_another_one_does_not():
    values = np.random.default_rng(1).random(200)
    clusters = np.arange(200) // 5
    assert ClusterBootstrap(clusters).mean(values) == ClusterBootstrap(clusters).mean(values)
    assert ClusterBootstrap(clusters, seed=1).mean(values) != ClusterBootstrap(clusters, seed=2).mean(values)


def test_width_agrees_with_the_standard_error_where_each_seed_is_a_cluster():
    values = np.random.default_rng(2).normal(size=2000)
    found = ClusterBootstrap(np.arange(2000), rounds=4000).mean(values)
    expected = 2 * 1.96 * values.std() / math.sqrt(2000)
    assert (found.high - found.low) == pytest.approx(expected, rel=0.08)


def test_seeds_that_hang_together_widen_the_interval():
    per_cluster = np.random.default_rng(3).normal(size=40)
    values = np.repeat(per_cluster, 25)
    alone = ClusterBootstrap(np.arange(1000)).mean(values)
    together = ClusterBootstrap(np.repeat(np.arange(40), 25)).mean(values)
    assert (together.high - together.low) > 3 * (alone.high - alone.low)


def test_undefined_figures_are_left_out():
    found = ClusterBootstrap(np.array([0, 1, 2])).mean(np.array([1.0, np.nan, 0.0]))
    assert found.mean == 0.5
    assert found.seeds == 2
    nothing = ClusterBootstrap(np.array([0, 1])).mean(np.array([np.nan, np.nan]))
    assert nothing == Figure(mean=None, low=None, high=None, seeds=0)


def test_one_cluster_has_a_mean_but_no_interval():
    found = ClusterBootstrap(np.zeros(10, int)).mean(np.arange(10.0))
    assert found.mean == 4.5
    assert (found.low, found.high) == (None, None)


def test_no_seeds_at_all():
    assert ClusterBootstrap(np.empty(0, np.int32)).mean(np.empty(0)).seeds == 0
