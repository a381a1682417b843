"""The curve over popularity_weight, and the weight chosen on it."""

from __future__ import annotations

import numpy as np
import pytest

from segue.evaluate.bootstrap import ClusterBootstrap
from segue.evaluate.curve import CurvePoint, choose_weight, measure_curve, weights


def point(weight: float, leading: float | None) -> CurvePoint:
    return CurvePoint(popularity_weight=weight, leading=leading, low=None, high=None, popularity=None)


def test_weights_span_zero_to_one():
    assert weights(0.25) == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert weights(0.3) == [0.0, 0.3, 0.6, 0.9, 1.0]
    assert len(weights(0.05)) == 21
    assert weights(1.0) == [0.0, 1.0]


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        # within 5 % of 0.100
        ([0.100, 0.099, 0.096, 0.090, 0.010], 0.5),
        # exactly at the limit still counts
        ([0.100, 0.095, 0.0949, 0.0, 0.0], 0.25),
        # popularity helps: the best is at 0.5
        ([0.050, 0.080, 0.100, 0.096, 0.020], 0.75),
        ([0.100, 0.100, 0.100, 0.100, 0.100], 1.0),
        # no evidence that popularity is free
        ([0.0, 0.0, 0.0, 0.0, 0.0], 0.0),
        ([None, None, None, None, None], 0.0),
    ],
)
def test_the_largest_weight_that_is_nearly_free(figures, expected):
    points = [point(weight, figure) for weight, figure in zip(weights(0.25), figures, strict=True)]
    assert choose_weight(points, loss_allowed=0.05) == expected


def test_a_weight_that_may_cost_more_is_not_free():
    points = [
        point(0.0, 0.100).model_copy(update={"gain_low": 0.0}),
        point(0.5, 0.099).model_copy(update={"gain_low": -0.004}),
        point(1.0, 0.098).model_copy(update={"gain_low": -0.020}),
    ]
    assert choose_weight(points, loss_allowed=0.05) == 0.5


def test_no_points():
    assert choose_weight([], loss_allowed=0.05) == 0.0


def test_each_weight_is_judged_on_its_own_lists():
    lists = {0.0: np.array([[1], [1]]), 0.5: np.array([[1], [0]]), 1.0: np.array([[0], [0]])}
    points = measure_curve(
        lambda weight: lists[weight],
        weights(0.5),
        leading=lambda recs: recs[:, 0].astype(float),
        popularity=lambda recs: np.where(recs[:, 0] == 0, 80.0, 20.0),
        draws=ClusterBootstrap(np.array([0, 1])),
    )
    assert [p.leading for p in points] == [1.0, 0.5, 0.0]
    assert [p.popularity for p in points] == [20.0, 50.0, 80.0]
    assert (points[1].low, points[1].high) == (0.0, 1.0)
    assert [p.gain_low for p in points] == [0.0, -1.0, -1.0]
