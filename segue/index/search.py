"""Searching the index: the N nearest tracks of each query, among those that pass a filter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import faiss
import numpy as np
import numpy.typing as npt

from segue.bundle.definition import IndexSpec

__all__ = ["EXACT_SHARE", "TrackIndex", "blas", "exact_search", "open_index"]

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

# Under this share of tracks that pass a filter, reading those alone is cheaper than probing enough lists
# to find them (and HNSW does not find them at all: 9 of 100 at 0.3 %).
EXACT_SHARE = 0.03
# Or under this many, whatever the share.
EXACT_TRACKS = 5_000

# BLAS gets distances from squares that cancel, and sums in another order for a few queries than for many.
# Without it a batch answers exactly as its queries do one by one, and one query is quicker.
faiss.cvar.distance_compute_blas_threshold = 1 << 30


# Under BLAS, tracks and queries whose distances are computed at once. FAISS takes 1024 tracks at a time, and
# spends three quarters of the time on starting over; with these it holds 64 MB of distances.
_BLAS_TRACKS, _BLAS_QUERIES = 16_384, 1_024


@contextmanager
def blas() -> Iterator[None]:
    """Let FAISS compute distances by BLAS: far faster for many queries and points, last bits apart."""
    wanted = {
        "distance_compute_blas_threshold": 0,
        "distance_compute_blas_database_bs": _BLAS_TRACKS,
        "distance_compute_blas_query_bs": _BLAS_QUERIES,
    }
    before = {name: getattr(faiss.cvar, name) for name in wanted}
    try:
        for name, value in wanted.items():
            setattr(faiss.cvar, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(faiss.cvar, name, value)


def exact_search(queries: Floats, vectors: Floats, k: int) -> tuple[Floats, Rows]:
    """Exhaustive search: squared L2 distances and rows of the k nearest of `vectors`, ascending, [q, k]."""
    if len(queries) == 1:
        # FAISS has a way of its own for a lone query, with other last bits
        distances, rows = faiss.knn(np.repeat(queries, 2, axis=0), vectors, k)
        return distances[:1], rows[:1]
    return faiss.knn(queries, vectors, k)  # type: ignore[no-any-return]


class TrackIndex:
    """A FAISS index over the embedding, with the search parameters that met the recall target.

    Parameters
    ----------
    index
        The FAISS index, L2.
    spec
        Kind and parameters.
    embedding
        float32 [n, d], what is indexed: read for exact search within a narrow filter.
    """

    def __init__(self, index: faiss.Index, spec: IndexSpec, embedding: Floats) -> None:
        self.index = index
        self.spec = spec
        self.embedding = embedding
        self._unfiltered = self._parameters(None, 1.0)

    def search(
        self, queries: Floats, k: int, allowed: npt.NDArray[np.bool_] | None = None
    ) -> tuple[Floats, Rows]:
        """Find the k nearest tracks of each query.

        Parameters
        ----------
        queries
            float32 [q, d].
        k
            Neighbours a query.
        allowed
            bool [n]; only these tracks come back. None: all.

        Returns
        -------
        distances
            float32 [q, k], squared L2, ascending; inf where there are fewer than k.
        rows
            int64 [q, k], -1 where there are fewer than k.
        """
        queries = np.ascontiguousarray(queries, np.float32)
        if len(queries) == 1 and self.spec.kind == "flat":
            # as in exact_search
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
        parameters = self._parameters(selector, count / len(allowed))
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

    def _parameters(self, selector: faiss.IDSelector | None, share: float) -> faiss.SearchParameters:
        """Search parameters that keep the recall when only `share` of the tracks passes."""
        if self.spec.kind == "ivf":
            lists, probes = self.spec.nlist or 1, self.spec.nprobe or 1
            return faiss.SearchParametersIVF(sel=selector, nprobe=min(lists, int(np.ceil(probes / share))))
        if self.spec.kind == "hnsw":
            effort = int(np.ceil((self.spec.ef_search or 1) / share))
            return faiss.SearchParametersHNSW(sel=selector, efSearch=effort)
        return faiss.SearchParameters(sel=selector)


def _infinite(distances: Floats, rows: Rows) -> tuple[Floats, Rows]:
    # what is missing stands at the end of a list
    if np.count_nonzero(rows[:, -1:] < 0):
        distances[rows < 0] = np.inf
    return distances, rows


def open_index(path: Path, spec: IndexSpec, embedding: Floats) -> TrackIndex:
    """Open ``index.faiss``, mapped: pages come in as they are read, and processes share them."""
    return TrackIndex(faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC), spec, embedding)
