"""The recommender: the same functions answer offline, in batch and in the transformer.

`prepare`, `matrix` and `answer` are separate because the transformer calls a predictor between the last two.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from segue.recommend.answer import Answer, Item, Pool
from segue.recommend.explain import explain
from segue.recommend.finish import Picks, Rules, finish
from segue.recommend.model import Bundle
from segue.recommend.ranking_matrix import Nearest, TrackTable, ranking_matrix
from segue.recommend.refill import rows_left
from segue.recommend.request import Request
from segue.recommend.rerank import Predictions, Ranker
from segue.recommend.retrieve import Candidates, dropped_rows, retrieve
from segue.recommend.seeds import Query, resolve

__all__ = ["Recommender"]

Floats = npt.NDArray[np.float32]


class Recommender:
    """Answers requests from one bundle.

    Parameters
    ----------
    bundle
        An opened bundle.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    def prepare(self, requests: Sequence[Request]) -> list[Candidates]:
        """Resolve the seeds and retrieve the candidates.

        Raises
        ------
        UnknownSeeds
            A request none of whose seeds is in the catalogue.
        RequestError
            A request that does not fit this bundle.
        """
        return self.retrieve(requests, [self.resolve(request) for request in requests])

    def resolve(self, request: Request) -> Query:
        """Resolve the seeds of one request; raises as `prepare` does."""
        return resolve(self.bundle, request)

    def retrieve(self, requests: Sequence[Request], queries: Sequence[Query]) -> list[Candidates]:
        """Retrieve the candidates of requests whose seeds have been resolved."""
        return retrieve(self.bundle, requests, queries)

    def matrix(self, pools: Sequence[Candidates], positions: npt.NDArray[np.int64] | None = None) -> Floats:
        """Ranking matrix of the candidates of several requests, concatenated: the input of a predictor.

        Parameters
        ----------
        pools
            Candidates, m in all.
        positions
            int64, only the candidates at these positions; None: all.

        Returns
        -------
        float32 [m, f], columns as ``ranking_columns`` of the bundle's definition.
        """
        rows = pools[0].rows if len(pools) == 1 else np.concatenate([pool.rows for pool in pools])
        kept = slice(None) if positions is None else positions
        nearest = _nearest(pools, kept) if self._ranks_pairs else None
        return ranking_matrix(self._table, self.bundle.definition.ranking_columns, rows[kept], nearest)

    def track_matrix(self, rows: npt.NDArray[np.int64]) -> Floats:
        """Ranking matrix of tracks without a seed, float32 [m, f]: enough to predict popularity."""
        return ranking_matrix(self._table, self.bundle.definition.ranking_columns, rows)

    @cached_property
    def _ranks_pairs(self) -> bool:
        """Whether the ranking matrix has columns besides the candidate's own features."""
        return not set(self.bundle.definition.ranking_columns) <= set(self.bundle.definition.features)

    @cached_property
    def _table(self) -> TrackTable:
        bundle = self.bundle
        return TrackTable(
            names=bundle.definition.features,
            features=bundle.features,
            popularity=bundle.popularity,
            artist=bundle.artist,
            embedding=bundle.embedding,
            blocks=bundle.definition.blocks,
        )

    def rank(self, pools: Sequence[Candidates], ranker: Ranker) -> list[Predictions]:
        """Predict for the candidates of several requests with one call of the ranker."""
        predictions = ranker.predict(self.matrix(pools))
        ends = np.cumsum([len(pool.rows) for pool in pools])[:-1]
        parts: list[Mapping[str, Floats]] = [{} for _ in pools]
        for name, values in predictions.items():
            for i, part in enumerate(np.split(values, ends)):
                parts[i] = {**parts[i], name: part}
        return list(parts)

    def choose(self, request: Request, pool: Candidates, predictions: Predictions | None) -> Picks:
        """Pick the list from the candidates, by the request's rules."""
        rules = Rules.of(request, self.bundle.definition.defaults)
        return finish(self.bundle, pool, predictions, rules)

    def answer(
        self,
        request: Request,
        pool: Candidates,
        predictions: Predictions | None,
        *,
        contributions: Callable[[Floats], Floats] | None = None,
    ) -> Answer:
        """Pick the list and make the answer from it.

        Parameters
        ----------
        request, pool
            The request and its candidates.
        predictions
            The boosters' predictions for the candidates; None answers degraded, ordered by similarity.
        contributions
            Computes the contributions of a matrix of the returned tracks, if the request asks to explain.
        """
        picks = self.choose(request, pool, predictions)
        explanation = None
        if request.explain:
            matrix = self.matrix([pool], picks.positions)
            values = contributions(matrix) if contributions else None
            explanation = explain(self.bundle, pool, picks, values)
        return Answer(
            items=self._items(pool, picks, predictions),
            digest=self.bundle.digest,
            degraded=predictions is None,
            unknown_seeds=pool.query.unknown,
            pool=Pool(pool.retrieved, len(pool.rows)),
            reason=self._reason(request, pool, len(picks.positions)),
            explanation=explanation,
        )

    def _reason(self, request: Request, pool: Candidates, listed: int) -> str | None:
        """Why a list is shorter than it was asked for: how many tracks each rule leaves."""
        rules = Rules.of(request, self.bundle.definition.defaults)
        if listed >= rules.k:
            return None
        if not len(pool.rows):
            return "no track passes the filters"
        drop = dropped_rows(self.bundle, request, pool.query)
        left = rows_left(self.bundle, request, drop, rules.max_per_artist)
        first = f"the filters leave {left['filters']:,} tracks"
        if not request.filters.narrows:
            first = f"the catalogue has {left['filters']:,} tracks"
        return (
            f"{listed} of {rules.k} tracks: {first}, {left['seeds and exclusions']:,} without the seeds and "
            f"exclusions, {left['one of each recording']:,} with one of each recording, and "
            f"{left['max_per_artist']:,} with at most {rules.max_per_artist} by an artist"
        )

    def recommend(self, requests: Sequence[Request], ranker: Ranker | None) -> list[Answer]:
        """Answer requests with the predictions of `ranker`; None answers degraded."""
        pools = self.prepare(requests)
        predictions: Sequence[Predictions | None] = (
            [None] * len(pools) if ranker is None else self.rank(pools, ranker)
        )
        return [
            self.answer(request, pool, prediction, contributions=ranker.contributions if ranker else None)
            for request, pool, prediction in zip(requests, pools, predictions, strict=True)
        ]

    def _items(self, pool: Candidates, picks: Picks, predictions: Predictions | None) -> list[Item]:
        predicted = predictions or {}
        rows, count = pool.rows[picks.positions], len(picks.positions)

        def shown(values: Floats | None, decimals: int) -> Sequence[float | None]:
            if values is None:
                return [None] * count
            # as Python floats: a rounded float32 is written with all its digits
            return [round(value, decimals) for value in values[picks.positions].tolist()]

        columns = (
            range(1, count + 1),
            *(self.bundle.values(name, rows) for name in ("track_id", "track_name", "artist_name")),
            [round(score, 6) for score in picks.scores.tolist()],
            shown(pool.similarity, 6),
            [None if math.isnan(known) else known for known in self.bundle.popularity[rows].tolist()],
            shown(predicted.get("popularity"), 3),
            shown(predicted.get("relevance"), 6),
        )
        return [Item(*cells) for cells in zip(*columns, strict=True)]


def _nearest(pools: Sequence[Candidates], kept: npt.NDArray[np.int64] | slice) -> Nearest:
    """The nearest seed of positive weight of each of the candidates at the positions `kept`."""
    seeds = [(pool.query, _nearest_seed(pool)) for pool in pools]
    return Nearest(
        rows=np.concatenate([query.rows[seed] for query, seed in seeds])[kept],
        points=np.concatenate([query.points[seed] for query, seed in seeds])[kept],
        features=np.concatenate([query.features[seed] for query, seed in seeds])[kept],
    )


def _nearest_seed(pool: Candidates) -> npt.NDArray[np.int64]:
    """Position in the query of each candidate's nearest seed, int64 [m]."""
    positive = np.flatnonzero(pool.query.weights > 0)
    return positive[pool.distances.argmin(axis=1)] if len(pool.rows) else positive[:0]
