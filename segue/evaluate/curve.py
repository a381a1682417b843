"""The metrics over ``popularity_weight``, and the choice of its default."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from segue.evaluate.bootstrap import ClusterBootstrap
from segue.evaluate.metrics import Floats, Rows

__all__ = ["CurvePoint", "choose_weight", "measure_curve", "weights"]


class CurvePoint(BaseModel):
    """The metrics at one weight, on validation seeds.

    Attributes
    ----------
    popularity_weight
        0 orders by similarity (or relevance) alone, 1 by predicted popularity alone, as the base design does.
    leading, low, high
        The leading metric and its 95 % interval; None if undefined.
    gain_low
        Lower bound of the interval of the paired difference to weight 0, in units of the metric.
    popularity
        Mean catalogue popularity of the lists; None if the catalogue has none.
    """

    model_config = ConfigDict(frozen=True)

    popularity_weight: float
    leading: float | None
    low: float | None
    high: float | None
    gain_low: float | None = None
    popularity: float | None


def weights(step: float) -> list[float]:
    """0, step, ... 1; the last step may be shorter."""
    count = int(np.ceil(round(1.0 / step, 6)))
    return [round(min(i * step, 1.0), 6) for i in range(count + 1)]


def measure_curve(
    lists_at: Callable[[float], Rows],
    at: Sequence[float],
    *,
    leading: Callable[[Rows], Floats],
    popularity: Callable[[Rows], Floats],
    draws: ClusterBootstrap,
) -> list[CurvePoint]:
    """Evaluate the lists at each weight.

    Parameters
    ----------
    lists_at
        Returns the lists for a weight, int32 [q, depth].
    at
        The weights.
    leading, popularity
        Return a metric of some lists for each seed, float64 [q], NaN where undefined.
    draws
        Bootstrap of the same q seeds.
    """
    points = []
    first: Floats | None = None
    for weight in at:
        lists = lists_at(weight)
        values = leading(lists)
        first = values if first is None else first
        found = draws.mean(values)
        points.append(
            CurvePoint(
                popularity_weight=weight,
                leading=found.mean,
                low=found.low,
                high=found.high,
                gain_low=draws.difference(values, first).low,
                popularity=draws.mean(popularity(lists)).mean,
            )
        )
    return points


def choose_weight(points: Sequence[CurvePoint], *, loss_allowed: float) -> float:
    """The largest weight that costs little of the leading metric.

    Two values must be within `loss_allowed` times the best metric: the loss of the mean to the best, and the
    loss to weight 0 at the lower bound of the paired difference. With few playlists the mean alone would
    accept weights that cost much more on other playlists. Without a weight at which the metric is defined and
    above 0, the weight is 0.
    """
    known = [point for point in points if point.leading is not None]
    best = max((point.leading or 0.0 for point in known), default=0.0)
    if best <= 0:
        return 0.0
    loss = loss_allowed * best + 1e-12
    acceptable = [
        point.popularity_weight
        for point in known
        if (point.leading or 0.0) >= best - loss and (point.gain_low is None or point.gain_low >= -loss)
    ]
    return max(acceptable, default=0.0)
