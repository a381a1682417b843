"""Exploratory analysis for the report: correlations of features, and popularity by decade."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
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
    known = np.isfinite(matrix)
    safe = np.where(known, matrix, 0.0)
    present = known.astype(np.float64)
    counts = np.maximum(present.sum(axis=0), 1.0)
    # centred, because sums of squares cancel if the mean is much larger than the spread (years, milliseconds)
    safe = np.where(known, safe - safe.sum(axis=0) / counts, 0.0)
    scale = np.abs(safe).max(axis=0, initial=0.0)
    # a centred constant column differs from 0 only by rounding
    varied = scale > 1e-9 * np.abs(np.where(known, matrix, 0.0)).max(axis=0, initial=0.0)
    safe = safe / np.where(varied, scale, 1.0)
    pairs = present.T @ present
    total, square, product = safe.T @ present, (safe**2).T @ present, safe.T @ safe
    divisor = np.maximum(pairs, 1.0)
    spread = square - total**2 / divisor
    shared = product - total * total.T / divisor
    bottom = np.sqrt(np.maximum(spread, 0.0) * np.maximum(spread.T, 0.0))
    enough = (pairs >= _MIN_PAIRS) & (bottom > 1e-9) & varied[:, None] & varied[None, :]
    found = np.full(pairs.shape, np.nan)
    np.divide(shared, bottom, out=found, where=enough)
    return np.asarray(np.clip(found, -1.0, 1.0), dtype=np.float64)


def _decades(year: Floats, popularity: Floats) -> list[Decade]:
    dated = np.isfinite(year)
    decade = np.where(dated, year // 10 * 10, 0).astype(np.int64)
    found = []
    for start in np.unique(decade[dated]).tolist():
        rows = dated & (decade == start)
        values = popularity[rows]
        values = values[np.isfinite(values)]
        mean = round(float(values.mean()), 2) if len(values) else None
        found.append(Decade(start=start, tracks=int(rows.sum()), popularity=mean))
    return found


def _known(value: np.floating) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)
