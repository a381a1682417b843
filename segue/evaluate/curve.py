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
    popularity
        Mean catalogue popularity of the lists; None where the catalogue has none.
    """

    model_config = ConfigDict(frozen=True)

    popularity_weight: float
    leading: float | None
    low: float | None
    high: float | None
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
    for weight in at:
        lists = lists_at(weight)
        found = draws.mean(leading(lists)).as_dict()
        points.append(
            CurvePoint(
                popularity_weight=weight,
                leading=found["mean"],
                low=found["low"],
                high=found["high"],
                popularity=draws.mean(popularity(lists)).as_dict()["mean"],
            )
        )
    return points


def choose_weight(points: Sequence[CurvePoint], *, loss_allowed: float) -> float:
    """The largest weight whose loss in the leading metric stays within a share of the best.

    Popularity is used as far as it is nearly free. Where the leading metric is nowhere defined or nowhere
    above 0 there is no evidence that popularity is free, and the weight is 0.
    """
    figures = [(p.popularity_weight, p.leading) for p in points if p.leading is not None]
    best = max((figure for _, figure in figures), default=0.0)
    if best <= 0:
        return 0.0
    return max(weight for weight, figure in figures if figure >= (1 - loss_allowed) * best - 1e-12)
