"""Rows that are broken on purpose, so that reading a catalogue has something to reject."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["BROKEN_SHARE", "break_row", "break_rows"]

BROKEN_SHARE = 0.005

# Which column is spoilt, and with what.
_SPOILT = (
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
_FIELDS_LEFT = 9
_WAYS = len(_SPOILT) + 2


def break_row(fields: Sequence[str], columns: Sequence[str], way: int) -> str:
    """Join the fields of a row into a line that is wrong in one way, 0 to 12: spoilt, cut or too long."""
    broken = list(fields)
    if way < len(_SPOILT):
        column, value = _SPOILT[way]
        broken[columns.index(column)] = value
    elif way == len(_SPOILT):
        broken = broken[:_FIELDS_LEFT]
    else:
        broken.insert(columns.index("genre"), "live")
    return ",".join(broken)


def break_rows(
    lines: pa.StringArray, fields: Sequence[pa.StringArray], columns: Sequence[str], rng: np.random.Generator
) -> tuple[pa.StringArray, int]:
    """Break a small share of the lines; returns the lines and how many were broken."""
    is_broken = rng.random(len(lines)) < BROKEN_SHARE
    rows = np.flatnonzero(is_broken)
    chosen = [field.take(pa.array(rows)).to_pylist() for field in fields]
    ways = rng.integers(0, _WAYS, size=len(rows))
    replaced = [
        break_row(row, columns, int(way)) for row, way in zip(zip(*chosen, strict=True), ways, strict=True)
    ]
    return pc.replace_with_mask(lines, pa.array(is_broken), pa.array(replaced, pa.string())), len(rows)
