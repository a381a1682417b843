"""Rerank: LightGBM's predictions for each candidate, from this process or a predictor over the network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from segue.bundle.definition import BundleDefinition
from segue.recommend.ranking_matrix import booster_positions

__all__ = ["LocalRanker", "Predictions", "Ranker"]

Floats = npt.NDArray[np.float32]
# float32 [m] by booster name: "popularity", and "relevance" if it was trained.
Predictions = Mapping[str, Floats]

# LightGBM takes a row through all trees of a booster. The nodes of more trees than this leave the processor's
# cache before the next row comes: 300 trees for 48,666 rows take 575 ms at once and 431 ms in blocks.
_BLOCK = 100


class Ranker(Protocol):
    """Predicts with the bundle's boosters, and explains the predictions."""

    def predict(self, matrix: Floats) -> Predictions:
        """Predict for a ranking matrix, float32 [m, f]."""
        ...

    def contributions(self, matrix: Floats) -> Floats:
        """Contribution of each column to predicted popularity, and the base value, float32 [m, f + 1]."""
        ...


class LocalRanker:
    """The boosters in this process.

    Parameters
    ----------
    definition
        Names the boosters and their columns.
    path
        Returns the local path of a file of the bundle, by name.
    threads
        LightGBM's threads.
    """

    def __init__(self, definition: BundleDefinition, path: Any, *, threads: int = 1) -> None:
        import lightgbm

        self._threads = threads
        self._boosters: dict[str, tuple[Any, list[int] | None]] = {}
        self._blocks: dict[str, list[Any]] = {}
        for booster in definition.boosters:
            file: Path = path(booster.file)
            loaded = lightgbm.Booster(model_file=str(file))
            self._boosters[booster.name] = loaded, booster_positions(booster, definition.ranking_columns)
            self._blocks[booster.name] = _blocks(loaded)

    def predict(self, matrix: Floats, *, threads: int | None = None) -> Predictions:
        """Predict for a ranking matrix, float32 [m, f]; `threads` overrides the ranker's."""
        if not len(matrix):
            return {name: np.zeros(0, np.float32) for name in self._boosters}
        used = threads or self._threads
        predictions = {}
        for name, (_, positions) in self._boosters.items():
            inputs = _columns(matrix, positions)
            sums = [block.predict(inputs, num_threads=used) for block in self._blocks[name]]
            predictions[name] = np.asarray(np.add.reduce(sums), np.float32)
        return predictions

    def contributions(self, matrix: Floats) -> Floats:
        """Contribution of each column to predicted popularity, and the base value, float32 [m, f + 1]."""
        booster, positions = self._boosters["popularity"]
        out = np.zeros((len(matrix), matrix.shape[1] + 1), np.float32)
        if len(matrix):
            inputs = _columns(matrix, positions)
            values = booster.predict(inputs, num_threads=self._threads, pred_contrib=True)
            out[:, slice(None) if positions is None else [*positions, -1]] = values
        return out


def _blocks(booster: Any) -> list[Any]:
    """Boosters that add up to this one: blocks of it, or itself where a prediction is no sum of trees."""
    trees = booster.num_trees()
    header = booster.model_to_string(num_iteration=1)
    is_sum = any(f"\nobjective={name}\n" in header for name in ("regression", "lambdarank"))
    if trees <= _BLOCK or not is_sum:
        return [booster]
    parts = [
        booster.model_to_string(num_iteration=_BLOCK, start_iteration=first)
        for first in range(0, trees, _BLOCK)
    ]
    return [type(booster)(model_str=part) for part in parts]


def _columns(matrix: Floats, positions: list[int] | None) -> Floats:
    return matrix if positions is None else np.ascontiguousarray(matrix[:, positions])
