"""The canonical columns of a catalogue: type, bounds and use of each, defined only here.

Ingest, the profile's histograms, the features, the embedding, the ranking columns, the bounds of a request
and the page's sliders all read this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

__all__ = [
    "COLUMNS",
    "COMPARED",
    "EMBEDDED",
    "NUMERIC",
    "OPTIONAL_SOUND",
    "REQUIRED",
    "SOUND",
    "Column",
    "Scaling",
    "Slider",
    "arrow_schema",
    "column_named",
]


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """How a feature is scaled for the embedding: the fields of a `segue.features.transform.Term`.

    The offset of a logarithm is about the resolution of the published values.
    """

    kind: Literal["linear", "log", "circle", "octave"] = "linear"
    weight: float = 1.0
    offset: float = 0.0
    block: str = "sound"


@dataclass(frozen=True)
class Slider:
    """The page's slider for a feature of a track outside the catalogue: its bounds, in the column's unit.

    It starts about the middle of popular music; None if the feature is unknown until it is set.
    """

    low: float
    high: float
    start: float | None = None


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
        The file must have the column, and every row a value.
    low, high
        Inclusive bounds; a row with a value outside is rejected. None: unbounded.
    unit
        Unit of the value; empty if it has none.
    not_found
        Spotify's value for "not found": it is replaced by missing before the bounds are checked.
    sound
        Whether it describes how a track sounds. ``needed``: the file must have the column, a row may lack
        a value; ``optional``: the file may lack it; None: it does not describe the sound.
    edges
        Edges of the profile's histogram, ascending, from the smallest to the largest possible value; empty
        if the column is not numeric. A bin includes its lower edge and excludes its upper; the last bin
        includes both. Profiles with different edges can't be compared.
    scalings
        Its scalings for the embedding, of one or two columns each; empty if it is not embedded.
    slider
        Its slider on the page, if any.
    """

    name: str
    type: pa.DataType
    required: bool = False
    low: float | None = None
    high: float | None = None
    unit: str = ""
    not_found: float | None = None
    sound: Literal["needed", "optional"] | None = None
    edges: tuple[float, ...] = ()
    scalings: tuple[Scaling, ...] = ()
    slider: Slider | None = None


_EVEN = tuple(i / 20 for i in range(21))
# For features that are near 0 for most tracks: even bins would put nearly all of them into the first.
_LOW = (0.0, 0.001, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.15, 0.2)
_SKEWED = (*_LOW, *(i / 10 for i in range(3, 11)))
# Seconds.
_DURATIONS = (1, 30, 60, 90, *range(120, 301, 15), 330, 360, 420, 480, 600, 900, 1800, 3600, 86400)


def _unit_column(
    name: str, *, start: float, edges: tuple[float, ...] = _EVEN, scaling: Scaling | None = None
) -> Column:
    return Column(
        name=name,
        type=pa.float32(),
        low=0.0,
        high=1.0,
        sound="needed",
        edges=edges,
        scalings=(scaling or Scaling(),),
        slider=Slider(0, 1, start),
    )


COLUMNS: tuple[Column, ...] = (
    Column(name="track_id", type=pa.string(), required=True),
    Column(name="track_name", type=pa.string(), required=True),
    Column(name="artist_name", type=pa.string(), required=True),
    Column(
        name="popularity", type=pa.float32(), low=0, high=100, edges=(0.0, 1.0, *map(float, range(5, 101, 5)))
    ),
    Column(name="genre", type=pa.string()),
    Column(
        name="year",
        type=pa.int16(),
        low=1860,
        high=2100,
        not_found=0,
        edges=(1860.0, 1930.0, *map(float, range(1940, 1990, 10)), *map(float, range(1990, 2041, 5)), 2101.0),
        scalings=(Scaling(block="era", weight=2.0),),
        slider=Slider(1920, 2030),
    ),
    Column(name="album_name", type=pa.string()),
    Column(name="album_id", type=pa.string()),
    Column(name="artist_id", type=pa.string()),
    Column(name="explicit", type=pa.bool_()),
    Column(name="image_url", type=pa.string()),
    Column(name="preview_url", type=pa.string()),
    _unit_column("danceability", start=0.6),
    _unit_column("energy", start=0.6),
    _unit_column("speechiness", start=0.06, edges=_SKEWED, scaling=Scaling(kind="log", offset=0.01)),
    _unit_column("acousticness", start=0.25, edges=_SKEWED, scaling=Scaling(kind="log", offset=0.01)),
    _unit_column("instrumentalness", start=0.05, edges=_SKEWED, scaling=Scaling(kind="log", offset=0.001)),
    _unit_column("liveness", start=0.15, edges=_SKEWED, scaling=Scaling(kind="log", offset=0.02, weight=0.5)),
    _unit_column("valence", start=0.5),
    Column(
        name="loudness",
        type=pa.float32(),
        # Spotify's values start at -60 dB; a few loud masters exceed 0.
        low=-80,
        high=20,
        unit="dB",
        sound="needed",
        edges=(-80.0, -40.0, -30.0, -25.0, -20.0, -17.5, -15.0, *map(float, range(-13, 1)), 20.0),
        scalings=(Scaling(),),
        slider=Slider(-40, 0, -8.0),
    ),
    Column(
        name="tempo",
        type=pa.float32(),
        low=1,
        high=400,
        unit="BPM",
        not_found=0,
        sound="needed",
        edges=(1.0, *map(float, range(60, 211, 10)), 400.0),
        # Low weights: an equal tempo alone does not make tracks similar.
        scalings=(Scaling(kind="log", offset=1.0, weight=0.5), Scaling(kind="octave", weight=0.3)),
        slider=Slider(40, 220, 120.0),
    ),
    Column(
        name="key",
        type=pa.int8(),
        low=0,
        high=11,
        not_found=-1,
        sound="needed",
        edges=tuple(i - 0.5 for i in range(13)),
        # A low weight: an equal key alone does not make tracks similar.
        scalings=(Scaling(kind="circle", weight=0.2),),
        slider=Slider(0, 11),
    ),
    Column(
        name="mode",
        type=pa.int8(),
        low=0,
        high=1,
        sound="needed",
        edges=(-0.5, 0.5, 1.5),
        scalings=(Scaling(weight=0.3),),
        slider=Slider(0, 1),
    ),
    Column(
        name="time_signature",
        type=pa.int8(),
        low=1,
        high=16,
        not_found=0,
        sound="optional",
        edges=(*(i + 0.5 for i in range(8)), 16.5),
    ),
    Column(
        name="duration_ms",
        type=pa.int32(),
        low=1_000,
        high=86_400_000,
        unit="ms",
        sound="needed",
        edges=tuple(seconds * 1000.0 for seconds in _DURATIONS),
        scalings=(Scaling(kind="log", offset=1.0, weight=0.5),),
        slider=Slider(30_000, 900_000, 210_000.0),
    ),
)

REQUIRED: tuple[str, ...] = tuple(column.name for column in COLUMNS if column.required)

# Columns that describe the sound: every catalogue has those of SOUND, and may have those of OPTIONAL_SOUND.
SOUND: tuple[str, ...] = tuple(column.name for column in COLUMNS if column.sound == "needed")
OPTIONAL_SOUND: tuple[str, ...] = tuple(column.name for column in COLUMNS if column.sound == "optional")

# Columns that filters.min and filters.max of a request accept, and of which a profile has a histogram.
NUMERIC: tuple[str, ...] = (*SOUND, *OPTIONAL_SOUND, "year", "popularity")

# In the order of the embedding's columns and the page's sliders. Bundles depend on it: append, don't reorder.
EMBEDDED: tuple[str, ...] = (
    *("danceability", "energy", "valence", "loudness", "acousticness", "instrumentalness", "speechiness"),
    *("liveness", "duration_ms", "tempo", "key", "mode", "year"),
)

# Features whose difference from the seed is a ranking column. Bundles depend on the order, as above.
COMPARED: tuple[str, ...] = (
    *("danceability", "energy", "valence", "loudness", "acousticness", "instrumentalness", "speechiness"),
    *("tempo", "duration_ms", "year"),
)


def column_named(name: str) -> Column:
    """Column with this canonical name."""
    return next(column for column in COLUMNS if column.name == name)


def arrow_schema() -> pa.Schema:
    """Arrow schema of the canonical Parquet file, columns in the order of `COLUMNS`."""
    return pa.schema([pa.field(c.name, c.type, nullable=not c.required) for c in COLUMNS])
