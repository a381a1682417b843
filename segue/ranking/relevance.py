"""The relevance model: LightGBM's LambdaRank (Burges 2010) on pairs of a seed and a candidate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from segue.ranking.examples import OTHER_ARTIST, Examples
from segue.ranking.settings import LeftOut, TrainSettings
from segue.recommend.ranking_matrix import RELEVANCE_COLUMNS

__all__ = ["fit_relevance", "relevance_columns", "relevance_parameters"]

Floats = npt.NDArray[np.float32]

# Lists have ten tracks; the order far below has no effect on them.
_TRUNCATION = 20
# Columns that would reveal a part that is left out.
_COLUMNS_OF: dict[LeftOut, tuple[str, ...]] = {
    "genre": ("same_genre",),
    "year": ("year", "gap_year"),
    "artist": ("artist_similarity", "same_artist"),
}
# Share of the queries whose genre is hidden, so that the model also works for tracks without one.
_WITHOUT_GENRE = 0.5


def relevance_columns(leave_out: Sequence[LeftOut] = ()) -> list[str]:
    """Columns that the relevance model reads, in order."""
    left_out = {column for part in leave_out for column in _COLUMNS_OF.get(part, ())}
    return [column for column in RELEVANCE_COLUMNS if column not in left_out]


def relevance_parameters(settings: TrainSettings) -> dict[str, Any]:
    """LightGBM's parameters, including those that make training reproducible to the byte."""
    return {
        "objective": "lambdarank",
        "label_gain": [2**label - 1 for label in range(OTHER_ARTIST + 1)],
        "lambdarank_truncation_level": _TRUNCATION,
        "learning_rate": settings.relevance_learning_rate,
        "num_leaves": settings.relevance_leaves,
        "min_data_in_leaf": settings.relevance_min_data,
        "feature_fraction": 0.7,
        "max_bin": 127,
        "seed": settings.seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": settings.threads,
        "verbosity": -1,
    }


def fit_relevance(examples: Examples, columns: Sequence[str], settings: TrainSettings) -> lgb.Booster:
    """Train the model to rank first the candidates that share a playlist with the seed."""
    parameters = relevance_parameters(settings)
    data = lgb.Dataset(
        _some_without_genre(examples, columns, settings.seed),
        examples.labels,
        group=examples.sizes,
        feature_name=list(columns),
        params=parameters,
    )
    return lgb.train(parameters, data, settings.relevance_rounds)


def _some_without_genre(examples: Examples, columns: Sequence[str], seed: int) -> Floats:
    if "same_genre" not in columns:
        return examples.matrix
    hidden = np.random.default_rng(seed).random(len(examples.sizes)) < _WITHOUT_GENRE
    matrix = examples.matrix.copy()
    matrix[np.repeat(hidden, examples.sizes), list(columns).index("same_genre")] = np.nan
    return matrix
