"""Retrieve: each positive seed fetches its own neighbours, then the lists are merged.

The mean of two different seeds lies near neither, so there is no mean. A pool holds every seed's nearest
tracks in proportion to its weight; a track near several seeds stands higher.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from segue.bundle.definition import RequestDefaults
from segue.recommend.filters import allowed_rows
from segue.recommend.model import Bundle
from segue.recommend.request import Request
from segue.recommend.seeds import Query

__all__ = ["Candidates", "retrieve"]

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
# What the index finds for one point: squared distances, rows.
_Found = tuple[Floats, Rows]

# The lists asked of the index are longer than N by the tracks that will be dropped, in steps of this
# size, so that most requests of a batch ask alike and share one search.
_STEP = 16
_FEW = 8


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
        float32 [m], what stands in for relevance: weighted nearness to the seeds, each seed's on its own
        scale (1 at its nearest track, 0 at the edge of its list), less the nearness to negative seeds.
    similarity
        float32 [m], ``exp(-distance / similarity_scale)`` to the nearest seed: 1 at the seed itself.
    retrieved
        Tracks found before rules dropped any.
    dropped
        How many each rule dropped.
    """

    query: Query
    rows: Rows
    distances: Floats
    affinity: Floats
    similarity: Floats
    retrieved: int
    dropped: dict[str, int] = field(default_factory=dict)


def retrieve(bundle: Bundle, requests: Sequence[Request], queries: Sequence[Query]) -> list[Candidates]:
    """Retrieve the candidates of several requests; those that ask alike share one search.

    Parameters
    ----------
    bundle
        The bundle to search.
    requests, queries
        What was asked, and where its seeds lie.

    Returns
    -------
    One `Candidates` a request. A batch answers exactly as its requests do one by one.
    """
    defaults = bundle.definition.defaults
    drops = [_dropped_rows(bundle, request, query) for request, query in zip(requests, queries, strict=True)]
    found: list[list[_Found]] = [[] for _ in requests]
    for (width, _), members in _groups(requests, drops, defaults).items():
        mask = allowed_rows(bundle, requests[members[0]].filters)
        positive = [queries[i].points[queries[i].weights > 0] for i in members]
        squares, rows = bundle.index.search(np.concatenate(positive), min(width, bundle.size), mask)
        low = 0
        for i, points in zip(members, positive, strict=True):
            high = low + len(points)
            found[i] = list(zip(squares[low:high], rows[low:high], strict=True))
            low = high
    return [
        _merge(bundle, query, lists, drop, request.candidates or defaults.candidates)
        for request, query, lists, drop in zip(requests, queries, found, drops, strict=True)
    ]


def _groups(
    requests: Sequence[Request], drops: Sequence[Rows], defaults: RequestDefaults
) -> dict[tuple[int, int], list[int]]:
    """Requests by what one search can serve: the same list length and no filter; a filtered one alone."""
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for i, (request, drop) in enumerate(zip(requests, drops, strict=True)):
        width = (request.candidates or defaults.candidates) + len(drop)
        width = -(-width // _STEP) * _STEP
        groups[width, i if request.filters.narrows else -1].append(i)
    return groups


def _dropped_rows(bundle: Bundle, request: Request, query: Query) -> Rows:
    """Rows that never come back: the seeds' own recordings, and the tracks excluded by name."""
    parts = [bundle.lookup.same_recordings(int(row)) for row in query.rows if row >= 0]
    if request.filters.exclude_tracks:
        excluded = [bundle.lookup.row_of(track) for track in request.filters.exclude_tracks]
        parts.append(np.array([row for row in excluded if row is not None], np.int64))
    if len(parts) == 1:
        return parts[0]
    return np.unique(np.concatenate(parts)) if parts else np.zeros(0, np.int64)


def _merge(bundle: Bundle, query: Query, lists: list[_Found], drop: Rows, most: int) -> Candidates:
    """Merge the seeds' lists into one pool of at most `most` tracks, one of each recording."""
    stays = [_stays(rows, drop) for _, rows in lists]
    kept = [rows[stay] for (_, rows), stay in zip(lists, stays, strict=True)]
    if len(kept) == 1:
        shares, rows = [most], kept[0][:most]
        # the index holds the vectors as they are, so its distances are what the embedding would say; to
        # gather 200 rows of the embedding from all over memory costs a tenth of the search
        distances = np.sqrt(lists[0][0][stays[0]][:most, None])
        nearest = distances[:, 0]
    else:
        shares = _shares(query.weights[query.weights > 0], most)
        rows = _union(kept, shares, most)
        distances = _distances(bundle.embedding[rows], query.points[query.weights > 0])
        nearest = distances.min(axis=1)
    affinity = _affinity(bundle, rows, distances, shares, query)
    order = _order(rows, nearest, affinity)[:most]
    unique = _one_of_each(bundle.recording[rows[order]], order)
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


def _stays(rows: Rows, drop: Rows) -> npt.NDArray[np.bool_]:
    """Which rows of a list are tracks, and not dropped."""
    stays: npt.NDArray[np.bool_] = rows >= 0
    if len(drop) > _FEW:
        return stays & ~np.isin(rows, drop)
    # np.isin sorts and concatenates: for a handful of rows, comparing is ten times as fast
    for row in drop.tolist():
        stays &= rows != row
    return stays


def _order(rows: Rows, nearest: Floats, affinity: Floats) -> Rows:
    """Positions by affinity, then nearness, then row."""
    # one seed's list comes in this order, but for tracks that are equally near
    if np.logical_and.reduce(affinity[1:] < affinity[:-1]):
        return np.arange(len(rows))
    order: Rows = np.lexsort((rows, nearest, -affinity))
    return order


def _shares(weights: Floats, most: int) -> list[int]:
    """How many candidates each seed brings: in proportion to its weight, at least five."""
    return [max(5, int(np.ceil(most * weight))) for weight in weights / weights.sum()]


def _union(lists: list[Rows], shares: list[int], most: int) -> Rows:
    """Rows of several lists, ascending: each list's share, and where the seeds have neighbours in common, as
    much further down all lists as it takes to find `most`.
    """
    rows = np.concatenate(lists)
    # how far down its list a track stands, in shares of that list
    depth = np.concatenate([np.arange(len(part)) / share for part, share in zip(lists, shares, strict=True)])
    order = np.argsort(depth, kind="stable")
    distinct, first = np.unique(rows[order], return_index=True)
    last = max(most, int((depth[order[first]] < 1).sum()))
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
    """Weighted nearness: for each seed 1 at its nearest track and 0 from the edge of its own list on, so
    that a seed in a thin region is heard as much as one in a crowd; less the nearness to negative seeds.
    """
    weights = query.weights
    if not len(distances):
        return np.zeros(0, np.float32)
    edges = np.array([_nth(distances[:, i], share) for i, share in enumerate(shares)])
    spans = np.maximum(edges - np.minimum.reduce(distances), 1e-6)
    affinity: Floats = np.maximum((edges - distances) / spans, 0) @ weights[weights > 0]
    if (weights < 0).any():
        away = _distances(bundle.embedding[rows], query.points[weights < 0])
        affinity = affinity + np.exp(-away / max(float(edges.mean()), 1e-6)) @ weights[weights < 0]
    return affinity.astype(np.float32)


def _nth(distances: Floats, n: int) -> np.float32:
    """The n-th smallest; the largest where there are no more."""
    nth: np.float32 = np.partition(distances, n - 1)[n - 1] if n < len(distances) else distances.max()
    return nth


def _one_of_each(recording: npt.NDArray[np.int32], order: Rows) -> Rows:
    """The first of each recording, keeping the order."""
    numbers = recording.tolist()
    if len(set(numbers)) == len(numbers):
        return order
    # from the last to the first, so that the first position of each recording stays
    first = dict(zip(reversed(numbers), range(len(numbers) - 1, -1, -1), strict=True))
    return order[sorted(first.values())]
