"""Metrics of the popularity model on tracks of held-out artists."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from segue.evaluate.metrics import Flags, Floats, Ints, Rows, ndcg_graded

__all__ = ["CalibrationBin", "Regression", "calibration", "genre_year_mean", "judge", "ndcg_within"]

# Number of pseudo-tracks at the wider group's mean, by which the mean of a small group is shrunk towards it.
SHRINKAGE = 20.0


class Regression(BaseModel):
    """Errors of predictions, in points of popularity (0-100).

    Attributes
    ----------
    tracks
        Number of tracks.
    r2
        Share of the variance explained; 0 for predicting the mean, negative if worse than that.
    mae
        Mean absolute error.
    spearman
        Rank correlation; None if the prediction or the truth is constant.
    """

    model_config = ConfigDict(frozen=True)

    tracks: int
    r2: float | None
    mae: float | None
    spearman: float | None


class CalibrationBin(BaseModel):
    """A decile of the tracks by predicted popularity: its means and size."""

    model_config = ConfigDict(frozen=True)

    predicted: float
    actual: float
    tracks: int


def judge(actual: npt.NDArray[np.floating], predicted: npt.NDArray[np.floating]) -> Regression:
    """Compare predictions with the actual values, float [m] each; NaN actual values are left out."""
    from scipy.stats import rankdata

    known = ~np.isnan(actual)
    y, p = actual[known].astype(np.float64), predicted[known].astype(np.float64)
    if not len(y):
        return Regression(tracks=0, r2=None, mae=None, spearman=None)
    total = float(((y - y.mean()) ** 2).sum())
    ranks, predicted_ranks = rankdata(y), rankdata(p)
    varied = ranks.std() > 0 and predicted_ranks.std() > 0
    return Regression(
        tracks=len(y),
        r2=1.0 - float(((y - p) ** 2).sum()) / total if total > 0 else None,
        mae=float(np.abs(y - p).mean()),
        spearman=float(np.corrcoef(ranks, predicted_ranks)[0, 1]) if varied else None,
    )


def calibration(
    actual: npt.NDArray[np.floating], predicted: npt.NDArray[np.floating], *, bins: int = 10
) -> list[CalibrationBin]:
    """Mean prediction and mean actual value, in bins of equally many tracks, ascending by prediction."""
    known = np.flatnonzero(~np.isnan(actual))
    order = known[np.argsort(predicted[known], kind="stable")]
    return [
        CalibrationBin(
            predicted=float(predicted[part].mean(dtype=np.float64)),
            actual=float(actual[part].mean(dtype=np.float64)),
            tracks=len(part),
        )
        for part in np.array_split(order, bins)
        if len(part)
    ]


def genre_year_mean(
    genre: Rows, year: npt.NDArray[np.floating], popularity: npt.NDArray[np.floating], training: Flags
) -> Floats:
    """A baseline without a model: the mean popularity of training tracks of the same genre and year.

    Parameters
    ----------
    genre
        int32 [n], -1 where missing; a missing genre is a group of its own.
    year
        float [n], NaN where missing.
    popularity
        float [n], NaN where missing.
    training
        bool [n], tracks that the means are taken over.

    Returns
    -------
    ndarray
        float64 [n]: the mean of genre and year, shrunk towards the genre's, which is shrunk towards the
        overall mean.
    """
    used = training & ~np.isnan(popularity)
    overall = float(popularity[used].mean(dtype=np.float64)) if used.any() else 0.0
    of_genre = _group_mean(genre.astype(np.int64), popularity, used, np.full(len(genre), overall))
    era = np.nan_to_num(year, nan=0.0).astype(np.int64)
    both = (genre.astype(np.int64) + 1) * 10_000 + era
    return _group_mean(both, popularity, used, of_genre)


def ndcg_within(
    candidates: Rows, gains: npt.NDArray[np.floating], scores: npt.NDArray[np.floating], judged: Flags, k: int
) -> Floats:
    """NDCG at k of each seed's candidates ordered by ``scores``, with popularity as gain.

    Parameters
    ----------
    candidates
        int32 [q, m], padded with -1.
    gains
        float [n], popularity.
    scores
        float [n], by which they are ordered.
    judged
        bool [n]; only these candidates count (held-out artists, known popularity).

    Returns
    -------
    ndarray
        float64 [q]; NaN with fewer than k judged candidates.
    """
    valid = (candidates >= 0) & judged[candidates]
    safe = np.nan_to_num(gains.astype(np.float64))
    found = ndcg_graded(safe[candidates], scores.astype(np.float64)[candidates], valid, k)
    return np.where(valid.sum(axis=1) >= k, found, np.nan)


def _group_mean(groups: Ints, values: npt.NDArray[np.floating], used: Flags, prior: Floats) -> Floats:
    _, of = np.unique(groups, return_inverse=True)
    size = int(of.max()) + 1 if len(of) else 0
    total = np.bincount(of[used], weights=values[used], minlength=size)
    count = np.bincount(of[used], minlength=size)
    return np.asarray((total[of] + SHRINKAGE * prior) / (count[of] + SHRINKAGE), dtype=np.float64)
