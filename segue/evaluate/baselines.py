"""Lists that Segue must beat: random, most popular, the base design, nearest only.

Each list leaves out the seed and every release of its recording, and holds one release of a recording at
most, as Segue's own lists do; none caps the tracks of an artist, which is Segue's rule alone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from segue.evaluate.metrics import Flags, Rows, compact
from segue.index.search import exact_search

__all__ = [
    "base_design",
    "base_matrix",
    "exact_neighbours",
    "finish",
    "most_popular",
    "random_lists",
    "repeats",
]

# Neighbours that are fetched beyond those asked for, since the seed's own releases are among the nearest.
SLACK = 24

PopularityOf = Callable[[Rows], npt.NDArray[np.floating]]


def repeats(recs: Rows, recording: Rows) -> Flags:
    """Which entries repeat a recording that stands earlier in the same list, bool [q, depth]."""
    groups = np.where(recs >= 0, recording[recs], -1 - np.arange(recs.shape[1]))
    order = np.argsort(groups, axis=1, kind="stable")
    ordered = np.take_along_axis(groups, order, axis=1)
    again = np.zeros(recs.shape, dtype=np.bool_)
    again[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
    out = np.zeros(recs.shape, dtype=np.bool_)
    np.put_along_axis(out, order, again, axis=1)
    return out


def finish(recs: Rows, seeds: Rows, recording: Rows, depth: int) -> Rows:
    """Leave out the seed's recording and repeats, cut at ``depth``: int32 [q, depth], padded with -1."""
    own = (recording[recs] == recording[seeds][:, None]) & (recs >= 0)
    kept = compact(recs, own | repeats(recs, recording))[:, :depth]
    short = depth - kept.shape[1]
    return np.pad(kept, ((0, 0), (0, short)), constant_values=-1) if short > 0 else kept


def random_lists(seeds: Rows, recording: Rows, depth: int, *, seed: int = 0) -> Rows:
    """Tracks drawn evenly from the catalogue, int32 [q, depth]."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(recording), size=(len(seeds), depth + SLACK), dtype=np.int32)
    return finish(drawn, seeds, recording, depth)


def most_popular(seeds: Rows, recording: Rows, popularity: npt.NDArray[np.floating], depth: int) -> Rows:
    """The same list for every seed, the most popular recordings of the catalogue, int32 [q, depth]."""
    known = np.nan_to_num(popularity, nan=-1.0)
    # several releases of a hit stand at the top together, hence twice the depth and some
    top = np.argsort(-known, kind="stable")[: 2 * (depth + SLACK)].astype(np.int32)
    return finish(np.tile(top, (len(seeds), 1)), seeds, recording, depth)


def base_matrix(features: npt.NDArray[np.float32], columns: list[int]) -> npt.NDArray[np.float32]:
    """Raw sound features as the base design compares them: not scaled, a missing value as the column's mean.

    Parameters
    ----------
    features
        float32 [n, f], NaN where missing.
    columns
        Which columns, the sound features of the catalogue.

    Returns
    -------
    ndarray
        float32 [n, len(columns)], contiguous.
    """
    raw = np.ascontiguousarray(features[:, columns], dtype=np.float32)
    for column in raw.T:
        missing = np.isnan(column)
        if missing.any():
            column[missing] = 0.0 if missing.all() else column[~missing].mean(dtype=np.float64)
    return raw


def exact_neighbours(vectors: npt.NDArray[np.float32], seeds: Rows, count: int) -> Rows:
    """The ``count`` rows nearest to each seed under L2, the seed itself among them: int32 [q, count].

    Exhaustive search, as FAISS's IndexFlatL2 does it, without that index's copy of the vectors.
    """
    matrix = np.ascontiguousarray(vectors, dtype=np.float32)
    _, rows = exact_search(matrix[seeds], matrix, min(count, len(matrix)))
    return np.asarray(rows, dtype=np.int32)


def base_design(
    vectors: npt.NDArray[np.float32],
    seeds: Rows,
    recording: Rows,
    popularity_of: PopularityOf,
    *,
    neighbours: int,
    depth: int,
) -> Rows:
    """The base design: raw features under L2, the nearest ``neighbours``, the most popular of them first.

    Parameters
    ----------
    vectors
        float32 [n, d] of `base_matrix`.
    seeds
        int32 [q].
    recording
        int32 [n].
    popularity_of
        Popularity, predicted or known, of rows int32 [m].
    neighbours
        How many the index is asked for (200 in the base design).
    depth
        Length of the lists.

    Returns
    -------
    ndarray
        int32 [q, depth], padded with -1.
    """
    near = finish(exact_neighbours(vectors, seeds, neighbours + SLACK), seeds, recording, neighbours)
    used, at = np.unique(near, return_inverse=True)
    value = np.nan_to_num(np.asarray(popularity_of(np.maximum(used, 0)), dtype=np.float64), nan=-1.0)
    score = np.where(near >= 0, value[at.reshape(near.shape)], -np.inf)
    order = np.argsort(-score, axis=1, kind="stable")
    return np.take_along_axis(near, order, axis=1)[:, :depth]
