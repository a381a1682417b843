"""Recall and precision of a learned embedding or relevance model on validation playlists."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from segue.evaluate.judge import PLAYLIST, Judge, TrackFacts
from segue.evaluate.metrics import Rows, recall
from segue.evaluate.relevance import from_playlists
from segue.features.split import VALIDATION
from segue.ranking.examples import candidates_of, query_matrix
from segue.recommend.finish import take_capped
from segue.recommend.ranking_matrix import TrackTable

__all__ = ["Validation"]

Floats = npt.NDArray[np.float32]

K = 10
DEPTH = 50
MAX_PER_ARTIST = 2
# Maximum of seeds times tracks, which bounds the cost of exact search.
SEED_TRACKS = 600_000_000
MAX_SEEDS = 1_500
# Fewer playlists are too few to choose by.
MIN_PLAYLISTS = 3


@dataclass(frozen=True)
class Validation:
    """Seeds of validation playlists, sampled by a random seed, and the metrics of their lists.

    `playlists` is ``playlists.parquet`` of the preprocess step, `candidates` their number per seed.
    """

    playlists: pa.Table
    facts: TrackFacts
    candidates: int
    seed: int

    @cached_property
    def judge(self) -> Judge:
        """The judge of these seeds."""
        limit = max(1, min(MAX_SEEDS, SEED_TRACKS // max(self.facts.size, 1)))
        relevance = from_playlists(
            self.playlists, self.facts.recording, split=VALIDATION, max_seeds=limit, seed=self.seed
        )
        return Judge(self.facts, relevance, k=K, rounds=100, seed=self.seed)

    @property
    def is_possible(self) -> bool:
        """Whether there are enough validation playlists to choose by."""
        return len(np.unique(self.judge.relevance.clusters)) >= MIN_PLAYLISTS

    def retrieve(self, embedding: Floats) -> Rows:
        """Candidates of the seeds in this embedding, int32 [q, candidates]."""
        return candidates_of(embedding, self.judge.seeds, self.facts.recording, self.candidates)

    def recall(self, candidates: Rows) -> float:
        """Share of the relevant tracks that are among the candidates."""
        relevance = self.judge.relevance
        hits = relevance.hits(candidates, self.facts.size)
        return float(np.nanmean(recall(hits, relevance.counts, hits.shape[1])))

    def precision(self, candidates: Rows, scores: list[Floats] | None = None) -> float:
        """Artist-filtered P@10 of the candidates ordered by score, at most two per artist.

        Without scores they are ordered by distance.
        """
        lists = np.full((len(candidates), DEPTH), -1, np.int32)
        for i, row in enumerate(candidates):
            rows = row[row >= 0]
            order = np.arange(len(rows)) if scores is None else np.argsort(-scores[i], kind="stable")
            picked, _ = take_capped(order, self.facts.artist[rows], DEPTH, MAX_PER_ARTIST)
            lists[i, : len(picked)] = rows[picked]
        return float(self.judge.leading(lists, PLAYLIST).mean())

    def scores(
        self, booster: lgb.Booster, columns: list[str], table: TrackTable, candidates: Rows, threads: int
    ) -> list[Floats]:
        """A relevance model's scores of the candidates, float32 [m] per seed."""
        matrix, sizes = query_matrix(table, columns, self.judge.seeds, candidates)
        values = np.asarray(booster.predict(matrix, num_threads=threads), np.float32)
        return np.split(values, np.cumsum(sizes)[:-1])
