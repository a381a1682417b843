"""How the figures move with ``popularity_weight``, and the default that is chosen from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from segue.evaluate.bootstrap import ClusterBootstrap
from segue.evaluate.metrics import Floats, Rows

__all__ = ["CurvePoint", "choose_weight", "measure_curve", "weights"]


class CurvePoint(BaseModel):
    """The figures at one weight, on validation seeds.

    Attributes
    ----------
    popularity_weight
        0 orders by similarity (or relevance) alone, 1 by predicted popularity alone, as the base design does.
    leading, low, high
        The leading metric and its 95 % interval; None where it is not defined.
    gain_low
        Lower end of the interval of the paired difference to weight 0, in units of the metric.
    popularity
        Mean catalogue popularity of the lists; None where the catalogue has none.
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
    """Judge the lists at each weight.

    Parameters
    ----------
    lists_at
        Lists int32 [q, depth] at a weight.
    at
        The weights.
    leading, popularity
        From lists to a figure for each seed, float64 [q], NaN where not defined.
    draws
        Of the same q seeds.
    """
    points = []
    first: Floats | None = None
    for weight in at:
        lists = lists_at(weight)
        values = leading(lists)
        first = values if first is None else first
        found = draws.mean(values).as_dict()
        points.append(
            CurvePoint(
                popularity_weight=weight,
                leading=found["mean"],
                low=found["low"],
                high=found["high"],
                gain_low=draws.difference(values, first).as_dict()["low"],
                popularity=draws.mean(popularity(lists)).as_dict()["mean"],
            )
        )
    return points


def choose_weight(points: Sequence[CurvePoint], *, loss_allowed: float) -> float:
    """The largest weight that is nearly free.

    Its leading figure lies within a share of the best, and so does the lower end of its paired difference to
    weight 0: on few playlists the mean alone would let a weight through that costs much more on others. Where
    the leading metric is nowhere defined or nowhere above 0 there is no evidence that popularity is free,
    and the weight is 0.
    """
    known = [point for point in points if point.leading is not None]
    best = max((point.leading or 0.0 for point in known), default=0.0)
    if best <= 0:
        return 0.0
    loss = loss_allowed * best + 1e-12
    free = [
        point.popularity_weight
        for point in known
        if (point.leading or 0.0) >= best - loss and (point.gain_low is None or point.gain_low >= -loss)
    ]
    return max(free, default=0.0)
