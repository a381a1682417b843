"""Evaluation of the popularity model on held-out artists.

The model's features do not include popularity, so held-out artists are representative of tracks whose
popularity is unknown. The newest tracks are also evaluated separately, since their popularity is the least
certain.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from segue.evaluate.findings import PopularityFindings, YoungFindings
from segue.evaluate.measure import Subject
from segue.evaluate.metrics import Rows
from segue.evaluate.popularity import Regression, calibration, genre_year_mean, judge, ndcg_within
from segue.features.split import TEST, TRAIN

__all__ = ["popularity_findings"]

# The newest tenth of the tracks of known year counts as young.
_YOUNG = 0.9
# A correlation over fewer tracks is too uncertain.
_MIN_TRACKS = 30

PredictionsByMethod = Mapping[str, npt.NDArray[np.floating]]


def popularity_findings(subject: Subject) -> PopularityFindings | None:
    """Metrics of the model and of two baselines; None if no held-out track has a popularity."""
    bundle, actual = subject.bundle, subject.bundle.popularity
    rows = np.flatnonzero((subject.split == TEST) & np.isfinite(actual)).astype(np.int32)
    if not len(rows):
        return None
    predictions = _predictions(subject, rows)
    judged = np.zeros(bundle.size, np.bool_)
    judged[rows] = True
    candidates = subject.test.pools.candidates(subject.settings.neighbours)
    draws = subject.test.judge.draws
    return PopularityFindings(
        unknown=int(np.isnan(actual).sum()),
        regression=_regression(predictions, actual, rows),
        ndcg={
            name: draws.mean(ndcg_within(candidates, actual, predicted, judged, subject.settings.k))
            for name, predicted in predictions.items()
        },
        calibration=calibration(actual[rows], predictions["model"][rows]),
        young=_young(predictions, actual, rows, bundle.feature("year")),
    )


def _predictions(subject: Subject, rows: Rows) -> PredictionsByMethod:
    """Predicted popularity by method, float [n]; the model's only at `rows`, else 0."""
    bundle, actual, training = subject.bundle, subject.bundle.popularity, subject.split == TRAIN
    predicted = np.zeros(bundle.size, np.float32)
    matrix = subject.test.pools.recommender.track_matrix(rows.astype(np.int64))
    predicted[rows] = subject.ranker.predict(matrix)["popularity"]
    return {
        "model": predicted,
        "constant": np.full(bundle.size, np.nanmean(actual[training]), np.float32),
        "genre and year mean": genre_year_mean(subject.facts.genre, bundle.feature("year"), actual, training),
    }


def _regression(
    predictions: PredictionsByMethod, actual: npt.NDArray[np.floating], rows: Rows
) -> dict[str, Regression]:
    return {name: judge(actual[rows], predicted[rows]) for name, predicted in predictions.items()}


def _young(
    predictions: PredictionsByMethod,
    actual: npt.NDArray[np.floating],
    rows: Rows,
    year: npt.NDArray[np.floating],
) -> YoungFindings | None:
    """The same for the newest tracks; None if there are too few."""
    known = year[np.isfinite(year)]
    if not len(known):
        return None
    since = int(np.quantile(known, _YOUNG, method="lower"))
    young = rows[np.nan_to_num(year[rows], nan=-np.inf) >= since]
    if len(young) < _MIN_TRACKS:
        return None
    return YoungFindings(since=since, regression=_regression(predictions, actual, young))
