"""An opened bundle: the arrays, the table and the index that recommendations are computed from."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from segue.bundle.definition import BundleDefinition
from segue.index.search import open_index
from segue.recommend.bundle_data import BundleData, Floats
from segue.recommend.strings import Strings
from segue.throttle import Throttle

__all__ = ["Bundle"]

# The columns of tracks.parquet that an answer needs; only the gateway reads the rest (albums, images).
_COLUMNS = ("track_id", "track_name", "artist_name", "popularity", "recording", "artist")


class Bundle(BundleData):
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
    index
        The FAISS index of the embedding.

    Raises
    ------
    BundleError
        A file can't be read, or the files do not match each other.
    """

    def __init__(
        self, definition: BundleDefinition, path: Callable[[str], Path], throttle: Throttle | None = None
    ) -> None:
        super().__init__(definition, path, _COLUMNS, throttle=throttle)
        self.index = self._read(
            "index.faiss", lambda file: open_index(file, definition.index, self.embedding)
        )
        self._check_rows("index.faiss", self.index.index.ntotal)
        self._check_width("index.faiss", self.index.index.d, self.embedding.shape[1])
        self._throttle()

    def feature(self, name: str) -> Floats:
        """One column of the features, float32 [n], contiguous; cached, since filters use it repeatedly."""
        if name not in self._features:
            self._features[name] = np.ascontiguousarray(self.features[:, self.position(name)])
        return self._features[name]

    @cached_property
    def _features(self) -> dict[str, Floats]:
        return {}

    def value(self, column: str, row: int) -> str:
        """One cell of a text column."""
        return self._cells[column].texts([row])[0]

    def values(self, column: str, rows: npt.NDArray[np.int64]) -> list[str]:
        """Cells of a text column."""
        return self._cells[column].texts(rows.tolist())

    @cached_property
    def _cells(self) -> dict[str, Strings]:
        return {name: Strings(cells) for name, cells in self.columns.items() if _is_text(cells)}


def _is_text(cells: pa.Array) -> bool:
    return bool(pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type))
