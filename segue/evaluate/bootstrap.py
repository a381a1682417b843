"""Confidence intervals by the cluster bootstrap: whole playlists are resampled, not single seeds.

Seeds of one playlist share relevant tracks, so their metrics are correlated; resampling them one by one would
give intervals that are too narrow. The samples depend only on the clusters and the random seed, so all
metrics and methods are compared on the same samples (paired bootstrap).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

__all__ = ["ClusterBootstrap", "Figure"]

_DRAWS_AT_ONCE = 250


class Figure(BaseModel):
    """A metric's mean and its 95 % interval, rounded to 6 digits.

    Attributes
    ----------
    mean
        Mean over all seeds for which the metric is defined; None if there is none.
    low, high
        2.5 % and 97.5 % quantiles of the bootstrap; None with fewer than two clusters.
    seeds
        Number of seeds behind the mean.
    """

    model_config = ConfigDict(frozen=True)

    mean: float | None
    low: float | None
    high: float | None
    seeds: int


class ClusterBootstrap:
    """The bootstrap samples of one set of seeds.

    Parameters
    ----------
    clusters
        int [q], any numbering: seeds with the same number are resampled together.
    rounds
        Number of samples.

    Examples
    --------
    >>> draws = ClusterBootstrap(np.array([0, 0, 1, 1]), rounds=200, seed=1)
    >>> draws.difference(np.array([1.0, 1, 1, 1]), np.array([0.5, 0.5, 0.5, 0.5])).mean
    0.5
    """

    def __init__(
        self, clusters: npt.NDArray[np.integer], *, rounds: int = 2000, seed: int = 20240501
    ) -> None:
        _, self._of = np.unique(clusters, return_inverse=True)
        self.clusters = int(self._of.max()) + 1 if len(self._of) else 0
        self._counts = self._draw(rounds, seed)

    def mean(self, values: npt.NDArray[np.float64]) -> Figure:
        """Mean of ``values`` float64 [q] with its interval; NaN entries are left out."""
        known = ~np.isnan(values)
        seeds = int(known.sum())
        if seeds == 0:
            return Figure(mean=None, low=None, high=None, seeds=0)
        sums = np.bincount(self._of, weights=np.where(known, values, 0.0), minlength=self.clusters)
        sizes = np.bincount(self._of[known], minlength=self.clusters)
        low, high = self._quantiles(sums.astype(np.float64), sizes.astype(np.float64))
        return Figure(mean=round(float(sums.sum() / seeds), 6), low=low, high=high, seeds=seeds)

    def difference(self, ours: npt.NDArray[np.float64], theirs: npt.NDArray[np.float64]) -> Figure:
        """Mean of ``ours - theirs`` (float64 [q] each), paired; seeds where either is NaN are left out."""
        return self.mean(ours - theirs)

    def _draw(self, rounds: int, seed: int) -> npt.NDArray[np.float32]:
        # float32 [rounds, clusters]: how often each cluster is in a sample
        rng = np.random.default_rng(seed)
        c = self.clusters
        counts = np.zeros((rounds, c), dtype=np.float32)
        for start in range(0, rounds if c else 0, _DRAWS_AT_ONCE):
            size = min(_DRAWS_AT_ONCE, rounds - start)
            drawn = rng.integers(0, c, size=(size, c)) + np.arange(size)[:, None] * c
            counts[start : start + size] = np.bincount(drawn.ravel(), minlength=size * c).reshape(size, c)
        return counts

    def _quantiles(
        self, sums: npt.NDArray[np.float64], sizes: npt.NDArray[np.float64]
    ) -> tuple[float | None, float | None]:
        if int((sizes > 0).sum()) < 2:
            return None, None
        drawn = self._counts @ np.stack([sums, sizes], axis=1)
        defined = drawn[:, 1] > 0
        low, high = np.quantile(drawn[defined, 0] / drawn[defined, 1], [0.025, 0.975])
        return round(float(low), 6), round(float(high), 6)
