"""Explain a list: nearest and furthest features, contributions to predicted popularity, dropped tracks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from segue.features.transform import GENRE
from segue.recommend.finish import Picks
from segue.recommend.model import Bundle
from segue.recommend.retrieve import Candidates

__all__ = ["explain"]

_SHOWN = 4


def explain(
    bundle: Bundle, candidates: Candidates, picks: Picks, contributions: npt.NDArray[np.float32] | None
) -> dict[str, Any]:
    """Explain why each track is in the list.

    Parameters
    ----------
    contributions
        float32 [k, f + 1], LightGBM's contributions to the predicted popularity of each track of the list.

    Returns
    -------
    ``items``: for each track its nearest seed, the features nearest to and furthest from that seed's (both
    values, and the distance that the feature adds), and the largest contributions to predicted popularity.
    ``dropped``: how many candidates each rule dropped.
    """
    items = []
    for i, position in enumerate(picks.positions.tolist()):
        row = int(candidates.rows[position])
        seed = int(np.flatnonzero(candidates.query.weights > 0)[candidates.distances[position].argmin()])
        nearest, furthest = _features(bundle, candidates, row, seed)
        entry: dict[str, Any] = {
            "track_id": bundle.value("track_id", row),
            "nearest_seed": _seed_id(bundle, int(candidates.query.rows[seed])),
            "near": nearest,
            "far": furthest,
        }
        if contributions is not None:
            entry["popularity"] = _contributions(bundle, contributions[i])
        items.append(entry)
    return {"items": items, "dropped": {**candidates.dropped, **picks.dropped}}


def _seed_id(bundle: Bundle, row: int) -> str | None:
    return None if row < 0 else bundle.value("track_id", row)


def _features(
    bundle: Bundle, candidates: Candidates, row: int, seed: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The features that add the least distance to the seed, and those that add the most.

    A feature's squared distance is summed over its columns. Under a learned metric each column is weighted by
    the distance that a unit change of it alone adds.
    """
    transform = bundle.transform
    track_features, seed_features = bundle.features[row], candidates.query.features[seed]
    standard = transform.standardise(np.stack((track_features, seed_features)))
    difference = (standard[0] - standard[1]) ** 2
    if transform.learned:
        difference *= transform.learned.importance() ** 2
    names = transform.column_features()
    added: dict[str, float] = {}
    for name, value in zip(names, difference.tolist(), strict=False):
        added[name] = added.get(name, 0.0) + value
    shown = [
        {
            "feature": name,
            "track": _value(bundle, name, track_features),
            "seed": _value(bundle, name, seed_features),
            "distance": round(float(np.sqrt(value)), 3),
        }
        for name, value in sorted(added.items(), key=lambda pair: (pair[1], pair[0]))
    ]
    known = [entry for entry in shown if entry["track"] is not None and entry["seed"] is not None]
    return known[:_SHOWN], known[: -_SHOWN - 1 : -1]


def _value(bundle: Bundle, name: str, features: npt.NDArray[np.float32]) -> float | str | None:
    value = float(features[bundle.transform.features.index(name)])
    if not np.isfinite(value):
        return None
    return bundle.transform.genres[int(value)] if name == GENRE else round(value, 4)


def _contributions(bundle: Bundle, values: npt.NDArray[np.float32]) -> dict[str, float]:
    """The largest contributions to predicted popularity, in points, and the ``average`` that they add to."""
    order = np.argsort(-np.abs(values[:-1]), kind="stable")[:_SHOWN]
    columns = bundle.definition.ranking_columns
    largest = {columns[i]: round(float(values[i]), 2) for i in order}
    return {"average": round(float(values[-1]), 2), **largest}
