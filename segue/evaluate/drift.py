"""Population stability index: how much a distribution has changed between two catalogues.

``PSI = sum((actual - expected) * ln(actual / expected))`` over bins, with shares (N. Siddiqi, *Credit Risk
Scorecards*, Wiley 2006, which takes values below 0.1 as stable and above 0.25 as a shift). An empty bin would
make it infinite, so half a row is added to each bin of the new catalogue, and expected shares are at least
1e-4; the recording rule of query drift does the same.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["MIN_SHARE", "PSEUDO_ROWS", "psi"]

PSEUDO_ROWS = 0.5
MIN_SHARE = 1e-4


def psi(expected: npt.ArrayLike, actual: npt.ArrayLike) -> float:
    """PSI of two histograms over the same bins.

    Parameters
    ----------
    expected, actual
        Counts by bin, not shares; the bin of missing values is one of them.

    Returns
    -------
    float
        About 0 for equal distributions. NaN if either histogram is empty.

    Raises
    ------
    ValueError
        The histograms differ in the number of bins.
    """
    old, new = np.asarray(expected, dtype=np.float64), np.asarray(actual, dtype=np.float64)
    if old.shape != new.shape:
        raise ValueError(f"histograms of {old.shape} and {new.shape} bins can't be compared")
    if old.sum() <= 0 or new.sum() <= 0:
        return float("nan")
    ref = np.maximum(old / old.sum(), MIN_SHARE)
    live = (new + PSEUDO_ROWS) / (new.sum() + PSEUDO_ROWS * len(new))
    return float(((live - ref) * np.log(live / ref)).sum())
