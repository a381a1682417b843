"""An opened bundle: the arrays, the table and the index that recommendations are computed from."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from segue.bundle.definition import BundleDefinition
from segue.bundle.table import read_tracks
from segue.errors import BundleError
from segue.features.transform import GENRE, FeatureTransform
from segue.index.search import open_index
from segue.recommend.lookup import Lookup
from segue.recommend.strings import Strings
from segue.throttle import Throttle

__all__ = ["Bundle"]

Floats = npt.NDArray[np.float32]

# The columns of tracks.parquet that an answer needs; only the gateway reads the rest (albums, images).
_COLUMNS = ("track_id", "track_name", "artist_name", "popularity", "recording", "artist")


class Bundle:
    """An opened bundle.

    Parameters
    ----------
    definition
        ``bundle.json``, or a draft of it before publishing.
    path
        Returns the local, verified path of a file of the bundle, by name.
    throttle
        Pauses the opening, to leave processor time to requests; without one it never pauses.

    Attributes
    ----------
    tracks
        Arrow table of n rows: the columns that an answer needs.
    features
        float32 [n, f], memory-mapped; raw canonical values, NaN missing.
    embedding
        float32 [n, d], memory-mapped.
    artist, recording
        int32 [n].
    genre
        int16 [n], genre codes of the transform, -1 missing.
    popularity
        float32 [n], NaN missing.

    Raises
    ------
    BundleError
        The files do not match each other.
    """

    def __init__(
        self, definition: BundleDefinition, path: Callable[[str], Path], throttle: Throttle | None = None
    ) -> None:
        self._throttle = throttle or Throttle()
        self.definition = definition
        self.path = path
        self.digest = definition.digest
        self.transform = FeatureTransform.model_validate_json(path("transform.json").read_bytes())
        table = read_tracks(path("tracks.parquet"), _COLUMNS, throttle=self._throttle)
        self.tracks: pa.Table = table.combine_chunks()
        # as plain arrays: indexing an np.memmap costs some ten microseconds more
        self.features: Floats = np.asarray(np.load(path("features.npy"), mmap_mode="r"))
        self.embedding: Floats = np.asarray(np.load(path("embedding.npy"), mmap_mode="r"))
        self.index = open_index(path("index.faiss"), definition.index, self.embedding)
        self._check()
        self.artist: npt.NDArray[np.int32] = self._column("artist").to_numpy()
        self.recording: npt.NDArray[np.int32] = self._column("recording").to_numpy()
        self.popularity: Floats = self._column("popularity").to_numpy(zero_copy_only=False)
        codes = self.feature(GENRE)
        self.genre = np.where(np.isfinite(codes), codes, -1).astype(np.int16)
        self._throttle()

    @property
    def size(self) -> int:
        """Number of tracks, n."""
        return self.definition.tracks

    @cached_property
    def lookup(self) -> Lookup:
        """Rows by id, artist and genre."""
        return Lookup(
            track_ids=self._column("track_id"),
            artist_names=self._column("artist_name"),
            artist=self.artist,
            genre=self.genre,
            popularity=self.popularity,
            recording=self.recording,
            throttle=self._throttle,
        )

    def feature(self, name: str) -> Floats:
        """One column of the features, float32 [n], contiguous; cached, since filters use it repeatedly."""
        if name not in self._columns:
            position = self.definition.features.index(name)
            self._columns[name] = np.ascontiguousarray(self.features[:, position])
        return self._columns[name]

    @cached_property
    def _columns(self) -> dict[str, Floats]:
        return {}

    def value(self, column: str, row: int) -> str:
        """One cell of a string column of `tracks`."""
        return self._cells[column].texts([row])[0]

    def values(self, column: str, rows: npt.NDArray[np.int64]) -> list[str]:
        """Cells of a string column of `tracks`."""
        return self._cells[column].texts(rows.tolist())

    @cached_property
    def _cells(self) -> dict[str, Strings]:
        fields = {name: self._column(name) for name in self.tracks.column_names}
        return {name: Strings(cells) for name, cells in fields.items() if _is_text(cells)}

    def _column(self, name: str) -> pa.Array:
        column = self.tracks.column(name)
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()

    def _check(self) -> None:
        n = self.definition.tracks
        lengths = {
            "tracks.parquet": self.tracks.num_rows,
            "features.npy": len(self.features),
            "embedding.npy": len(self.embedding),
            "index.faiss": self.index.index.ntotal,
        }
        for name, rows in lengths.items():
            if rows != n:
                raise BundleError(f"bundle {self.digest[:12]}: {name} has {rows} rows, expected {n}")
        widths = {
            "features.npy": (self.features.shape[1], len(self.definition.features)),
            "embedding.npy": (self.embedding.shape[1], sum(b.width for b in self.definition.blocks)),
            "index.faiss": (self.index.index.d, self.embedding.shape[1]),
        }
        for name, (width, expected) in widths.items():
            if width != expected:
                raise BundleError(
                    f"bundle {self.digest[:12]}: {name} has {width} columns, expected {expected}"
                )


def _is_text(cells: pa.Array) -> bool:
    return bool(pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type))
