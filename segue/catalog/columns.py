"""The canonical columns of a catalogue: names, types, bounds. Everything else refers to this table."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

__all__ = ["COLUMNS", "NUMERIC", "REQUIRED", "SOUND", "Column", "arrow_schema"]


@dataclass(frozen=True, kw_only=True)
class Column:
    """One canonical column.

    Attributes
    ----------
    name
        Canonical name.
    type
        Arrow type in the canonical Parquet file.
    required
        The column must be there, and no row may lack it.
    low, high
        Inclusive bounds; a value outside rejects its row. None: unbounded.
    unit
        Unit of the value, empty where it has none.
    """

    name: str
    type: pa.DataType
    required: bool = False
    low: float | None = None
    high: float | None = None
    unit: str = ""


def _share(name: str) -> Column:
    return Column(name=name, type=pa.float32(), low=0.0, high=1.0)


COLUMNS: tuple[Column, ...] = (
    Column(name="track_id", type=pa.string(), required=True),
    Column(name="track_name", type=pa.string(), required=True),
    Column(name="artist_name", type=pa.string(), required=True),
    Column(name="popularity", type=pa.float32(), low=0, high=100),
    Column(name="genre", type=pa.string()),
    Column(name="year", type=pa.int16(), low=1860, high=2100),
    Column(name="album_name", type=pa.string()),
    Column(name="album_id", type=pa.string()),
    Column(name="artist_id", type=pa.string()),
    Column(name="explicit", type=pa.bool_()),
    Column(name="image_url", type=pa.string()),
    Column(name="preview_url", type=pa.string()),
    _share("danceability"),
    _share("energy"),
    _share("speechiness"),
    _share("acousticness"),
    _share("instrumentalness"),
    _share("liveness"),
    _share("valence"),
    # Spotify writes down to -60 dB; a few loud masters read above 0.
    Column(name="loudness", type=pa.float32(), low=-80, high=20, unit="dB"),
    # 0 BPM is Spotify's "no beat found" and becomes missing before the bounds are looked at.
    Column(name="tempo", type=pa.float32(), low=1, high=400, unit="BPM"),
    # -1 is "no key found" and becomes missing.
    Column(name="key", type=pa.int8(), low=0, high=11),
    Column(name="mode", type=pa.int8(), low=0, high=1),
    # 0 is "none found" and becomes missing.
    Column(name="time_signature", type=pa.int8(), low=1, high=16),
    Column(name="duration_ms", type=pa.int32(), low=1_000, high=86_400_000, unit="ms"),
)

REQUIRED: tuple[str, ...] = tuple(column.name for column in COLUMNS if column.required)

# What a track sounds like: a catalogue must have these columns (a row may lack a value).
SOUND: tuple[str, ...] = (
    "danceability",
    "energy",
    "speechiness",
    "acousticness",
    "instrumentalness",
    "liveness",
    "valence",
    "loudness",
    "tempo",
    "key",
    "mode",
    "duration_ms",
)

# Everything a request may bound with filters.min and filters.max, and a profile draws as a histogram.
NUMERIC: tuple[str, ...] = (*SOUND, "time_signature", "year", "popularity")


def arrow_schema() -> pa.Schema:
    """Arrow schema of the canonical Parquet file, columns in the order of `COLUMNS`."""
    return pa.schema([pa.field(c.name, c.type, nullable=not c.required) for c in COLUMNS])
