"""Relevance: the tracks that share a held-out playlist with a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from segue.evaluate.metrics import Flags, Ints, Rows
from segue.features.colistening import Entries

__all__ = ["Relevance", "from_playlists", "sample_tracks"]

# Upper bound of relevant tracks held at once: int32 rows, so 80 MB at most.
MAX_PAIRS = 20_000_000


@dataclass(frozen=True, kw_only=True)
class Relevance:
    """Seeds and the relevant tracks of each, in compressed sparse rows.

    Attributes
    ----------
    seeds
        int32 [q], rows of the catalogue, ascending.
    clusters
        int32 [q], clusters of the bootstrap: the first held-out playlist with the seed, or its artist without
        playlists.
    start
        int64 [q + 1]; the relevant tracks of seed i are ``rows[start[i]:start[i + 1]]``.
    rows
        int32, ascending within a seed. Empty without playlists.
    playlists
        Number of held-out playlists.
    """

    seeds: Rows
    clusters: Rows
    start: Ints
    rows: Rows
    playlists: int

    @property
    def counts(self) -> Ints:
        """Number of relevant tracks of each seed, int64 [q]."""
        return np.diff(self.start)

    def hits(self, recs: Rows, n: int) -> Flags:
        """Which tracks of ``recs`` are relevant, bool [q, depth]; n is the number of tracks in all."""
        owner = np.repeat(np.arange(len(self.seeds), dtype=np.int64), self.counts)
        keys = owner * n + self.rows
        if not len(keys):
            return np.zeros(recs.shape, dtype=np.bool_)
        wanted = np.arange(len(self.seeds), dtype=np.int64)[:, None] * n + recs
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.asarray((keys[at] == wanted) & (recs >= 0))

    def without_own_artist(self, artist: Rows) -> Relevance:
        """The same seeds, without relevant tracks by the seed's own artist (``artist`` int32 [n])."""
        owner = np.repeat(np.arange(len(self.seeds)), self.counts)
        return self._keep(artist[self.rows] != artist[self.seeds[owner]], owner)

    def among(self, tracks: Flags) -> Relevance:
        """The same seeds, with only the relevant tracks that are in ``tracks`` (bool [n])."""
        return self._keep(tracks[self.rows], np.repeat(np.arange(len(self.seeds)), self.counts))

    def take(self, which: Flags) -> Relevance:
        """The seeds where ``which`` (bool [q]) is true."""
        owner = np.repeat(np.arange(len(self.seeds)), self.counts)
        start = np.concatenate([[0], np.cumsum(self.counts[which])])
        return Relevance(
            seeds=self.seeds[which],
            clusters=self.clusters[which],
            start=start.astype(np.int64),
            rows=self.rows[which[owner]],
            playlists=self.playlists,
        )

    def _keep(self, kept: Flags, owner: npt.NDArray[np.intp]) -> Relevance:
        counts = np.bincount(owner[kept], minlength=len(self.seeds))
        return Relevance(
            seeds=self.seeds,
            clusters=self.clusters,
            start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            rows=self.rows[kept],
            playlists=self.playlists,
        )


def from_playlists(
    playlists: pa.Table, recording: Rows, *, split: int, max_seeds: int, seed: int = 0
) -> Relevance:
    """Seeds and relevant tracks of the playlists of one split.

    A seed is a track of such a playlist; relevant are the other tracks of all of its playlists of that split,
    except releases of its own recording. Seeds without relevant tracks are left out. More than ``max_seeds``
    seeds are sampled, reproducibly.

    Parameters
    ----------
    playlists
        Columns ``playlist_id`` string, ``track`` int32 (row of the catalogue), ``split`` uint8.
    recording
        int32 [n].
    split
        `segue.features.split.VALIDATION` or `TEST`.
    """
    entries = Entries.of(playlists, split)
    if not len(entries.track):
        return _empty()
    count = len(entries.playlists)
    member = _csr(entries.playlist, entries.track, (count, len(recording)))
    of_track = member.T.tocsr()
    sizes = np.bincount(entries.playlist, minlength=count)
    seeds = _sample_seeds(of_track, sizes, max_seeds, seed)
    shared = (of_track[seeds] @ member).tocsr()
    shared.sort_indices()
    owner = np.repeat(np.arange(len(seeds)), np.diff(shared.indptr))
    rows = shared.indices.astype(np.int32)
    relevance = Relevance(
        seeds=seeds,
        clusters=of_track.indices[of_track.indptr[seeds]].astype(np.int32),
        start=shared.indptr.astype(np.int64),
        rows=rows,
        playlists=count,
    )
    # the seed's own recording includes the seed itself
    kept = relevance._keep(recording[rows] != recording[seeds[owner]], owner)
    return kept.take(kept.counts > 0)


def sample_tracks(
    split: npt.NDArray[np.uint8], artist: Rows, *, of: int, max_seeds: int, seed: int = 0
) -> Relevance:
    """Seeds without playlists: tracks of one split's artists, clustered by artist."""
    rows = np.flatnonzero(split == of).astype(np.int32)
    if len(rows) > max_seeds:
        rows = np.sort(np.random.default_rng(seed).choice(rows, size=max_seeds, replace=False))
    start = np.zeros(len(rows) + 1, dtype=np.int64)
    return Relevance(
        seeds=rows, clusters=artist[rows], start=start, rows=np.empty(0, dtype=np.int32), playlists=0
    )


def _csr(lists: Rows, tracks: Rows, shape: tuple[int, int]):  # type: ignore[no-untyped-def]
    from scipy.sparse import csr_array

    # int8 would overflow if two tracks share more than 127 playlists
    matrix = csr_array((np.ones(len(lists), dtype=np.int32), (lists, tracks)), shape=shape)
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix


def _sample_seeds(of_track, sizes: Ints, max_seeds: int, seed: int) -> Rows:  # type: ignore[no-untyped-def]
    # cost of a seed: an upper bound of its relevant tracks
    known = np.flatnonzero(np.diff(of_track.indptr) > 0)
    shuffled = np.random.default_rng(seed).permutation(known)[:max_seeds]
    cost = (of_track[shuffled] @ sizes).cumsum()
    bounded = shuffled[: max(1, int(np.searchsorted(cost, MAX_PAIRS, side="right")))]
    return np.sort(bounded).astype(np.int32)


def _empty() -> Relevance:
    none = np.empty(0, dtype=np.int32)
    return Relevance(seeds=none, clusters=none, start=np.zeros(1, dtype=np.int64), rows=none, playlists=0)
