"""Baselines: random, most popular, same artist, item-item co-occurrence, the base design, nearest.

As in Segue's own lists, no list has a release of the seed's recording, or two releases of one recording.
Unlike Segue's, they do not cap the tracks per artist.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from segue.evaluate.metrics import Flags, Rows, compact
from segue.index.exact import exact_search

__all__ = [
    "base_design",
    "base_matrix",
    "co_listened",
    "exact_neighbours",
    "finish",
    "most_popular",
    "random_lists",
    "repeats",
    "same_artist",
]

# Additional neighbours to search for, since the seed's own releases are among the nearest.
SLACK = 24

PopularityOf = Callable[[Rows], npt.NDArray[np.floating]]


def repeats(recs: Rows, recording: Rows) -> Flags:
    """Which entries repeat a recording that is earlier in the same list, bool [q, depth]."""
    groups = np.where(recs >= 0, recording[recs], -1 - np.arange(recs.shape[1]))
    order = np.argsort(groups, axis=1, kind="stable")
    ordered = np.take_along_axis(groups, order, axis=1)
    again = np.zeros(recs.shape, dtype=np.bool_)
    again[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
    out = np.zeros(recs.shape, dtype=np.bool_)
    np.put_along_axis(out, order, again, axis=1)
    return out


def finish(recs: Rows, seeds: Rows, recording: Rows, depth: int) -> Rows:
    """Drop the seed's recording and repeated ones, and cut at ``depth``: int32 [q, depth], padded with -1."""
    own = (recording[recs] == recording[seeds][:, None]) & (recs >= 0)
    kept = compact(recs, own | repeats(recs, recording))[:, :depth]
    short = depth - kept.shape[1]
    return np.pad(kept, ((0, 0), (0, short)), constant_values=-1) if short > 0 else kept


def random_lists(seeds: Rows, recording: Rows, depth: int, *, seed: int = 0) -> Rows:
    """Tracks drawn uniformly from the catalogue, int32 [q, depth]."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(recording), size=(len(seeds), depth + SLACK), dtype=np.int32)
    return finish(drawn, seeds, recording, depth)


def most_popular(seeds: Rows, recording: Rows, popularity: npt.NDArray[np.floating], depth: int) -> Rows:
    """The most popular recordings of the catalogue, the same for every seed, int32 [q, depth]."""
    known = np.nan_to_num(popularity, nan=-1.0)
    # more than twice the depth, because the top has several releases of the same hits
    top = np.argsort(-known, kind="stable")[: 2 * (depth + SLACK)].astype(np.int32)
    return finish(np.tile(top, (len(seeds), 1)), seeds, recording, depth)


def same_artist(
    seeds: Rows, artist: Rows, recording: Rows, popularity: npt.NDArray[np.floating], depth: int
) -> Rows:
    """The most popular other tracks of the seed's own artist, int32 [q, depth], padded with -1."""
    known = np.nan_to_num(popularity, nan=-1.0)
    order = np.lexsort((-known, artist)).astype(np.int32)
    low, high = (np.searchsorted(artist[order], artist[seeds], side=side) for side in ("left", "right"))
    at = low[:, None] + np.arange(depth + SLACK)
    found = np.where(at < high[:, None], order[np.minimum(at, len(order) - 1)], -1)
    return finish(found.astype(np.int32), seeds, recording, depth)


def co_listened(
    seeds: Rows, playlist: Rows, track: Rows, recording: Rows, depth: int, *, threads: int = 2
) -> Rows:
    """Item-item co-occurrence: tracks by the cosine of their playlist vectors, int32 [q, depth].

    By the ``implicit`` package, from the entries of the training playlists, int32 [m]. A seed that is in no
    playlist gets an empty list.
    """
    from implicit.nearest_neighbours import CosineRecommender
    from scipy.sparse import csr_matrix

    tracks, item = np.unique(track, return_inverse=True)
    _, user = np.unique(playlist, return_inverse=True)
    shape = (int(user.max()) + 1, len(tracks))
    model = CosineRecommender(K=depth + SLACK, num_threads=threads)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package warns of a conversion that it does anyway
        model.fit(csr_matrix((np.ones(len(item)), (user, item)), shape=shape), show_progress=False)
    at = np.minimum(np.searchsorted(tracks, seeds), len(tracks) - 1)
    warm = tracks[at] == seeds
    out = np.full((len(seeds), depth + SLACK), -1, np.int32)
    if warm.any():
        items, scores = model.similar_items(at[warm], N=depth + SLACK)
        out[warm, : items.shape[1]] = np.where(scores > 0, tracks[np.maximum(items, 0)], -1)
    return finish(out, seeds, recording, depth)


def base_matrix(features: npt.NDArray[np.float32], columns: list[int]) -> npt.NDArray[np.float32]:
    """Raw sound features for the base design: not scaled, missing values replaced by the column's mean.

    `columns` are their positions in `features`, float32 [n, f]; the result is float32 [n, len(columns)].
    """
    raw = np.ascontiguousarray(features[:, columns], dtype=np.float32)
    for column in raw.T:
        missing = np.isnan(column)
        if missing.any():
            column[missing] = 0.0 if missing.all() else column[~missing].mean(dtype=np.float64)
    return raw


def exact_neighbours(vectors: npt.NDArray[np.float32], seeds: Rows, count: int) -> Rows:
    """The ``count`` nearest rows of each seed under L2, including the seed itself: int32 [q, count].

    Exhaustive search like FAISS's IndexFlatL2, but without a copy of the vectors.
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
    """The base design: the nearest ``neighbours`` by raw features under L2, ordered by popularity.

    Parameters
    ----------
    vectors
        float32 [n, d] of `base_matrix`.
    popularity_of
        Popularity, predicted or known, of rows int32 [m].
    neighbours
        Number of neighbours retrieved (200 in the base design).

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
