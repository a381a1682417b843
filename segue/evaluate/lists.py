"""Segue's own lists as arrays, computed by the functions that answer a request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.evaluate.metrics import Flags, Rows
from segue.recommend.finish import Rules, finish
from segue.recommend.recommender import Recommender
from segue.recommend.request import Request, Seed
from segue.recommend.rerank import Predictions, Ranker
from segue.recommend.retrieve import Candidates

__all__ = ["SeedPools", "fetch_pools", "padded"]

_CHUNK = 256

Progress = Callable[[str], None]


@dataclass(frozen=True)
class SeedPools:
    """Candidates and predictions of each of some seeds, from which lists for any rules can be picked."""

    recommender: Recommender
    pools: list[Candidates]
    predictions: list[Predictions]

    def lists(self, rules: Rules, *, ranked: bool = True) -> Rows:
        """Lists by these rules, int32 [q, rules.k], padded with -1; ordered by similarity if not ranked."""
        bundle = self.recommender.bundle
        predictions: Sequence[Predictions | None] = self.predictions if ranked else [None] * len(self.pools)
        return padded(
            [
                pool.rows[finish(bundle, pool, prediction, rules).positions]
                for pool, prediction in zip(self.pools, predictions, strict=True)
            ],
            rules.k,
        )

    def take(self, which: Flags) -> SeedPools:
        """The seeds where `which`, bool [q], is true."""
        at = np.flatnonzero(which).tolist()
        return SeedPools(self.recommender, [self.pools[i] for i in at], [self.predictions[i] for i in at])

    def candidates(self, width: int) -> Rows:
        """The candidates ordered by similarity, int32 [q, width], padded with -1."""
        return padded([pool.rows for pool in self.pools], width)


def fetch_pools(
    recommender: Recommender,
    ranker: Ranker,
    seeds: Rows,
    *,
    candidates: int,
    progress: Progress | None = None,
) -> SeedPools:
    """Retrieve `candidates` tracks for each seed alone (int32 [q], rows of the catalogue), and rank them."""
    ids = [recommender.bundle.value("track_id", int(row)) for row in seeds]
    pools: list[Candidates] = []
    predictions: list[Predictions] = []
    for low in range(0, len(ids), _CHUNK):
        requests = [
            Request(seeds=[Seed(track_id=track)], candidates=candidates) for track in ids[low : low + _CHUNK]
        ]
        found = recommender.prepare(requests)
        pools.extend(found)
        predictions.extend(recommender.rank(found, ranker))
        if progress:
            progress(f"{min(low + _CHUNK, len(ids)):,} of {len(ids):,} seeds answered")
    return SeedPools(recommender, pools, predictions)


def padded(lists: list[npt.NDArray[np.int64]], width: int) -> Rows:
    """Lists of rows as one array, int32 [q, width], padded with -1."""
    out = np.full((len(lists), width), -1, np.int32)
    for line, rows in zip(out, lists, strict=True):
        line[: min(len(rows), width)] = rows[:width]
    return out
