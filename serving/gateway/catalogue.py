"""The gateway's own copy of a bundle: it answers searches, tracks and audio features."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from segue.bundle.reader import BundleFiles
from segue.bundle.table import TRACK_COLUMNS
from segue.features.reference import Reference
from segue.features.transform import GENRE
from segue.recommend.bundle_data import BundleData
from segue.search import SearchIndex
from serving.errors import NotFound

__all__ = ["FILES", "Catalogue"]

FILES = (
    "tracks.parquet",
    "features.npy",
    "embedding.npy",
    "transform.json",
    "search.sqlite",
    "reference.json",
)
_MORE = ("album_id", "artist_id")
_SHOWN = tuple(name for name in TRACK_COLUMNS if name not in (*_MORE, "recording", "artist"))
# Columns with few distinct values: dictionary-encoded they take a third of the memory.
_REPEATED = ("genre", "artist_name", "album_name", "album_id", "artist_id", "image_url")


class Catalogue(BundleData):
    """A bundle, opened to show its tracks, with the bins of its features and search by name."""

    def __init__(self, files: BundleFiles) -> None:
        super().__init__(
            files.definition, files.path, TRACK_COLUMNS, repeated=_REPEATED, throttle=files.throttle
        )
        self.digest = files.digest
        self.reference = self._read("reference.json", _reference)
        self.search = SearchIndex(files.path("search.sqlite"))

    def cell(self, column: str, row: int) -> Any:
        """One value of ``tracks.parquet``; None where it is missing."""
        return self.columns[column][row].as_py()

    def summary(self, row: int) -> dict[str, Any]:
        """A track with the fields that lists show."""
        track = {name: self.columns[name][row].as_py() for name in _SHOWN}
        track["duration_ms"] = _as_int(self.feature("duration_ms", row))
        track["image"] = f"/api/tracks/{quote(track['track_id'], safe='')}/image"
        return track

    def track(self, row: int) -> dict[str, Any]:
        """A track with all that the catalogue knows of it."""
        track = self.summary(row)
        track.update({name: self.columns[name][row].as_py() for name in _MORE})
        track["features"] = {
            name: self.feature(name, row) for name in self.definition.features if name != GENRE
        }
        return track

    def feature(self, name: str, row: int) -> float | None:
        """One raw value; None where it is missing or the bundle has no such feature."""
        position = self._positions.get(name)
        if position is None:
            return None
        value = self.features[row, position]
        # the shortest number that is this float32: 0.519, not 0.5189999938
        return float(str(value)) if np.isfinite(value) else None

    def image_url(self, row: int) -> str | None:
        """The catalogue's address of a cover; None unless it is an http(s) address."""
        url = self.cell("image_url", row)
        return url if isinstance(url, str) and url.startswith(("https://", "http://")) else None

    def rows_of(self, track_ids: Sequence[str]) -> list[int | None]:
        """Rows of tracks by id; None for each that the catalogue lacks."""
        return [self.lookup.row_of(track_id) for track_id in track_ids]

    def row_of(self, track_id: str) -> int:
        """Row of a track; raises `NotFound` if the catalogue lacks it."""
        row = self.lookup.row_of(track_id)
        if row is None:
            raise NotFound(f"no track {track_id!r} in the catalogue")
        return row

    def known_rows(self, track_ids: Iterable[str]) -> list[int]:
        """Rows of the tracks that the catalogue has."""
        return [row for track_id in track_ids if (row := self.lookup.row_of(track_id)) is not None]


def _reference(path: Path) -> Reference:
    return Reference.model_validate_json(path.read_bytes())


def _as_int(value: float | None) -> int | None:
    return None if value is None else round(value)
