"""The matrix that the boosters read: one row a candidate, columns as ``bundle.json`` names them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from segue.bundle.definition import Booster
from segue.errors import BundleError

__all__ = ["booster_positions", "ranking_matrix"]

Floats = npt.NDArray[np.float32]


def ranking_matrix(
    features: Floats, names: Sequence[str], columns: Sequence[str], rows: npt.NDArray[np.int64]
) -> Floats:
    """Gather the ranking matrix of some candidates.

    Parameters
    ----------
    features
        float32 [n, f], the bundle's features, mapped.
    names
        Names of its columns.
    columns
        Columns wanted, in order.
    rows
        int64 [m], the candidates.

    Returns
    -------
    float32 [m, len(columns)]

    Raises
    ------
    BundleError
        The bundle wants a column that this version of Segue does not make.
    """
    gathered = features[rows]
    if tuple(columns) == tuple(names):
        return gathered
    missing = [column for column in columns if column not in names]
    if missing:
        raise BundleError(f"the bundle ranks by {missing}, which this version of Segue does not make")
    return np.ascontiguousarray(gathered[:, [list(names).index(column) for column in columns]])


def booster_positions(booster: Booster, columns: Sequence[str]) -> list[int] | None:
    """Positions of a booster's columns in the ranking matrix; None where they are the matrix as it is."""
    missing = [column for column in booster.columns if column not in columns]
    if missing:
        raise BundleError(f"booster {booster.name} reads {missing}, which is not in ranking_columns")
    positions = [list(columns).index(column) for column in booster.columns]
    return None if positions == list(range(len(columns))) else positions
