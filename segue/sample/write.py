"""Write the sample as CSV, atomically."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from segue.files import replacing
from segue.sample.defects import break_rows
from segue.sample.genres import DIMENSIONS, genre_model, to_natural
from segue.sample.playlists import Memberships
from segue.sample.spelling import release_titles
from segue.sample.tracks import Tracks

__all__ = ["CATALOG_COLUMNS", "write_catalog", "write_playlists"]

# The Kaggle 1M layout: the first column is an index without a name.
CATALOG_COLUMNS = (
    *("", "artist_name", "track_name", "track_id", "popularity", "year", "genre"),
    *("danceability", "energy", "key", "loudness", "mode", "speechiness", "acousticness"),
    *("instrumentalness", "liveness", "valence", "tempo", "duration_ms", "time_signature"),
)
# Column -> share of rows without a value, and how the public files write a missing one.
MISSING = {
    "genre": (0.06, ""),
    "year": (0.004, ""),
    "popularity": (0.002, ""),
    "acousticness": (0.003, ""),
    "tempo": (0.004, "0.0"),
    "key": (0.004, "-1"),
    "time_signature": (0.002, "0"),
}
_CHUNK = 100_000


def write_catalog(
    path: Path,
    tracks: Tracks,
    ids: pa.StringArray,
    artist_names: pa.StringArray,
    *,
    rng: np.random.Generator,
    progress: Callable[[float], None],
) -> int:
    """Write the tracks in the Kaggle 1M layout; returns the number of rows broken on purpose."""
    broken = 0
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write((",".join(CATALOG_COLUMNS) + "\n").encode())
        for first in range(0, len(tracks), _CHUNK):
            part = tracks.take(slice(first, first + _CHUNK))
            columns = _columns(part, first, ids.slice(first, _CHUNK), artist_names, rng)
            lines = pc.binary_join_element_wise(*columns, ",")
            lines, count = break_rows(lines, columns, CATALOG_COLUMNS, rng)
            broken += count
            _write_lines(file, lines)
            progress(min(1.0, (first + _CHUNK) / len(tracks)))
    return broken


def write_playlists(
    path: Path,
    memberships: Memberships,
    track_ids: pa.StringArray,
    playlist_ids: pa.StringArray,
    *,
    progress: Callable[[float], None],
) -> None:
    """Write ``playlist_id,track_id,position``."""
    total = len(memberships.track)
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(b"playlist_id,track_id,position\n")
        for first in range(0, total, 4 * _CHUNK):
            rows = slice(first, first + 4 * _CHUNK)
            columns = [
                playlist_ids.take(pa.array(memberships.playlist[rows])),
                track_ids.take(pa.array(memberships.track[rows])),
                pa.array(memberships.position[rows]).cast(pa.string()),
            ]
            _write_lines(file, pc.binary_join_element_wise(*columns, ","))
            progress(min(1.0, rows.stop / total))


def _write_lines(file: BinaryIO, lines: pa.StringArray) -> None:
    """Write the lines through the array's buffer, which is their concatenated text."""
    ended = pc.binary_join_element_wise(lines, pa.scalar(""), "\n")
    _, _, data = ended.buffers()
    file.write(data)


def _columns(
    tracks: Tracks,
    first: int,
    ids: pa.StringArray,
    artist_names: pa.StringArray,
    rng: np.random.Generator,
) -> list[pa.StringArray]:
    natural = to_natural(tracks.sound)
    texts: dict[str, pa.StringArray] = {
        "": _text(np.arange(first, first + len(tracks))),
        "artist_name": _quoted(artist_names.take(pa.array(tracks.artist))),
        "track_name": _quoted(release_titles(tracks, artist_names)),
        "track_id": ids,
        "genre": pa.array(genre_model().names).take(pa.array(tracks.genre)),
        "loudness": _text(np.round(natural[:, 7], 3)),
        "tempo": _text(np.round(natural[:, 8], 3)),
        "duration_ms": _text(natural[:, 9].astype(np.int64)),
    }
    for number, name in enumerate(DIMENSIONS[:7]):  # the shares
        texts[name] = _text(_three_digits(natural[:, number]))
    for name in ("popularity", "year", "key", "mode", "time_signature"):
        texts[name] = _text(getattr(tracks, name))
    for name, (share, missing) in MISSING.items():
        is_missing = pa.array(rng.random(len(tracks)) < share)
        texts[name] = pc.if_else(is_missing, missing, texts[name])
    return [texts[name] for name in CATALOG_COLUMNS]


def _text(values: NDArray[np.generic]) -> pa.StringArray:
    return pa.array(values).cast(pa.string())


def _three_digits(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round as the public files do: three decimals, or three significant digits below a tenth."""
    decimals = 3.0 + np.clip(np.floor(-np.log10(np.maximum(share, 1e-6))), 0, 3)
    scale = 10.0**decimals
    return np.asarray(np.round(share * scale) / scale)


def _quoted(names: pa.StringArray) -> pa.StringArray:
    """Quote names only where CSV requires it."""
    needs_quotes = pc.match_substring_regex(names, '[",\r\n]')
    doubled = pc.replace_substring(names, '"', '""')
    return pc.if_else(needs_quotes, pc.binary_join_element_wise('"', doubled, '"', ""), names)
