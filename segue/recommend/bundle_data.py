"""The files of a bundle that the library and the gateway both read: opened and checked in one place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from segue.bundle.definition import BundleDefinition
from segue.bundle.table import TRACK_COLUMNS, read_tracks
from segue.errors import BundleError
from segue.features.transform import GENRE, FeatureTransform
from segue.recommend.lookup import Lookup
from segue.throttle import Throttle

__all__ = ["BundleData", "Floats"]

Floats = npt.NDArray[np.float32]
T = TypeVar("T")


class BundleData:
    """The tracks of a bundle with their features and their places in the embedding.

    Parameters
    ----------
    definition
        ``bundle.json``, or a draft of it before publishing.
    path
        Gives the local path of a file of the bundle, its checksum verified.
    columns
        Columns of ``tracks.parquet`` to read; among them those that `lookup` needs.
    repeated
        Those of the columns that have few distinct values, kept as dictionaries.
    throttle
        Pauses the opening, to leave processor time to requests; without one it never pauses.

    Attributes
    ----------
    transform
        Names of the features and genres, and the way into the embedding.
    columns
        Columns of ``tracks.parquet`` by name, n values each.
    features
        float32 [n, f], mapped; raw canonical values, NaN missing.
    embedding
        float32 [n, d], mapped.
    artist, recording
        int32 [n].
    genre
        int16 [n], codes in the transform's vocabulary, -1 missing.
    popularity
        float32 [n], NaN missing.

    Raises
    ------
    BundleError
        A file can't be read, or the files do not fit each other.
    """

    def __init__(
        self,
        definition: BundleDefinition,
        path: Callable[[str], Path],
        columns: Sequence[str],
        *,
        repeated: Sequence[str] = (),
        throttle: Throttle | None = None,
    ) -> None:
        self._throttle = throttle or Throttle()
        self.definition = definition
        self.path = path
        self.digest = definition.digest
        self.transform = self._read("transform.json", _transform)
        self._read("tracks.parquet", _check_columns)
        table = self._read(
            "tracks.parquet",
            lambda file: read_tracks(file, columns, repeated=repeated, throttle=self._throttle),
        )
        self.columns = {name: _in_one_piece(table.column(name)) for name in columns}
        self.features = self._read("features.npy", _mapped)
        self.embedding = self._read("embedding.npy", _mapped)
        self._check_rows("tracks.parquet", table.num_rows)
        self._check_rows("features.npy", len(self.features))
        self._check_rows("embedding.npy", len(self.embedding))
        self._check_width("features.npy", self.features.shape[1], len(definition.features))
        self._check_width(
            "embedding.npy", self.embedding.shape[1], sum(block.width for block in definition.blocks)
        )
        self._positions = {name: i for i, name in enumerate(definition.features)}
        self.artist: npt.NDArray[np.int32] = self.columns["artist"].to_numpy()
        self.recording: npt.NDArray[np.int32] = self.columns["recording"].to_numpy()
        self.popularity: Floats = self.columns["popularity"].to_numpy(zero_copy_only=False)
        codes = self.features[:, self.position(GENRE)]
        self.genre = np.where(np.isfinite(codes), codes, -1).astype(np.int16)

    @property
    def size(self) -> int:
        """Number of tracks, n."""
        return self.definition.tracks

    @cached_property
    def lookup(self) -> Lookup:
        """Rows by id, artist and genre."""
        return Lookup(
            track_ids=self.columns["track_id"],
            artist_names=self.columns["artist_name"],
            artist=self.artist,
            genre=self.genre,
            popularity=self.popularity,
            recording=self.recording,
            throttle=self._throttle,
        )

    @cached_property
    def genres(self) -> list[tuple[str, int]]:
        """Genres that can be a seed with the number of their tracks, the largest first."""
        counts = np.bincount(self.genre[self.genre >= 0], minlength=len(self.transform.genres))
        named = zip(self.transform.genres, counts.tolist(), strict=True)
        return sorted(named, key=lambda pair: (-pair[1], pair[0]))

    def position(self, name: str) -> int:
        """Column of a feature in `features`."""
        return self._positions[name]

    def _read(self, name: str, read: Callable[[Path], T]) -> T:
        """Read one file; errors of its parser are raised as BundleError."""
        path = self.path(name)
        try:
            return read(path)
        except (ValueError, TypeError, LookupError, OSError, RuntimeError) as error:
            reason = str(error).partition("\n")[0]
            raise BundleError(f"bundle {self.digest[:12]}: {name} can't be read: {reason}") from None

    def _check_rows(self, name: str, rows: int) -> None:
        if rows != self.size:
            raise BundleError(f"bundle {self.digest[:12]}: {name} has {rows} rows, expected {self.size}")

    def _check_width(self, name: str, width: int, expected: int) -> None:
        if width != expected:
            raise BundleError(f"bundle {self.digest[:12]}: {name} has {width} columns, expected {expected}")


def _transform(path: Path) -> FeatureTransform:
    return FeatureTransform.model_validate_json(path.read_bytes())


def _mapped(path: Path) -> Floats:
    # as a plain array: indexing an np.memmap costs some ten microseconds more
    array: Floats = np.asarray(np.load(path, mmap_mode="r"))
    if array.ndim != 2 or array.dtype != np.float32:
        raise ValueError(f"expected a matrix of float32, got {array.dtype} of {array.ndim} dimensions")
    return array


def _check_columns(path: Path) -> None:
    missing = sorted(set(TRACK_COLUMNS).difference(pq.read_schema(path).names))
    if missing:
        raise ValueError(f"it lacks the columns {', '.join(missing)}")


def _in_one_piece(column: pa.ChunkedArray) -> pa.Array:
    """A column as one array: access through chunks is slower."""
    if column.num_chunks == 1:
        return column.chunk(0)
    return column.unify_dictionaries().combine_chunks()
