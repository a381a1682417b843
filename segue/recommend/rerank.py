"""Rerank: what LightGBM says of each candidate, asked here or of a predictor far away."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from segue.bundle.definition import BundleDefinition
from segue.ranking.columns import booster_positions

__all__ = ["LocalRanker", "Predictions", "Ranker"]

Floats = npt.NDArray[np.float32]
# Trees a call: few enough to stay in the cache, and few calls, each of which costs some 50 µs. At 200 rows
# near each other and 300 trees: 30 trees 2.2 ms, 100 trees 1.9 ms, 300 trees 2.6 ms.
_BLOCK = 100
# By booster name: "popularity", and "relevance" where trained; float32 [m] each.
Predictions = Mapping[str, Floats]


class Ranker(Protocol):
    """Something that answers what the bundle's boosters predict."""

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
        Gives the local path of a file of the bundle.
    threads
        LightGBM's threads.
    """

    def __init__(self, definition: BundleDefinition, path: Any, *, threads: int = 1) -> None:
        import lightgbm

        self._threads = threads
        self._boosters: dict[str, tuple[Any, list[int] | None]] = {}
        self._sums: set[str] = set()
        for booster in definition.boosters:
            file: Path = path(booster.file)
            self._boosters[booster.name] = (
                lightgbm.Booster(model_file=str(file)),
                booster_positions(booster, definition.ranking_columns),
            )
            if _is_sum(file):
                self._sums.add(booster.name)

    def predict(self, matrix: Floats, *, threads: int | None = None) -> Predictions:
        """Predict for a ranking matrix, float32 [m, f]; with other threads than its own where told so."""
        used = threads or self._threads
        return {
            name: self._run(
                booster, positions, matrix, in_blocks=used == 1 and name in self._sums, num_threads=used
            ).astype(np.float32)
            for name, (booster, positions) in self._boosters.items()
        }

    def contributions(self, matrix: Floats) -> Floats:
        """Contribution of each column to predicted popularity, and the base value, float32 [m, f + 1]."""
        booster, positions = self._boosters["popularity"]
        given = self._run(booster, positions, matrix, pred_contrib=True).astype(np.float32)
        if positions is None:
            return given
        out = np.zeros((len(matrix), matrix.shape[1] + 1), np.float32)
        out[:, [*positions, -1]] = given
        return out

    def _run(
        self,
        booster: Any,
        positions: list[int] | None,
        matrix: Floats,
        *,
        in_blocks: bool = False,
        **options: Any,
    ) -> npt.NDArray[np.float64]:
        if not len(matrix):
            width = len(positions or matrix[0:1].T) + 1
            return np.zeros((0, width) if "pred_contrib" in options else 0)
        read = matrix if positions is None else np.ascontiguousarray(matrix[:, positions])
        if in_blocks:
            return _in_blocks(booster, read)
        return np.asarray(booster.predict(read, **{"num_threads": self._threads, **options}))


def _is_sum(file: Path) -> bool:
    """Whether a prediction is the plain sum of the trees, as in regression and ranking."""
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("objective="):
                return line.split("=", 1)[1].split() in (["regression"], ["lambdarank"])
            if line.startswith("Tree="):
                break
    return False


def _in_blocks(booster: Any, matrix: Floats) -> npt.NDArray[np.float64]:
    """Predict block of trees by block: LightGBM takes a row through all trees, whose nodes then leave the
    cache before the next row comes. A quarter less time at 200 rows and 300 trees.
    """
    total = np.zeros(len(matrix))
    for first in range(0, booster.num_trees(), _BLOCK):
        total += booster.predict(
            matrix, start_iteration=first, num_iteration=_BLOCK, raw_score=True, num_threads=1
        )
    return total
