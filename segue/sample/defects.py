"""Rows that are broken on purpose, so that ingest has rows to reject."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["BROKEN_SHARE", "break_row", "break_rows"]

BROKEN_SHARE = 0.005

# Columns and the bad values that are written to them.
_BAD_VALUES = (
    ("energy", "1.7"),
    ("danceability", "-0.31"),
    ("valence", "12"),
    ("loudness", "quiet"),
    ("tempo", "fast"),
    ("duration_ms", "3:45"),
    ("year", "20111"),
    ("popularity", "412"),
    ("track_name", ""),
    ("artist_name", ""),
    ("track_id", ""),
)
_TRUNCATED_FIELDS = 9
_DEFECTS = len(_BAD_VALUES) + 2


def break_row(fields: Sequence[str], columns: Sequence[str], defect: int) -> str:
    """Join fields into a line with one defect, 0 to 12: a bad value, too few fields or too many."""
    broken = list(fields)
    if defect < len(_BAD_VALUES):
        column, value = _BAD_VALUES[defect]
        broken[columns.index(column)] = value
    elif defect == len(_BAD_VALUES):
        broken = broken[:_TRUNCATED_FIELDS]
    else:
        broken.insert(columns.index("genre"), "live")
    return ",".join(broken)


def break_rows(
    lines: pa.StringArray, fields: Sequence[pa.StringArray], columns: Sequence[str], rng: np.random.Generator
) -> tuple[pa.StringArray, int]:
    """Break a small share of the lines; returns all lines and the number of broken ones."""
    is_broken = rng.random(len(lines)) < BROKEN_SHARE
    rows = np.flatnonzero(is_broken)
    chosen = [field.take(pa.array(rows)).to_pylist() for field in fields]
    defects = rng.integers(0, _DEFECTS, size=len(rows))
    replaced = [
        break_row(row, columns, int(defect))
        for row, defect in zip(zip(*chosen, strict=True), defects, strict=True)
    ]
    return pc.replace_with_mask(lines, pa.array(is_broken), pa.array(replaced, pa.string())), len(rows)
