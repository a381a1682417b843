"""Retrieve: search the neighbours of each positive seed, then merge the lists.

Seeds are not averaged, because the mean of two different seeds is near neither. The pool takes from each
seed's neighbours in proportion to the seed's weight; a track near several seeds ranks higher.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from segue.bundle.definition import RequestDefaults
from segue.recommend.filters import allowed_rows
from segue.recommend.model import Bundle
from segue.recommend.refill import further_rows
from segue.recommend.request import Request
from segue.recommend.seeds import Query

__all__ = ["Candidates", "dropped_rows", "retrieve"]

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
# The index's neighbours of one point: squared distances, rows.
_Neighbours = tuple[Floats, Rows]

# A search asks for N neighbours and as many more as will be dropped, rounded up to a multiple of this, so
# that most requests of a batch share one search.
_LENGTH_STEP = 16
# Up to this many rows, comparing with each is faster than np.isin.
_MAX_COMPARED = 8


@dataclass(frozen=True, slots=True)
class Candidates:
    """The pool of one request.

    Attributes
    ----------
    query
        The resolved seeds.
    rows
        int64 [m], catalogue rows, one of each recording, in the order of `affinity`.
    distances
        float32 [m, p], distance to each point of positive weight.
    affinity
        float32 [m], the score without a relevance model: weighted nearness to the seeds, scaled per seed (1
        at its nearest track, 0 at the end of its list), minus the nearness to negative seeds.
    similarity
        float32 [m], ``exp(-distance / similarity_scale)`` to the nearest seed: 1 at the seed itself.
    retrieved
        Number of tracks before `dropped`.
    dropped
        How many tracks each rule dropped.
    """

    query: Query
    rows: Rows
    distances: Floats
    affinity: Floats
    similarity: Floats
    retrieved: int
    dropped: dict[str, int] = field(default_factory=dict)


def retrieve(bundle: Bundle, requests: Sequence[Request], queries: Sequence[Query]) -> list[Candidates]:
    """Retrieve the candidates of several requests; requests of equal list length share one search.

    Parameters
    ----------
    bundle
        The bundle to search.
    requests, queries
        The requests and their resolved seeds.

    Returns
    -------
    One `Candidates` per request, exactly as if each request were retrieved alone.
    """
    defaults = bundle.definition.defaults
    drops = [dropped_rows(bundle, request, query) for request, query in zip(requests, queries, strict=True)]
    found: list[list[_Neighbours]] = [[] for _ in requests]
    for (length, _), members in _groups(requests, drops, defaults).items():
        mask = allowed_rows(bundle, requests[members[0]].filters)
        positive = [queries[i].points[queries[i].weights > 0] for i in members]
        squares, rows = bundle.index.search(np.concatenate(positive), min(length, bundle.size), mask)
        low = 0
        for i, points in zip(members, positive, strict=True):
            high = low + len(points)
            found[i] = list(zip(squares[low:high], rows[low:high], strict=True))
            low = high
    return [
        _refilled(
            bundle,
            request,
            _merge(bundle, query, lists, drop, request.candidates or defaults.candidates),
            drop,
        )
        for request, query, lists, drop in zip(requests, queries, found, drops, strict=True)
    ]


def _groups(
    requests: Sequence[Request], drops: Sequence[Rows], defaults: RequestDefaults
) -> dict[tuple[int, int], list[int]]:
    """Requests that can share one search: unfiltered ones of equal list length. A filtered one is alone."""
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for i, (request, drop) in enumerate(zip(requests, drops, strict=True)):
        length = (request.candidates or defaults.candidates) + len(drop)
        length = -(-length // _LENGTH_STEP) * _LENGTH_STEP
        groups[length, i if request.filters.narrows else -1].append(i)
    return groups


def dropped_rows(bundle: Bundle, request: Request, query: Query) -> Rows:
    """Rows never recommended: the seeds' own recordings, and `exclude_tracks`."""
    parts = [bundle.lookup.same_recordings(int(row)) for row in query.rows if row >= 0]
    if request.filters.exclude_tracks:
        excluded = [bundle.lookup.row_of(track) for track in request.filters.exclude_tracks]
        parts.append(np.array([row for row in excluded if row is not None], np.int64))
    if len(parts) == 1:
        return parts[0]
    return np.unique(np.concatenate(parts)) if parts else np.zeros(0, np.int64)


def _merge(bundle: Bundle, query: Query, lists: list[_Neighbours], drop: Rows, limit: int) -> Candidates:
    """Merge the seeds' lists into one pool of at most `limit` tracks, one per recording."""
    masks = [_kept(rows, drop) for _, rows in lists]
    kept = [rows[mask] for (_, rows), mask in zip(lists, masks, strict=True)]
    if len(kept) == 1:
        shares, rows = [limit], kept[0][:limit]
        # the index stores the vectors uncompressed, so its distances equal those of the embedding; gathering
        # 200 rows of the embedding would cost a tenth of the search
        distances = np.sqrt(lists[0][0][masks[0]][:limit, None])
        nearest = distances[:, 0]
    else:
        shares = _shares(query.weights[query.weights > 0], limit)
        rows = _union(kept, shares, limit)
        distances = _distances(bundle.embedding[rows], query.points[query.weights > 0])
        nearest = distances.min(axis=1)
    affinity = _affinity(bundle, rows, distances, shares, query)
    order = _order(rows, nearest, affinity)[:limit]
    unique = _first_of_each(bundle.recording[rows[order]], order)
    scale = np.float32(bundle.definition.similarity_scale)
    return Candidates(
        query=query,
        rows=rows[unique],
        distances=distances[unique],
        affinity=affinity[unique],
        similarity=np.exp(-nearest[unique] / scale),
        retrieved=len(order),
        dropped={
            "seed_recordings_or_excluded": sum(int(np.count_nonzero(rows >= 0)) for _, rows in lists)
            - sum(len(part) for part in kept),
            "same_recording": len(order) - len(unique),
        },
    )


def _refilled(bundle: Bundle, request: Request, pool: Candidates, drop: Rows) -> Candidates:
    """The pool, with further tracks where its own can't fill the list under the cap on artists."""
    defaults, query = bundle.definition.defaults, pool.query
    positive = query.points[query.weights > 0]
    further = further_rows(
        bundle,
        request,
        positive,
        pool.rows,
        drop,
        k=request.k or defaults.k,
        max_per_artist=request.max_per_artist or defaults.max_per_artist,
    )
    if not len(further):
        return pool
    rows = np.concatenate((pool.rows, further))
    distances = np.concatenate((pool.distances, _distances(bundle.embedding[further], positive)))
    limit = request.candidates or defaults.candidates
    shares = [limit] if len(positive) == 1 else _shares(query.weights[query.weights > 0], limit)
    affinity = _affinity(bundle, rows, distances, shares, query)
    nearest = distances.min(axis=1)
    order = _order(rows, nearest, affinity)
    return replace(
        pool,
        rows=rows[order],
        distances=distances[order],
        affinity=affinity[order],
        similarity=np.exp(-nearest[order] / np.float32(bundle.definition.similarity_scale)),
        retrieved=pool.retrieved + len(further),
    )


def _kept(rows: Rows, drop: Rows) -> npt.NDArray[np.bool_]:
    """Which rows of a list are tracks (not the padding -1) and not in `drop`."""
    kept: npt.NDArray[np.bool_] = rows >= 0
    if len(drop) > _MAX_COMPARED:
        return kept & ~np.isin(rows, drop)
    # np.isin sorts and concatenates: for a handful of rows, comparing is ten times as fast
    for row in drop.tolist():
        kept &= rows != row
    return kept


def _order(rows: Rows, nearest: Floats, affinity: Floats) -> Rows:
    """Positions by affinity, then nearness, then row."""
    # a single seed's list is already in this order, unless tracks are equally near
    if np.logical_and.reduce(affinity[1:] < affinity[:-1]):
        return np.arange(len(rows))
    order: Rows = np.lexsort((rows, nearest, -affinity))
    return order


def _shares(weights: Floats, limit: int) -> list[int]:
    """How many candidates each seed contributes: in proportion to its weight, at least five."""
    return [max(5, int(np.ceil(limit * weight))) for weight in weights / weights.sum()]


def _union(lists: list[Rows], shares: list[int], limit: int) -> Rows:
    """Rows of several lists, ascending: the first tracks of each list, as many as its share.

    If these are fewer than `limit` tracks, because seeds have neighbours in common, each list is read
    further, in proportion to its share.
    """
    rows = np.concatenate(lists)
    # position of a track in its list, divided by the list's share
    depth = np.concatenate([np.arange(len(part)) / share for part, share in zip(lists, shares, strict=True)])
    order = np.argsort(depth, kind="stable")
    distinct, first = np.unique(rows[order], return_index=True)
    last = max(limit, int((depth[order[first]] < 1).sum()))
    if last < len(first):
        distinct = distinct[first <= np.partition(first, last - 1)[last - 1]]
    union: Rows = distinct
    return union


def _distances(vectors: Floats, points: Floats) -> Floats:
    """Euclidean distances, float32 [m, p]."""
    difference = vectors[:, None, :] - points[None, :, :]
    distances: Floats = np.sqrt(np.einsum("mpd,mpd->mp", difference, difference))
    return distances


def _affinity(bundle: Bundle, rows: Rows, distances: Floats, shares: list[int], query: Query) -> Floats:
    """Weighted nearness to the seeds, minus the nearness to negative seeds, float32 [m].

    Nearness to a seed is 1 at its nearest track and 0 from the end of its list on, so that seeds in sparse
    and in dense regions of the embedding count alike.
    """
    weights = query.weights
    if not len(distances):
        return np.zeros(0, np.float32)
    edges = np.array([_nth(distances[:, i], share) for i, share in enumerate(shares)])
    spans = np.maximum(edges - np.minimum.reduce(distances), 1e-6)
    affinity: Floats = np.maximum((edges - distances) / spans, 0) @ weights[weights > 0]
    if (weights < 0).any():
        negative = _distances(bundle.embedding[rows], query.points[weights < 0])
        affinity = affinity + np.exp(-negative / max(float(edges.mean()), 1e-6)) @ weights[weights < 0]
    return affinity.astype(np.float32)


def _nth(distances: Floats, n: int) -> np.float32:
    """The value at position n in ascending order; the largest if there are fewer."""
    nth: np.float32 = np.partition(distances, n - 1)[n - 1] if n < len(distances) else distances.max()
    return nth


def _first_of_each(recording: npt.NDArray[np.int32], order: Rows) -> Rows:
    """The first track of each recording, in the given order."""
    numbers = recording.tolist()
    if len(set(numbers)) == len(numbers):
        return order
    # reversed, so that the dictionary keeps the first position of each recording
    first = dict(zip(reversed(numbers), range(len(numbers) - 1, -1, -1), strict=True))
    return order[sorted(first.values())]
