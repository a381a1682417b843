"""Recall of the bundle's index against exact search."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from segue.evaluate.baselines import exact_neighbours
from segue.evaluate.metrics import Rows
from segue.index.search import TrackIndex
from segue.index.tune import recall_at

__all__ = ["Retrieval", "index_recall"]


class Retrieval(BaseModel):
    """Recall of the index against exact search.

    Attributes
    ----------
    queries
        Number of held-out tracks searched for.
    recall
        Mean share of the exact k nearest tracks that the index finds, by k.
    worst
        The 1 % quantile over queries, at the largest k.
    """

    model_config = ConfigDict(frozen=True)

    queries: int
    recall: dict[int, float]
    worst: float | None


def index_recall(
    index: TrackIndex, embedding: npt.NDArray[np.float32], queries: Rows, *, at: tuple[int, ...]
) -> Retrieval:
    """Measure the index's recall for the neighbours of some tracks.

    Parameters
    ----------
    embedding
        float32 [n, d].
    queries
        int32 [q], the tracks.
    at
        Numbers of neighbours, at most n.
    """
    depths = sorted({min(k, len(embedding)) for k in at})
    if not len(queries):
        return Retrieval(queries=0, recall={}, worst=None)
    vectors = np.ascontiguousarray(embedding[queries], dtype=np.float32)
    exact = exact_neighbours(embedding, queries, depths[-1])
    found: dict[int, float] = {}
    share = np.empty(0)
    for k in depths:
        # a search for each k, since the recall of a smaller k may be lower
        furthest = ((vectors - embedding[exact[:, k - 1]]) ** 2).sum(axis=1)
        distances, _ = index.search(vectors, k)
        share = recall_at(distances, furthest)
        found[k] = float(share.mean())
    return Retrieval(queries=len(queries), recall=found, worst=float(np.quantile(share, 0.01)))
