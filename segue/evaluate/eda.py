"""Exploratory analysis for the report: correlations of features, and popularity by decade."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict

from segue.features.transform import GENRE

__all__ = ["Decade", "Eda", "correlate", "explore"]

# The standard error of a correlation over this many rows is about 0.003, less than the two decimals shown.
MAX_ROWS = 100_000
# A correlation over fewer pairs is too uncertain to show.
_MIN_PAIRS = 30

Floats = npt.NDArray[np.float64]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Decade(_Frozen):
    """Tracks released in ten years, and their mean popularity (0-100) where it is known."""

    start: int
    tracks: int
    popularity: float | None


class Eda(_Frozen):
    """Result of `explore`.

    Attributes
    ----------
    tracks, rows
        Tracks of the catalogue, and how many of them were sampled.
    names
        Features of the correlations, popularity last; constant ones are left out.
    correlations
        Pearson's, [len(names)][len(names)]; None where too few rows have both values.
    decades
        By year of release, ascending; empty if the catalogue has no years.
    """

    tracks: int
    rows: int
    names: list[str]
    correlations: list[list[float | None]]
    decades: list[Decade]


def explore(
    features: npt.NDArray[np.float32], names: Sequence[str], popularity: npt.NDArray[np.float32]
) -> Eda:
    """Explore a catalogue's features on at most `MAX_ROWS` rows, evenly spaced.

    Parameters
    ----------
    features
        float32 [n, f], NaN where missing; may be memory-mapped.
    names
        Names of the f columns. ``genre`` is left out: its codes have no order.
    popularity
        float32 [n], 0-100, NaN where missing.
    """
    count = len(features)
    rows = np.unique(np.linspace(0, max(count - 1, 0), min(count, MAX_ROWS)).astype(np.int64))
    sample = np.asarray(features[rows], dtype=np.float64)
    known = np.asarray(popularity[rows], dtype=np.float64)
    kept = [column for column, name in enumerate(names) if name != GENRE]
    matrix = np.column_stack([sample[:, kept], known])
    labels = [*(names[column] for column in kept), "popularity"]
    found = correlate(matrix)
    shown = [position for position in range(len(labels)) if not np.isnan(found[position, position])]
    year = sample[:, list(names).index("year")] if "year" in names else np.full(len(sample), np.nan)
    return Eda(
        tracks=count,
        rows=len(sample),
        names=[labels[position] for position in shown],
        correlations=[[_known(found[i, j]) for j in shown] for i in shown],
        decades=_decades(year, known),
    )


def correlate(matrix: Floats) -> Floats:
    """Pearson's correlation of each pair of columns over the rows that have both values.

    Parameters
    ----------
    matrix
        float64 [n, f], NaN where missing.

    Returns
    -------
    ndarray
        float64 [f, f]; NaN where fewer than 30 rows have both, or one of the two does not vary.
    """
    frame = pd.DataFrame(np.where(np.isfinite(matrix), matrix, np.nan))
    return np.asarray(frame.corr(min_periods=_MIN_PAIRS), dtype=np.float64)


def _decades(year: Floats, popularity: Floats) -> list[Decade]:
    starts = pd.Series(popularity).groupby(year // 10 * 10)
    return [
        Decade(start=int(start), tracks=len(found), popularity=_known(found.mean(), digits=2))
        for start, found in starts
    ]


def _known(value: float, *, digits: int = 4) -> float | None:
    return None if np.isnan(value) else round(float(value), digits)
