"""Evaluation of one bundle: metrics of its lists and of the baselines'."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from segue.catalog.columns import SOUND
from segue.evaluate import baselines
from segue.evaluate.curve import CurvePoint, choose_weight, measure_curve, weights
from segue.evaluate.findings import Method
from segue.evaluate.judge import Judge, TrackFacts, labels, leading_metric
from segue.evaluate.lists import SeedPools, fetch_pools
from segue.evaluate.metrics import Rows
from segue.evaluate.relevance import Relevance, from_playlists, sample_tracks
from segue.evaluate.settings import EvaluationSettings
from segue.features.colistening import Entries
from segue.features.split import TEST, TRAIN, VALIDATION
from segue.features.transform import GENRE as GENRE_BLOCK
from segue.recommend.finish import Rules
from segue.recommend.model import Bundle
from segue.recommend.recommender import Recommender
from segue.recommend.rerank import Ranker

__all__ = ["NEAREST", "SEGUE", "STANDARDISED", "TITLES", "JudgedSplit", "Subject"]

SEGUE = "segue"
BASE_DESIGN = "base_design"
NEAREST = "nearest"
STANDARDISED = "standardised"
# If genres were derived from playlists, they leak which tracks share one; this baseline does not use them.
NO_GENRE = "standardised_without_genre"
CO_LISTENED = "co_listened"
TITLES = {
    SEGUE: "Segue",
    NEAREST: "Nearest only",
    STANDARDISED: "Standardised",
    NO_GENRE: "Standardised, no genre",
    "same_artist": "Same artist",
    CO_LISTENED: "Co-occurrence",
    BASE_DESIGN: "Base design",
    "most_popular": "Most popular",
    "random": "Random",
}

Progress = Callable[[str], None]


@dataclass(frozen=True)
class JudgedSplit:
    """Seeds of one split, with their relevant tracks and Segue's candidates."""

    judge: Judge
    pools: SeedPools

    @property
    def relevance(self) -> Relevance:
        """Seeds and their relevant tracks."""
        return self.judge.relevance


@dataclass
class Subject:
    """The bundle under evaluation, with its boosters.

    `preprocessed` is the folder of the preprocess step: the split, and the playlists if there are any.
    """

    bundle: Bundle
    ranker: Ranker
    preprocessed: Path
    settings: EvaluationSettings
    progress: Progress = field(default=lambda _: None)

    @cached_property
    def split(self) -> npt.NDArray[np.uint8]:
        """Split of each track's artist, uint8 [n]."""
        return np.asarray(np.load(self.preprocessed / "split.npy"))

    @cached_property
    def facts(self) -> TrackFacts:
        """The columns of the catalogue that metrics need."""
        return TrackFacts(
            artist=self.bundle.artist,
            recording=self.bundle.recording,
            genre=self.bundle.genre.astype(np.int32),
            popularity=self.bundle.popularity,
            embedding=self.bundle.embedding,
        )

    @cached_property
    def test(self) -> JudgedSplit:
        """Test seeds, for the reported metrics."""
        self.progress("answering the test seeds")
        return self._judged_split(TEST, self.settings.test_seeds(self.bundle.size))

    @cached_property
    def validation(self) -> JudgedSplit:
        """Validation seeds, for the choice of the default weight."""
        self.progress("answering the validation seeds")
        return self._judged_split(VALIDATION, self.settings.validation_seeds(self.bundle.size))

    @cached_property
    def playlists(self) -> dict[int, Relevance]:
        """Relevant tracks by held-out playlists, by split; empty if either split has too few playlists.

        Both splits must use the same metric: a weight chosen by one metric says nothing about another.
        """
        path = self.preprocessed / "playlists.parquet"
        if not path.exists():
            return {}
        table = pq.read_table(path)
        limits = {
            TEST: self.settings.test_seeds(self.bundle.size),
            VALIDATION: self.settings.validation_seeds(self.bundle.size),
        }
        found = {
            split: from_playlists(
                table, self.bundle.recording, split=split, max_seeds=seeds, seed=self.settings.seed
            )
            for split, seeds in limits.items()
        }
        # an interval needs more playlists than the choice of a weight does
        enough = {TEST: self.settings.min_playlists, VALIDATION: 2}
        few = any(len(np.unique(found[split].clusters)) < least for split, least in enough.items())
        return {} if few else found

    @cached_property
    def leading(self) -> str | None:
        """Name of the leading metric: by held-out playlists if there are enough, else by genre, else None."""
        return leading_metric(self.test.relevance, self.facts, min_playlists=self.settings.min_playlists)

    @cached_property
    def curve(self) -> list[CurvePoint]:
        """The leading metric over `popularity_weight`, on validation seeds; empty without one."""
        if self.leading is None:
            return []
        self.progress("measuring the curve over popularity_weight")
        validation, metric = self.validation, self.leading
        return measure_curve(
            lambda weight: validation.pools.lists(self.rules(weight)),
            weights(self.settings.weight_step),
            leading=lambda lists: validation.judge.leading(lists, metric),
            popularity=validation.judge.popularity,
            draws=validation.judge.draws,
        )

    @cached_property
    def weight(self) -> float:
        """The default `popularity_weight`."""
        return choose_weight(self.curve, loss_allowed=self.settings.loss_allowed)

    def rules(self, weight: float, max_per_artist: int | None = None) -> Rules:
        """Rules of the evaluated lists."""
        return Rules(
            k=self.settings.depth,
            popularity_weight=weight,
            diversity=0.0,
            max_per_artist=max_per_artist or self.settings.max_per_artist,
        )

    @cached_property
    def lists(self) -> dict[str, Rows]:
        """Lists for the test seeds by method, int32 [q, depth] each."""
        seeds, recording, depth = self.test.judge.seeds, self.bundle.recording, self.settings.depth
        self.progress("making the lists to compare with")
        bundle = self.bundle
        found = {
            SEGUE: self.test.pools.lists(self.rules(self.weight)),
            NEAREST: self.test.pools.lists(self.rules(0.0, max_per_artist=depth), ranked=False),
        }
        if bundle.transform.learned is not None:
            found[STANDARDISED] = self.standardised(seeds)
        if bundle.transform.genre is not None:
            found[NO_GENRE] = self.standardised(seeds, without=GENRE_BLOCK)
        if self.entries is not None:
            found[CO_LISTENED] = baselines.co_listened(
                seeds, self.entries.playlist, self.entries.track, recording, depth
            )
        return {
            **found,
            "same_artist": baselines.same_artist(seeds, bundle.artist, recording, bundle.popularity, depth),
            BASE_DESIGN: self.base_design(seeds),
            "most_popular": baselines.most_popular(seeds, recording, bundle.popularity, depth),
            "random": baselines.random_lists(seeds, recording, depth, seed=self.settings.seed),
        }

    @cached_property
    def entries(self) -> Entries | None:
        """Entries of the training playlists; None if there are none."""
        path = self.preprocessed / "playlists.parquet"
        entries = Entries.of(pq.read_table(path), TRAIN) if path.exists() else None
        return entries if entries and len(entries.track) else None

    def neighbours(self, count: int) -> Rows:
        """The exact nearest tracks of the test seeds in the bundle's embedding, int32 [q, count]."""
        seeds = self.test.judge.seeds
        near = baselines.exact_neighbours(self.bundle.embedding, seeds, count + baselines.SLACK)
        return baselines.finish(near, seeds, self.bundle.recording, count)

    def standardised(self, seeds: Rows, *, without: str = "") -> Rows:
        """Lists of the nearest tracks by standardised features, without one block if given."""
        transform = self.bundle.transform
        blocks = [block for block in transform.standard_blocks if block.name != without]
        columns = np.concatenate([np.arange(block.start, block.start + block.width) for block in blocks])
        near = baselines.exact_neighbours(
            transform.standardise(self.bundle.features)[:, columns],
            seeds,
            self.settings.depth + baselines.SLACK,
        )
        return baselines.finish(near, seeds, self.bundle.recording, self.settings.depth)

    def base_design(self, seeds: Rows) -> Rows:
        """The base design's lists: raw features under L2, then predicted popularity."""
        names = self.bundle.definition.features
        recommender = self.test.pools.recommender

        def popularity_of(rows: Rows) -> npt.NDArray[np.floating]:
            return self.ranker.predict(recommender.track_matrix(rows.astype(np.int64)))["popularity"]

        return baselines.base_design(
            baselines.base_matrix(self.bundle.features, [names.index(name) for name in SOUND]),
            seeds,
            self.bundle.recording,
            popularity_of,
            neighbours=self.settings.neighbours,
            depth=self.settings.depth,
        )

    def methods(self) -> dict[str, Method]:
        """Metrics of every method, and Segue's differences to it."""
        judge = self.test.judge
        per_seed = {name: judge.per_seed(lists) for name, lists in self.lists.items()}
        return {
            name: Method(
                title=TITLES[name],
                figures=judge.intervals(figures),
                overall=judge.overall(self.lists[name]),
                gain={} if name == SEGUE else judge.differences(per_seed[SEGUE], figures),
            )
            for name, figures in per_seed.items()
        }

    @property
    def labels(self) -> dict[str, str]:
        """Titles of the metrics."""
        return labels(self.settings.k, self.settings.depth)

    def judge(self, relevance: Relevance) -> Judge:
        """A judge for these seeds."""
        return Judge(
            self.facts,
            relevance,
            k=self.settings.k,
            rounds=self.settings.bootstrap_rounds,
            seed=self.settings.seed,
        )

    def _judged_split(self, split: int, max_seeds: int) -> JudgedSplit:
        relevance = self._relevance(split, max_seeds)
        pools = fetch_pools(
            Recommender(self.bundle),
            self.ranker,
            relevance.seeds,
            candidates=self.settings.neighbours,
            progress=self.progress,
        )
        return JudgedSplit(self.judge(relevance), pools)

    def _relevance(self, split: int, max_seeds: int) -> Relevance:
        found = self.playlists.get(split)
        if found is not None:
            return found
        return sample_tracks(
            self.split, self.bundle.artist, of=split, max_seeds=max_seeds, seed=self.settings.seed
        )
