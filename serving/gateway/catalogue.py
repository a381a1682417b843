"""The gateway's own copy of a bundle: what search, tracks and audio features are answered from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from segue.bundle.reader import BundleFiles
from segue.bundle.table import read_tracks
from segue.errors import BundleError
from segue.features.reference import Reference
from segue.features.transform import GENRE, FeatureTransform
from segue.recommend.lookup import Lookup
from segue.search import SearchIndex

__all__ = ["FILES", "Catalogue"]

Floats = npt.NDArray[np.float32]

FILES = (
    "tracks.parquet",
    "features.npy",
    "embedding.npy",
    "transform.json",
    "search.sqlite",
    "reference.json",
)
_SHOWN = (
    "track_id",
    "track_name",
    "artist_name",
    "album_name",
    "genre",
    "year",
    "popularity",
    "explicit",
    "image_url",
    "preview_url",
)
_MORE = ("album_id", "artist_id")
_NUMBERS = ("recording", "artist")
# Few distinct values, or one for many tracks: as codes they take a third of the memory.
_REPEATED = ("genre", "artist_name", "album_name", "album_id", "artist_id", "image_url")


class Catalogue:
    """A bundle, opened for showing it.

    Attributes
    ----------
    digest
        The bundle's name.
    features
        float32 [n, f], mapped; raw canonical values, NaN missing.
    embedding
        float32 [n, d], mapped.
    transform
        Names of the features and genres.
    artist
        int32 [n], artist numbers.
    genre
        int16 [n], codes in the transform's vocabulary, -1 missing.
    popularity
        float32 [n], NaN missing.
    reference
        Bins of the features.
    search
        Search by name.
    """

    def __init__(self, files: BundleFiles) -> None:
        self.digest = files.digest
        self._throttle = files.throttle
        self.definition = files.definition
        self.transform = FeatureTransform.model_validate_json(files.path("transform.json").read_bytes())
        table = read_tracks(
            files.path("tracks.parquet"),
            [*_SHOWN, *_MORE, *_NUMBERS],
            repeated=_REPEATED,
            throttle=files.throttle,
        )
        self._columns = {name: _whole(table.column(name)) for name in table.column_names}
        self.features: Floats = np.asarray(np.load(files.path("features.npy"), mmap_mode="r"))
        self.embedding: Floats = np.asarray(np.load(files.path("embedding.npy"), mmap_mode="r"))
        self.reference = Reference.model_validate_json(files.path("reference.json").read_bytes())
        self.search = SearchIndex(files.path("search.sqlite"))
        self._positions = {name: i for i, name in enumerate(self.definition.features)}
        for name, rows in (
            ("tracks.parquet", table.num_rows),
            ("features.npy", len(self.features)),
            ("embedding.npy", len(self.embedding)),
        ):
            if rows != self.size:
                raise BundleError(f"bundle {self.digest[:12]}: {name} has {rows} rows, expected {self.size}")
        self.popularity: Floats = self._columns["popularity"].to_numpy(zero_copy_only=False)
        self.artist: npt.NDArray[np.int32] = self._columns["artist"].to_numpy()
        codes = self.features[:, self._positions[GENRE]]
        self.genre = np.where(np.isfinite(codes), codes, -1).astype(np.int16)

    @property
    def size(self) -> int:
        """Number of tracks, n."""
        return self.definition.tracks

    @cached_property
    def lookup(self) -> Lookup:
        """Rows by id, artist and genre."""
        return Lookup(
            track_ids=self._columns["track_id"],
            artist_names=self._columns["artist_name"],
            artist=self.artist,
            genre=self.genre,
            popularity=self.popularity,
            recording=self._columns["recording"].to_numpy(),
            throttle=self._throttle,
        )

    @cached_property
    def genres(self) -> list[tuple[str, int]]:
        """Genres that can be a seed with the number of their tracks, the largest first."""
        counts = np.bincount(self.genre[self.genre >= 0], minlength=len(self.transform.genres))
        named = zip(self.transform.genres, counts.tolist(), strict=True)
        return sorted(named, key=lambda pair: (-pair[1], pair[0]))

    def column(self, name: str) -> pa.Array:
        """One column of tracks.parquet, n values; those of few distinct ones as a DictionaryArray."""
        return self._columns[name]

    def cell(self, column: str, row: int) -> Any:
        """One value of tracks.parquet; None where it is missing."""
        return self._columns[column][row].as_py()

    def summary(self, row: int) -> dict[str, Any]:
        """A track as lists show it."""
        track = {name: self._columns[name][row].as_py() for name in _SHOWN}
        track["duration_ms"] = _as_int(self.feature("duration_ms", row))
        track["image"] = f"/api/tracks/{quote(track['track_id'], safe='')}/image"
        return track

    def track(self, row: int) -> dict[str, Any]:
        """A track with all that is known of it."""
        track = self.summary(row)
        track.update({name: self._columns[name][row].as_py() for name in _MORE})
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

    def position(self, name: str) -> int:
        """Column of a feature."""
        return self._positions[name]

    def image_url(self, row: int) -> str | None:
        """The catalogue's address of a cover, if it is one that a browser may be sent to."""
        url = self.cell("image_url", row)
        return url if isinstance(url, str) and url.startswith(("https://", "http://")) else None

    def rows_of(self, track_ids: Sequence[str]) -> list[int | None]:
        """Rows of tracks by id; None for each that the catalogue lacks."""
        return [self.lookup.row_of(track_id) for track_id in track_ids]

    def known_rows(self, track_ids: Iterable[str]) -> list[int]:
        """Rows of the tracks that the catalogue has."""
        return [row for track_id in track_ids if (row := self.lookup.row_of(track_id)) is not None]


def _whole(column: pa.ChunkedArray) -> pa.Array:
    """A column without the chunks around it, which cost more than a cell itself."""
    if column.num_chunks == 1:
        return column.chunk(0)
    return column.unify_dictionaries().combine_chunks()


def _as_int(value: float | None) -> int | None:
    return None if value is None else round(value)
