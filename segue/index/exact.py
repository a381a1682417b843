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

# By BLAS, distances are differences of squares that cancel, summed in another order for few queries than for
# many. Without it a batch gives exactly what its queries give one by one, and one query is quicker.
faiss.cvar.distance_compute_blas_threshold = 1 << 30

# Under BLAS, tracks and queries whose distances are computed at once: 64 MB of them. With FAISS's default of
# 1024 tracks, three quarters of the time are overhead.
_BLAS_TRACKS, _BLAS_QUERIES = 16_384, 1_024


@contextmanager
def blas() -> Iterator[None]:
    """Let FAISS compute distances by BLAS: far faster for many queries, but the last bits differ."""
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
    """Squared L2 distances and rows of the k nearest of `vectors`, ascending, each [q, k]."""
    if len(queries) == 1:
        # for a single query FAISS takes another code path, whose last bits differ
        distances, rows = faiss.knn(np.repeat(queries, 2, axis=0), vectors, k)
        return distances[:1], rows[:1]
    return faiss.knn(queries, vectors, k)  # type: ignore[no-any-return]
