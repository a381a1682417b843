"""The canonical columns of a catalogue: the one table that says what a column is and how it is used.

Everything else refers to it: reading and bounds, the profile's histograms, the features and the embedding,
the ranking columns, the bounds of a request and the page's sliders.
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
    """How the embedding reads a feature; `segue.features.transform.Term` is the same, fitted.

    Attributes
    ----------
    kind
        ``linear``, ``log``, ``circle`` or ``octave``; `Term` says what each means.
    weight
        Factor on the standardised columns.
    offset
        Added before the logarithm: about the resolution of the published values, so that 0 stays finite.
    block
        Block of the embedding.
    """

    kind: Literal["linear", "log", "circle", "octave"] = "linear"
    weight: float = 1.0
    offset: float = 0.0
    block: str = "sound"


@dataclass(frozen=True)
class Slider:
    """Bounds on the page of a feature of a track that is in no catalogue, in the column's unit.

    Attributes
    ----------
    low, high
        Inclusive bounds.
    start
        Where it stands at first, about the middle of popular music; None where the feature may stay unknown.
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
        The column must be there, and no row may lack it.
    low, high
        Inclusive bounds; a value outside rejects its row. None: unbounded.
    unit
        Unit of the value, empty where it has none.
    not_found
        What Spotify writes for "not found": it becomes missing before the bounds are checked.
    sound
        Whether it says what a track sounds like: ``needed`` of every catalogue (a row may lack a value),
        ``optional``, or not at all.
    edges
        Edges of the profile's histogram, ascending, from the least to the greatest possible value; empty
        where the column is not numeric. A bin holds its lower edge and not its upper, the last one both.
        Changed edges make a profile incomparable with older ones.
    scalings
        How the embedding reads it, each a column or two; empty where it does not.
    slider
        Its control on the page; None where there is none.
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
# Most tracks lie near 0 in these: even bins would put nearly all of them into the first.
_LOW = (0.0, 0.001, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.15, 0.2)
_SKEWED = (*_LOW, *(i / 10 for i in range(3, 11)))
# Seconds.
_DURATIONS = (1, 30, 60, 90, *range(120, 301, 15), 330, 360, 420, 480, 600, 900, 1800, 3600, 86400)


def _share(
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
    _share("danceability", start=0.6),
    _share("energy", start=0.6),
    _share("speechiness", start=0.06, edges=_SKEWED, scaling=Scaling(kind="log", offset=0.01)),
    _share("acousticness", start=0.25, edges=_SKEWED, scaling=Scaling(kind="log", offset=0.01)),
    _share("instrumentalness", start=0.05, edges=_SKEWED, scaling=Scaling(kind="log", offset=0.001)),
    _share("liveness", start=0.15, edges=_SKEWED, scaling=Scaling(kind="log", offset=0.02, weight=0.5)),
    _share("valence", start=0.5),
    Column(
        name="loudness",
        type=pa.float32(),
        # Spotify writes down to -60 dB; a few loud masters read above 0.
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
        # An equal beat alone makes no track alike.
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
        # Two columns; an equal key alone makes no track alike.
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

# What a track sounds like: a catalogue must have the first (a row may lack a value) and may have the second.
SOUND: tuple[str, ...] = tuple(column.name for column in COLUMNS if column.sound == "needed")
OPTIONAL_SOUND: tuple[str, ...] = tuple(column.name for column in COLUMNS if column.sound == "optional")

# Everything a request may bound with filters.min and filters.max, and a profile draws as a histogram.
NUMERIC: tuple[str, ...] = (*SOUND, *OPTIONAL_SOUND, "year", "popularity")

# The order of the embedding's columns and of the page's sliders. Bundles hold it: append, do not reorder.
EMBEDDED: tuple[str, ...] = (
    *("danceability", "energy", "valence", "loudness", "acousticness", "instrumentalness", "speechiness"),
    *("liveness", "duration_ms", "tempo", "key", "mode", "year"),
)

# Features whose difference to the seed is a ranking column. Bundles hold the order, as above.
COMPARED: tuple[str, ...] = (
    *("danceability", "energy", "valence", "loudness", "acousticness", "instrumentalness", "speechiness"),
    *("tempo", "duration_ms", "year"),
)


def column_named(name: str) -> Column:
    """Column of a name that is in the table."""
    return next(column for column in COLUMNS if column.name == name)


def arrow_schema() -> pa.Schema:
    """Arrow schema of the canonical Parquet file, columns in the order of `COLUMNS`."""
    return pa.schema([pa.field(c.name, c.type, nullable=not c.required) for c in COLUMNS])
