"""Trying what was learned on validation playlists: does it find more, does it order better?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from segue.evaluate.judge import PLAYLIST, Judge, TrackFacts
from segue.evaluate.metrics import Rows, recall
from segue.evaluate.relevance import VALIDATION, from_playlists
from segue.ranking.examples import candidates_of, query_matrix
from segue.recommend.finish import take_capped
from segue.recommend.ranking_matrix import TrackTable

__all__ = ["Validation"]

Floats = npt.NDArray[np.float32]

K = 10
DEPTH = 50
MAX_PER_ARTIST = 2
# Seeds times tracks at most: exact search costs so much.
SEED_TRACKS = 600_000_000
MAX_SEEDS = 1_500
# Fewer playlists say too little to choose by.
MIN_PLAYLISTS = 3


@dataclass(frozen=True)
class Validation:
    """Seeds of validation playlists, and how they are judged.

    Attributes
    ----------
    playlists
        ``playlists.parquet`` of the preprocess step.
    facts
        The catalogue.
    candidates
        Tracks retrieved a seed.
    seed
        Seed of the sample of seeds.
    """

    playlists: pa.Table
    facts: TrackFacts
    candidates: int
    seed: int

    @cached_property
    def judge(self) -> Judge:
        """The judge of these seeds."""
        most = max(1, min(MAX_SEEDS, SEED_TRACKS // max(self.facts.size, 1)))
        relevance = from_playlists(
            self.playlists, self.facts.recording, split=VALIDATION, max_seeds=most, seed=self.seed
        )
        return Judge(self.facts, relevance, k=K, rounds=100, seed=self.seed)

    @property
    def is_possible(self) -> bool:
        """There are enough validation playlists to choose by."""
        return len(np.unique(self.judge.relevance.clusters)) >= MIN_PLAYLISTS

    def retrieve(self, embedding: Floats) -> Rows:
        """Candidates of the seeds in an embedding, int32 [q, candidates]."""
        return candidates_of(embedding, self.judge.seeds, self.facts.recording, self.candidates)

    def recall(self, candidates: Rows) -> float:
        """Share of the relevant tracks among the candidates."""
        relevance = self.judge.relevance
        hits = relevance.hits(candidates, self.facts.size)
        return float(np.nanmean(recall(hits, relevance.counts, hits.shape[1])))

    def precision(self, candidates: Rows, scores: list[Floats] | None = None) -> float:
        """Artist-filtered P@10 of the candidates in the order of their scores, two an artist at most.

        Without scores the order is that of nearness.
        """
        lists = np.full((len(candidates), DEPTH), -1, np.int32)
        for i, line in enumerate(candidates):
            rows = line[line >= 0]
            order = np.arange(len(rows)) if scores is None else np.argsort(-scores[i], kind="stable")
            picked, _ = take_capped(order, self.facts.artist[rows], DEPTH, MAX_PER_ARTIST)
            lists[i, : len(picked)] = rows[picked]
        return float(self.judge.leading(lists, PLAYLIST).mean())

    def scores(
        self, booster: lgb.Booster, columns: list[str], table: TrackTable, candidates: Rows, threads: int
    ) -> list[Floats]:
        """What a relevance model says of the candidates, float32 [m] a seed."""
        matrix, sizes = query_matrix(table, columns, self.judge.seeds, candidates)
        values = np.asarray(booster.predict(matrix, num_threads=threads), np.float32)
        return np.split(values, np.cumsum(sizes)[:-1])
