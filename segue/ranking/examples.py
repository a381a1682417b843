"""Training examples of the relevance model: candidates as serving retrieves them, labels from co-listening.

The playlists are split into folds. The queries of a fold are tracks of its playlists, and their columns are
computed in an embedding learned from the other folds. Otherwise the labels would leak into the artist
vectors, and the ranker would trust these more than it should on new playlists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from segue.evaluate.baselines import SLACK, finish
from segue.features.colistening import Entries, Fit
from segue.index.exact import blas, exact_search
from segue.recommend.ranking_matrix import Nearest, TrackTable, ranking_matrix

__all__ = ["OTHER_ARTIST", "OWN_ARTIST", "Examples", "candidates_of", "make_examples", "query_matrix"]

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int32]

# Labels of relevant candidates. The seed's own artist is easily found and seldom wanted, so it counts less.
OWN_ARTIST, OTHER_ARTIST = 1, 2
_SEEDS_AT_ONCE = 256


@dataclass(frozen=True)
class Examples:
    """The candidates of several queries, concatenated.

    Attributes
    ----------
    matrix
        float32 [m, c], ranking matrix.
    labels
        int8 [m]: 0, `OWN_ARTIST` or `OTHER_ARTIST`.
    sizes
        int32 [q], number of rows of each query.
    """

    matrix: Floats
    labels: npt.NDArray[np.int8]
    sizes: Rows

    @classmethod
    def join(cls, parts: Sequence[Examples]) -> Examples:
        """Concatenate several."""
        return cls(
            np.concatenate([part.matrix for part in parts]),
            np.concatenate([part.labels for part in parts]),
            np.concatenate([part.sizes for part in parts]),
        )


def candidates_of(embedding: Floats, seeds: Rows, recording: Rows, count: int) -> Rows:
    """The candidates that a request for each seed alone retrieves: one track per recording, not the seed's.

    Returns
    -------
    int32 [q, count], nearest first, padded with -1.
    """
    with blas():
        _, rows = exact_search(embedding[seeds], embedding, min(count + SLACK, len(embedding)))
    return finish(rows.astype(np.int32), seeds, recording, count)


def query_matrix(
    table: TrackTable, columns: Sequence[str], seeds: Rows, candidates: Rows
) -> tuple[Floats, Rows]:
    """Ranking matrix of the candidates (int32 [q, n], padded with -1) of some seeds (int32 [q]), and how many
    candidates each seed has.
    """
    present = candidates >= 0
    sizes = present.sum(axis=1).astype(np.int32)
    rows = candidates[present].astype(np.int64)
    owner = np.repeat(seeds, sizes).astype(np.int64)
    nearest = Nearest(rows=owner, points=table.embedding[owner], features=table.features[owner])
    return ranking_matrix(table, columns, rows, nearest), sizes


def make_examples(
    table: TrackTable,
    recording: Rows,
    columns: Sequence[str],
    entries: Entries,
    *,
    queries: int,
    candidates: int,
    seed: int,
) -> Examples:
    """Make examples from some playlists; the embedding of `table` must not have been learned from them.

    Queries without a relevant candidate carry no information for a ranker and are left out.
    """
    tracks = np.unique(entries.track)
    if len(tracks) > queries:
        tracks = np.sort(np.random.default_rng(seed).choice(tracks, queries, replace=False))
    found = candidates_of(table.embedding, tracks, recording, candidates)
    hits = _shared(entries, tracks, found, len(recording))
    kept = hits.any(axis=1)
    tracks, found, hits = tracks[kept], found[kept], hits[kept]
    matrix, sizes = query_matrix(table, columns, tracks, found)
    own = table.artist[found] == table.artist[tracks][:, None]
    labels = np.where(hits, np.where(own, OWN_ARTIST, OTHER_ARTIST), 0)[found >= 0]
    return Examples(matrix, labels.astype(np.int8), sizes)


def _shared(entries: Entries, seeds: Rows, candidates: Rows, tracks: int) -> npt.NDArray[np.bool_]:
    """Which candidates share a playlist with their seed, bool [q, n]."""
    from scipy.sparse import csr_array

    _, number = np.unique(entries.playlist, return_inverse=True)
    shape = (tracks, int(number.max()) + 1)
    member = csr_array((np.ones(len(number), np.int32), (entries.track, number)), shape=shape)
    out = np.zeros(candidates.shape, np.bool_)
    for low in range(0, len(seeds), _SEEDS_AT_ONCE):
        part = candidates[low : low + _SEEDS_AT_ONCE]
        owner, place = np.nonzero(part >= 0)
        left, right = member[seeds[low + owner]], member[part[owner, place]]
        out[low + owner, place] = np.asarray(left.multiply(right).sum(axis=1)).ravel() > 0
    return out


def folds_of(entries: Entries, count: int, *, seed: int) -> list[npt.NDArray[np.bool_]]:
    """Assign the playlists to folds at random; for each fold, which entries belong to it, bool [m]."""
    numbers = entries.playlists
    fold = np.random.default_rng(seed).permutation(len(numbers)) % count
    of_entry = fold[np.searchsorted(numbers, entries.playlist)]
    return [of_entry == number for number in range(count)]


def embedded(table: TrackTable, fit: Fit, inputs: Floats) -> TrackTable:
    """The same catalogue with the embedding of `fit`."""
    return replace(table, embedding=fit.embedding(inputs, table.artist), blocks=fit.learned.blocks)
