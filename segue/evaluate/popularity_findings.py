"""The popularity model judged where it is needed: where a popularity is unknown, or too young to say much.

The model never reads a popularity, so tracks of artists that it was not trained on stand for the tracks that
have none; of them the youngest are told apart, since a catalogue knows least about those.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from segue.evaluate.findings import Figure, PopularityFindings, YoungFindings
from segue.evaluate.measure import Subject
from segue.evaluate.metrics import Rows
from segue.evaluate.popularity import Regression, calibration, genre_year_mean, judge, ndcg_within
from segue.features.split import TEST, TRAIN

__all__ = ["popularity_findings"]

# Young is the youngest tenth of the tracks whose year is known.
_YOUNG = 0.9
# A correlation over fewer tracks says little.
_MIN_TRACKS = 30

Guesses = Mapping[str, npt.NDArray[np.floating]]


def popularity_findings(subject: Subject) -> PopularityFindings | None:
    """Figures of the model and of two guesses that need none; None where there is nothing to judge by."""
    bundle, actual = subject.bundle, subject.bundle.popularity
    rows = np.flatnonzero((subject.split == TEST) & np.isfinite(actual)).astype(np.int32)
    if not len(rows):
        return None
    guesses = _guesses(subject, rows)
    judged = np.zeros(bundle.size, np.bool_)
    judged[rows] = True
    candidates = subject.test.pools.candidates(subject.settings.neighbours)
    draws = subject.test.judge.draws
    return PopularityFindings(
        unknown=int(np.isnan(actual).sum()),
        regression=_regression(guesses, actual, rows),
        ndcg={
            name: Figure.of(draws.mean(ndcg_within(candidates, actual, guess, judged, subject.settings.k)))
            for name, guess in guesses.items()
        },
        calibration=calibration(actual[rows], guesses["model"][rows]),
        young=_young(guesses, actual, rows, bundle.feature("year")),
    )


def _guesses(subject: Subject, rows: Rows) -> Guesses:
    """Popularity by method, float [n]; the model's is that of `rows` alone."""
    bundle, actual, training = subject.bundle, subject.bundle.popularity, subject.split == TRAIN
    predicted = np.zeros(bundle.size, np.float32)
    matrix = subject.test.pools.recommender.track_matrix(rows.astype(np.int64))
    predicted[rows] = subject.ranker.predict(matrix)["popularity"]
    return {
        "model": predicted,
        "constant": np.full(bundle.size, np.nanmean(actual[training]), np.float32),
        "genre and year mean": genre_year_mean(subject.facts.genre, bundle.feature("year"), actual, training),
    }


def _regression(guesses: Guesses, actual: npt.NDArray[np.floating], rows: Rows) -> dict[str, Regression]:
    return {name: judge(actual[rows], guess[rows]) for name, guess in guesses.items()}


def _young(
    guesses: Guesses, actual: npt.NDArray[np.floating], rows: Rows, year: npt.NDArray[np.floating]
) -> YoungFindings | None:
    """The same of the youngest tracks; None where hardly a year is known."""
    known = year[np.isfinite(year)]
    if not len(known):
        return None
    since = int(np.quantile(known, _YOUNG, method="lower"))
    young = rows[np.nan_to_num(year[rows], nan=-np.inf) >= since]
    if len(young) < _MIN_TRACKS:
        return None
    return YoungFindings(since=since, regression=_regression(guesses, actual, young))
