"""List metrics, vectorised over seeds.

A set of lists is an int32 array ``recs`` [q, depth] of track rows, best first, padded with -1 at the end.
``hits`` is a bool array of the same shape: whether the recommended track is relevant to the seed of that row.
Missing entries of a list shorter than k count as misses. A metric that is undefined for a seed (such as
recall without relevant tracks) is NaN, and the caller leaves it out of the mean.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = [
    "artists_per_list",
    "compact",
    "coverage",
    "exposure",
    "genre_precision",
    "gini",
    "hit",
    "hubness",
    "intra_list_distance",
    "mean_popularity",
    "ndcg",
    "ndcg_graded",
    "precision",
    "r_precision",
    "recall",
]

Rows: TypeAlias = npt.NDArray[np.int32]
Flags: TypeAlias = npt.NDArray[np.bool_]
Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]


def compact(recs: Rows, drop: Flags) -> Rows:
    """Remove entries from each list; the following ones move up.

    Parameters
    ----------
    recs
        int32 [q, depth], padded with -1.
    drop
        bool [q, depth], entries to remove.

    Returns
    -------
    ndarray
        int32 [q, depth], padded with -1.
    """
    removed = drop | (recs < 0)
    order = np.argsort(removed, axis=1, kind="stable")
    return np.where(np.take_along_axis(removed, order, axis=1), -1, np.take_along_axis(recs, order, axis=1))


def precision(hits: Flags, k: int) -> Floats:
    """Share of the first k positions with a relevant track, float64 [q]."""
    return np.asarray(hits[:, :k].sum(axis=1) / k, dtype=np.float64)


def hit(hits: Flags, k: int) -> Floats:
    """1 if any of the first k tracks is relevant, else 0, float64 [q]."""
    return np.asarray(hits[:, :k].any(axis=1), dtype=np.float64)


def recall(hits: Flags, relevant: Ints, k: int) -> Floats:
    """Share of the relevant tracks that are among the first k, float64 [q]; NaN without relevant tracks."""
    return _ratio(hits[:, :k].sum(axis=1), relevant)


def r_precision(hits: Flags, relevant: Ints) -> Floats:
    """Precision at R, the number of relevant tracks, float64 [q]; NaN if R is 0.

    R is at most the depth of the lists, so that the lists' length does not count as misses.
    """
    depth = hits.shape[1]
    r = np.minimum(relevant, depth)
    found = np.where(np.arange(depth) < r[:, None], hits, False).sum(axis=1)
    return _ratio(found, r)


def ndcg(hits: Flags, relevant: Ints, k: int) -> Floats:
    """NDCG at k with gains of 0 and 1, float64 [q]; NaN without relevant tracks."""
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    best = np.concatenate([[0.0], np.cumsum(discount)])
    gained = hits[:, :k] @ discount[: min(k, hits.shape[1])]
    return _ratio(gained, best[np.minimum(relevant, k)])


def ndcg_graded(gains: Floats, scores: Floats, valid: Flags, k: int) -> Floats:
    """NDCG at k of the order by ``scores``, with linear gains; tied scores share their mean gain.

    Parameters
    ----------
    gains, scores
        float64 [q, m]; gains are not negative.
    valid
        bool [q, m], false for padding.
    k
        Cut-off.

    Returns
    -------
    ndarray
        float64 [q]; NaN if no gain is above 0.
    """
    gains = np.where(valid, gains, 0.0)
    scores = np.where(valid, scores, -np.inf)
    order = np.argsort(-scores, axis=1, kind="stable")
    ranked = np.take_along_axis(scores, order, axis=1)
    starts = np.ones(ranked.shape, dtype=np.bool_)
    starts[:, 1:] = ranked[:, 1:] != ranked[:, :-1]
    tie = np.cumsum(starts.ravel()) - 1
    shared = np.bincount(tie, weights=np.take_along_axis(gains, order, axis=1).ravel()) / np.bincount(tie)
    discount = _discount(gains.shape[1], k)
    best = -np.sort(-gains, axis=1) @ discount
    return _ratio(shared[tie].reshape(gains.shape) @ discount, best)


def genre_precision(recs: Rows, genre: Rows, seeds: Rows, k: int) -> Floats:
    """Share of the first k positions with a track of the seed's genre, float64 [q].

    ``genre`` is int32 [n], -1 where missing: a track without genre matches no seed, and a seed without genre
    is NaN.
    """
    own = genre[seeds]
    top = recs[:, :k]
    same = (genre[top] == own[:, None]) & (top >= 0) & (own >= 0)[:, None]
    return np.where(own >= 0, same.sum(axis=1) / k, np.nan)


def mean_popularity(recs: Rows, popularity: npt.NDArray[np.floating], k: int) -> Floats:
    """Mean popularity (0-100) of the first k, float64 [q]; NaN if none of them has one."""
    top = recs[:, :k]
    values = np.where(top >= 0, popularity[top], np.nan).astype(np.float64)
    known = ~np.isnan(values)
    return _ratio(np.where(known, values, 0.0).sum(axis=1), known.sum(axis=1))


def artists_per_list(recs: Rows, artist: Rows, k: int) -> Floats:
    """Number of different artists among the first k, float64 [q]; NaN for an empty list."""
    top = recs[:, :k]
    names = np.sort(np.where(top >= 0, artist[top], -1), axis=1)
    fresh = np.ones(names.shape, dtype=np.bool_)
    fresh[:, 1:] = names[:, 1:] != names[:, :-1]
    count = (fresh & (names >= 0)).sum(axis=1).astype(np.float64)
    return np.where(count > 0, count, np.nan)


def intra_list_distance(recs: Rows, vectors: npt.NDArray[np.float32], k: int, *, block: int = 512) -> Floats:
    """Mean Euclidean distance between two tracks of the first k, float64 [q]; NaN below two tracks.

    ``vectors`` is the embedding, float32 [n, d], whose unit the distance has. Computed for ``block`` lists at
    a time, to bound memory.
    """
    out = np.full(len(recs), np.nan)
    for start in range(0, len(recs), block):
        top = recs[start : start + block, :k]
        present = top >= 0
        x = np.where(present[:, :, None], vectors[np.maximum(top, 0)], 0.0).astype(np.float64)
        square = np.einsum("qkd,qkd->qk", x, x)
        gap = square[:, :, None] + square[:, None, :] - 2.0 * (x @ x.transpose(0, 2, 1))
        pairs = present[:, :, None] & present[:, None, :]
        pairs[:, np.arange(top.shape[1]), np.arange(top.shape[1])] = False
        total = np.where(pairs, np.sqrt(np.maximum(gap, 0.0)), 0.0).sum(axis=(1, 2))
        out[start : start + block] = _ratio(total, pairs.sum(axis=(1, 2)))
    return out


def exposure(recs: Rows, n: int, k: int) -> Ints:
    """How often each of the n tracks is among the first k of a list (N_k), int64 [n]."""
    top = recs[:, :k].ravel()
    return np.bincount(top[top >= 0], minlength=n).astype(np.int64)


def coverage(counts: Ints) -> float:
    """Share of the catalogue that is in at least one list."""
    return float((counts > 0).mean()) if len(counts) else 0.0


def gini(counts: Ints) -> float:
    """Gini coefficient of exposure: 0 if all tracks are shown equally often, near 1 if only a few are."""
    total = int(counts.sum())
    if total == 0:
        return 0.0
    n = len(counts)
    rank = np.arange(1, n + 1)
    return float(2.0 * (rank @ np.sort(counts)) / (n * total) - (n + 1) / n)


def hubness(counts: Ints) -> float:
    """Skewness of N_k (Radovanović et al., JMLR 2010): large if a few tracks are in very many lists."""
    gap = counts - counts.mean() if len(counts) else np.zeros(1)
    spread = float(np.sqrt((gap**2).mean()))
    return float((gap**3).mean()) / spread**3 if spread > 0 else 0.0


def _discount(width: int, k: int) -> Floats:
    discount = 1.0 / np.log2(np.arange(2, width + 2))
    discount[k:] = 0.0
    return np.asarray(discount, dtype=np.float64)


def _ratio(top: npt.NDArray[np.generic], bottom: npt.NDArray[np.generic]) -> Floats:
    top64, bottom64 = top.astype(np.float64), bottom.astype(np.float64)
    out: Floats = np.full(len(top64), np.nan)
    return np.divide(top64, bottom64, out=out, where=bottom64 > 0)
