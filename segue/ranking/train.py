"""The train step: the embedding that is indexed, and the LightGBM popularity model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field

from segue.errors import TrainingError
from segue.features.split import TRAIN, VALIDATION
from segue.features.transform import GENRE, FeatureTransform
from segue.files import replacing, write_array, write_json

__all__ = ["TrainSettings", "TrainingSummary", "booster_parameters", "train"]

Floats = npt.NDArray[np.float32]


class TrainSettings(BaseModel):
    """Parameters of the popularity model.

    Attributes
    ----------
    rounds
        Most trees; early stopping on unseen artists may leave fewer.
    early_stopping
        Rounds without gain before training stops; 0: never.
    max_train_rows
        Training tracks are sampled down to this many, which bounds time and memory.
    threads
        LightGBM's threads. Part of the result: sums in another order give other trees.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rounds: int = Field(default=300, ge=1)
    learning_rate: float = Field(default=0.08, gt=0)
    num_leaves: int = Field(default=31, ge=2)
    min_data_in_leaf: int = Field(default=50, ge=1)
    early_stopping: int = Field(default=30, ge=0)
    max_train_rows: int = Field(default=2_000_000, ge=1_000)
    threads: int = Field(default=2, ge=1)
    seed: int = 7


class TrainingSummary(BaseModel):
    """What train made.

    Attributes
    ----------
    trees
        Trees kept.
    train_rows, validation_rows
        Tracks with a known popularity that were learned from and stopped on.
    validation_rmse
        Root mean squared error on the validation artists, in points of popularity; None without any.
    importance
        Total gain by feature.
    """

    model_config = ConfigDict(frozen=True)

    trees: int
    train_rows: int
    validation_rows: int
    validation_rmse: float | None
    importance: dict[str, float]


def booster_parameters(settings: TrainSettings) -> dict[str, Any]:
    """LightGBM's parameters; the three that make two runs give the same bytes among them."""
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


def train(
    preprocessed: Path,
    out: Path,
    *,
    settings: TrainSettings | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> TrainingSummary:
    """Embed the tracks and learn what makes one popular.

    Parameters
    ----------
    preprocessed
        Folder of the preprocess step.
    out
        Folder for ``embedding.npy`` float32 [n, d], ``transform.json``, ``popularity.txt`` and
        ``training.json`` (parameters, importance, learning curve).
    settings
        Parameters of the popularity model.
    progress
        Called with the round and the validation error every ten rounds.

    Raises
    ------
    TrainingError
        Hardly any training track has a popularity.
    """
    settings = settings or TrainSettings()
    transform = FeatureTransform.model_validate_json((preprocessed / "transform.json").read_bytes())
    features = np.load(preprocessed / "features.npy", mmap_mode="r")
    write_array(out / "embedding.npy", transform.embed(features))
    write_json(out / "transform.json", transform.model_dump(mode="json"))

    popularity = pq.read_table(preprocessed / "tracks.parquet", columns=["popularity"])
    target = popularity["popularity"].to_numpy().astype(np.float32)
    split = np.load(preprocessed / "split.npy")
    rows = _rows(split == TRAIN, target, settings.max_train_rows, settings.seed)
    unseen = _rows(split == VALIDATION, target, settings.max_train_rows // 4, settings.seed)
    if len(rows) < 100:
        raise TrainingError(
            f"only {len(rows)} training tracks have a popularity and at least 100 are needed; "
            "does the catalogue have a popularity column?"
        )
    data = _datasets(features, target, (rows, unseen), transform.features, booster_parameters(settings))
    booster, curve = _fit(data, settings, progress)
    with replacing(out / "popularity.txt") as temporary:
        booster.save_model(str(temporary))
    summary = TrainingSummary(
        trees=booster.num_trees(),
        train_rows=len(rows),
        validation_rows=len(unseen),
        validation_rmse=min(curve) if curve else None,
        importance=_importance(booster),
    )
    write_json(
        out / "training.json",
        {
            "settings": settings.model_dump(),
            "parameters": booster_parameters(settings),
            "validation_curve": curve,
            **summary.model_dump(),
        },
    )
    return summary


def _rows(part: npt.NDArray[np.bool_], target: Floats, most: int, seed: int) -> npt.NDArray[np.intp]:
    rows = np.flatnonzero(part & np.isfinite(target))
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
    return rows


def _datasets(
    features: Floats,
    target: Floats,
    parts: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]],
    names: tuple[str, ...],
    parameters: dict[str, Any],
) -> tuple[lgb.Dataset, list[lgb.Dataset]]:
    """The training set and, where there is one, the validation set binned like it."""
    rows, unseen = parts
    data = lgb.Dataset(
        features[rows],
        target[rows],
        feature_name=list(names),
        categorical_feature=[GENRE],
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


def _importance(booster: lgb.Booster) -> dict[str, float]:
    gains = booster.feature_importance("gain")
    return {name: round(float(gain), 3) for name, gain in zip(booster.feature_name(), gains, strict=True)}
