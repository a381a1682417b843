"""Exhaustive search, and how FAISS computes distances in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import faiss
import numpy as np
import numpy.typing as npt

__all__ = ["blas", "exact_search"]

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

# BLAS computes distances as differences of squares, which cancel, and sums in an order that depends on the
# number of queries. Without BLAS the results of a batch equal those of its queries one by one, and a single
# query is faster.
faiss.cvar.distance_compute_blas_threshold = 1 << 30

# Block sizes under BLAS: 64 MB of distances at once. With FAISS's default of 1024 tracks, three quarters of
# the time are overhead.
_BLAS_TRACKS, _BLAS_QUERIES = 16_384, 1_024


@contextmanager
def blas() -> Iterator[None]:
    """Let FAISS compute distances by BLAS: far faster for many queries, but the last bits differ."""
    settings = {
        "distance_compute_blas_threshold": 0,
        "distance_compute_blas_database_bs": _BLAS_TRACKS,
        "distance_compute_blas_query_bs": _BLAS_QUERIES,
    }
    before = {name: getattr(faiss.cvar, name) for name in settings}
    try:
        for name, value in settings.items():
            setattr(faiss.cvar, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(faiss.cvar, name, value)


def exact_search(queries: Floats, vectors: Floats, k: int) -> tuple[Floats, Rows]:
    """Squared L2 distances and rows of the k nearest of `vectors`, ascending, each [q, k]."""
    if len(queries) == 1:
        # for a single query FAISS takes another code path, whose last bits differ
        distances, rows = faiss.knn(np.repeat(queries, 2, axis=0), vectors, k)
        return distances[:1], rows[:1]
    return faiss.knn(queries, vectors, k)  # type: ignore[no-any-return]
