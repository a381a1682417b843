"""The popularity model: predicts a track's popularity, trained on the tracks of training artists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from segue.errors import TrainingError
from segue.features.split import TRAIN, VALIDATION
from segue.features.transform import GENRE
from segue.ranking.settings import TrainSettings

__all__ = ["PopularityModel", "booster_parameters", "fit_popularity", "importance"]

Floats = npt.NDArray[np.float32]
Progress = Callable[[int, float], None]


@dataclass(frozen=True)
class PopularityModel:
    """The booster, its columns, and how it was trained.

    Attributes
    ----------
    booster, columns
        LightGBM's booster and its columns.
    train_rows, validation_rows
        Numbers of tracks with a known popularity used for training and for early stopping.
    curve
        Root mean squared error on the validation artists by round; empty without validation artists.
    """

    booster: lgb.Booster
    columns: list[str]
    train_rows: int
    validation_rows: int
    curve: list[float]


def booster_parameters(settings: TrainSettings) -> dict[str, Any]:
    """LightGBM's parameters, including those that make training reproducible to the byte."""
    return {
        "objective": "regression",
        "metric": "rmse",
        "learning_rate": settings.learning_rate,
        "num_leaves": settings.num_leaves,
        "min_data_in_leaf": settings.min_data_in_leaf,
        "feature_fraction": 0.9,
        "seed": settings.seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": settings.threads,
        "verbosity": -1,
    }


def fit_popularity(
    features: Floats,
    names: Sequence[str],
    popularity: Floats,
    split: npt.NDArray[np.uint8],
    *,
    settings: TrainSettings,
    progress: Progress | None = None,
) -> PopularityModel:
    """Train the popularity model.

    Parameters
    ----------
    features, names
        float32 [n, f], and the names of its columns.
    popularity
        float32 [n], NaN where missing.
    split
        uint8 [n], the split that each track's artist belongs to.
    progress
        Called with the round and the validation error every ten rounds.

    Raises
    ------
    TrainingError
        Fewer than 100 training tracks have a popularity.
    """
    rows = _rows(split == TRAIN, popularity, settings.max_train_rows, settings.seed)
    unseen = _rows(split == VALIDATION, popularity, settings.max_train_rows // 4, settings.seed)
    if len(rows) < 100:
        raise TrainingError(
            f"only {len(rows)} training tracks have a popularity and at least 100 are needed; "
            "does the catalogue have a popularity column?"
        )
    columns = [name for name in names if name not in settings.leave_out]
    if len(columns) < len(names):
        features = features[:, [list(names).index(name) for name in columns]]
    data = _datasets(features, popularity, (rows, unseen), columns, booster_parameters(settings))
    booster, curve = _fit(data, settings, progress)
    return PopularityModel(booster, columns, len(rows), len(unseen), curve)


def _rows(part: npt.NDArray[np.bool_], target: Floats, limit: int, seed: int) -> npt.NDArray[np.intp]:
    rows = np.flatnonzero(part & np.isfinite(target))
    if len(rows) > limit:
        rows = np.sort(np.random.default_rng(seed).choice(rows, limit, replace=False))
    return rows


def _datasets(
    features: Floats,
    target: Floats,
    parts: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]],
    names: list[str],
    parameters: dict[str, Any],
) -> tuple[lgb.Dataset, list[lgb.Dataset]]:
    """The training set and, if there are validation rows, the validation set with the same bins."""
    rows, unseen = parts
    data = lgb.Dataset(
        features[rows],
        target[rows],
        feature_name=names,
        categorical_feature=[GENRE] if GENRE in names else [],
        params=parameters,
    )
    if not len(unseen):
        return data, []
    return data, [data.create_valid(features[unseen], target[unseen], params=parameters)]


def _fit(
    data: tuple[lgb.Dataset, list[lgb.Dataset]],
    settings: TrainSettings,
    progress: Callable[[int, float], None] | None,
) -> tuple[lgb.Booster, list[float]]:
    training, validation = data
    curves: dict[str, dict[str, list[float]]] = {}
    callbacks: list[Callable[..., Any]] = []
    if validation:
        callbacks.append(lgb.record_evaluation(curves))
        if settings.early_stopping:
            callbacks.append(lgb.early_stopping(settings.early_stopping, verbose=False))
    if progress:
        callbacks.append(_report(progress))
    booster = lgb.train(
        booster_parameters(settings),
        training,
        settings.rounds,
        valid_sets=validation,
        valid_names=["unseen"] if validation else [],
        callbacks=callbacks,
    )
    curve = [round(value, 6) for value in curves.get("unseen", {}).get("rmse", [])]
    return booster, curve


def _report(progress: Callable[[int, float], None]) -> Callable[[Any], None]:
    def report(state: Any) -> None:
        if state.iteration % 10 == 9:
            scores = state.evaluation_result_list or []
            progress(state.iteration + 1, float(scores[0][2]) if scores else float("nan"))

    return report


def importance(booster: lgb.Booster) -> dict[str, float]:
    """Total gain by column."""
    gains = booster.feature_importance("gain")
    return {name: round(float(gain), 3) for name, gain in zip(booster.feature_name(), gains, strict=True)}
