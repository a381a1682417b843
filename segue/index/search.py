"""Searching the index: the N nearest tracks of each query, among those that pass a filter."""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np
import numpy.typing as npt

from segue.bundle.definition import IndexSpec
from segue.index.exact import exact_search
from segue.index.kinds import kind_of_spec

__all__ = ["EXACT_SHARE", "TrackIndex", "open_index"]

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

# If no more than this share or this number of tracks passes a filter, exhaustive search among them is cheaper
# than probing enough lists.
EXACT_SHARE = 0.03
EXACT_TRACKS = 5_000


class TrackIndex:
    """A FAISS index over the embedding, with the search parameters that meet the recall target.

    Parameters
    ----------
    index
        The FAISS index, L2.
    spec
        Kind and parameters.
    embedding
        float32 [n, d], the indexed vectors, for exact search under a narrow filter.

    Raises
    ------
    BundleError
        This version of Segue can't read the kind.
    """

    def __init__(self, index: faiss.Index, spec: IndexSpec, embedding: Floats) -> None:
        self.index = index
        self.spec = spec
        self.embedding = embedding
        self._kind = kind_of_spec(spec)
        self._unfiltered = self._kind.search_parameters(spec, None, 1.0)

    def search(
        self, queries: Floats, k: int, allowed: npt.NDArray[np.bool_] | None = None
    ) -> tuple[Floats, Rows]:
        """Find the k nearest tracks of each query.

        Parameters
        ----------
        queries
            float32 [q, d].
        k
            Neighbours per query.
        allowed
            bool [n], tracks that pass the filter. None: all.

        Returns
        -------
        distances
            float32 [q, k], squared L2, ascending; inf where there are fewer than k.
        rows
            int64 [q, k], -1 where there are fewer than k.
        """
        queries = np.ascontiguousarray(queries, np.float32)
        if len(queries) == 1 and self._kind.single_differs:
            # for a single query FAISS takes another code path, whose last bits differ
            distances, rows = self.search(np.repeat(queries, 2, axis=0), k, allowed)
            return distances[:1], rows[:1]
        if allowed is None:
            distances, rows = self.index.search(queries, k, params=self._unfiltered)
            return _infinite(distances, rows)
        count = int(np.count_nonzero(allowed))
        if count <= max(EXACT_TRACKS, EXACT_SHARE * len(allowed)):
            return self._search_exactly(queries, k, np.flatnonzero(allowed))
        bits = np.packbits(allowed, bitorder="little")
        selector = faiss.IDSelectorBitmap(bits)
        parameters = self._kind.search_parameters(self.spec, selector, count / len(allowed))
        distances, rows = self.index.search(queries, k, params=parameters)
        if (rows < 0).any():
            return self._search_exactly(queries, k, np.flatnonzero(allowed))
        return _infinite(distances, rows)

    def _search_exactly(self, queries: Floats, k: int, rows: Rows) -> tuple[Floats, Rows]:
        found = min(k, len(rows))
        out_distances = np.full((len(queries), k), np.inf, np.float32)
        out_rows = np.full((len(queries), k), -1, np.int64)
        if found:
            distances, nearest = exact_search(queries, np.ascontiguousarray(self.embedding[rows]), found)
            out_distances[:, :found] = distances
            out_rows[:, :found] = rows[nearest]
        return out_distances, out_rows


def _infinite(distances: Floats, rows: Rows) -> tuple[Floats, Rows]:
    # padding is at the end of a list
    if np.count_nonzero(rows[:, -1:] < 0):
        distances[rows < 0] = np.inf
    return distances, rows


def open_index(path: Path, spec: IndexSpec, embedding: Floats) -> TrackIndex:
    """Open ``index.faiss``, memory-mapped: pages are read on demand and shared between processes."""
    return TrackIndex(faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC), spec, embedding)
