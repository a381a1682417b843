"""``reference.json``: bins and reference shares for drift detection.

Serving counts features of requests and outputs of lists in these bins; dashboards compare the shares.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from segue.features.transform import GENRE, FeatureTransform

__all__ = ["MISSING", "Bins", "Reference", "fit_bins", "fit_reference"]

Floats = npt.NDArray[np.float32]

MISSING = "missing"
OTHER = "other"
# Ten bins of equal share, for which the usual thresholds 0.1 and 0.2 of the population stability index hold.
_QUANTILES = 10
_MAX_NAMED = 20


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Bins(_Frozen):
    """Bins for the values of one feature or output.

    Attributes
    ----------
    kind
        ``range``: `edges` are inner boundaries, bin i holds ``edges[i-1] <= x < edges[i]``.
        ``value``: `edges` are the values themselves; other values are counted as `other`.
    edges
        Ascending.
    labels
        Names of the bins, in order; the last is `missing`.
    shares
        Share of each bin in the reference.
    """

    kind: Literal["range", "value"]
    edges: tuple[float, ...]
    labels: tuple[str, ...]
    shares: tuple[float, ...] = ()

    def of(self, values: Floats) -> npt.NDArray[np.intp]:
        """Bin of each value, int [n]; NaN goes to the last bin, `missing`."""
        edges = np.asarray(self.edges, np.float32)
        if self.kind == "range":
            bins = np.searchsorted(edges, values, side="right")
        else:
            bins = np.minimum(np.searchsorted(edges, values), max(len(edges) - 1, 0))
            known = edges[bins] == values if len(edges) else np.zeros(len(values), np.bool_)
            bins = np.where(known, bins, len(edges))
        return np.where(np.isfinite(values), bins, len(self.labels) - 1)

    def count(self, values: Floats) -> npt.NDArray[np.int64]:
        """Number of values in each bin, int64 [bins]."""
        return np.bincount(self.of(values), minlength=len(self.labels)).astype(np.int64)

    def with_shares(self, values: Floats) -> Bins:
        """The same bins with the shares of these values."""
        shares = self.count(values) / max(len(values), 1)
        return self.model_copy(update={"shares": tuple(np.round(shares, 6).tolist())})


class Reference(_Frozen):
    """``reference.json``.

    Attributes
    ----------
    features
        Bins by feature, with the shares in the catalogue.
    outputs
        Bins by output (``similarity``, ``predicted_popularity``, ``score``), with the shares in the
        evaluation's lists.
    """

    features: dict[str, Bins]
    outputs: dict[str, Bins]


def fit_bins(values: Floats) -> Bins:
    """Bins for numbers: one per value if there are few distinct values, else ten of equal share."""
    known = values[np.isfinite(values)]
    distinct = np.unique(known[:100_000])
    if len(distinct) <= _QUANTILES + 2:
        edges = np.unique(known)
        labels = (*(f"{edge:g}" for edge in edges), OTHER, MISSING)
        return Bins(kind="value", edges=tuple(edges.tolist()), labels=labels).with_shares(values)
    cuts = np.quantile(known, np.arange(1, _QUANTILES) / _QUANTILES, method="inverted_cdf")
    edges = np.unique(cuts.astype(np.float32))
    return Bins(kind="range", edges=tuple(edges.tolist()), labels=_range_labels(edges)).with_shares(values)


def fit_reference(transform: FeatureTransform, features: Floats, outputs: Mapping[str, Floats]) -> Reference:
    """Fit bins and shares.

    Parameters
    ----------
    features
        float32 [n, f], of the catalogue; `transform` names them, and the genres.
    outputs
        Output -> its values in the evaluation's lists.
    """
    bins = {
        name: fit_bins(np.asarray(features[:, column]))
        for column, name in enumerate(transform.features)
        if name != GENRE
    }
    bins[GENRE] = _genre_bins(transform.genres, np.asarray(features[:, transform.features.index(GENRE)]))
    return Reference(features=bins, outputs={name: fit_bins(values) for name, values in outputs.items()})


def _genre_bins(genres: tuple[str, ...], codes: Floats) -> Bins:
    """Bins of the largest genres only: every bin is a time series per pod."""
    counts = np.bincount(codes[np.isfinite(codes)].astype(np.intp), minlength=len(genres))
    largest = np.sort(np.argsort(-counts, kind="stable")[:_MAX_NAMED])
    labels = (*(genres[code] for code in largest), OTHER, MISSING)
    return Bins(kind="value", edges=tuple(float(code) for code in largest), labels=labels).with_shares(codes)


def _range_labels(edges: Floats) -> tuple[str, ...]:
    named = [f"{edge:.6g}" for edge in edges]
    inner = [f"{low}..{high}" for low, high in pairwise(named)]
    return (f"<{named[0]}", *inner, f">={named[-1]}", MISSING)
