"""Population stability index."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.evaluate.drift import psi


def test_by_hand():
    # shares 0.5/0.5 against 0.75/0.25, large enough for smoothing not to matter
    expected = 0.25 * math.log(1.5) - 0.25 * math.log(0.5)
    assert psi([500_000, 500_000], [750_000, 250_000]) == pytest.approx(expected, abs=1e-5)


def test_the_same_distribution_is_stable_whatever_the_size():
    assert psi([10_000, 20_000, 30_000], [1_000, 2_000, 3_000]) < 1e-4


def test_empty_bins_stay_finite():
    assert 1 < psi([100, 0], [0, 100]) < 20
    assert math.isfinite(psi([0, 10], [10, 0]))


def test_nothing_to_compare():
    assert math.isnan(psi([0, 0], [1, 2]))
    assert math.isnan(psi([1, 2], [0, 0]))
    with pytest.raises(ValueError, match="3"):
        psi([1, 2], [1, 2, 3])


@given(st.lists(st.tuples(st.integers(0, 9999), st.integers(0, 9999)), min_size=2, max_size=30))
def test_never_negative(bins):
    expected, actual = np.array(bins).T
    if expected.sum() and actual.sum():
        assert psi(expected, actual) >= 0
