"""How much of what exact search finds the bundle's index finds too."""

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
        Mean share of the exact k nearest that the index finds, by k.
    worst
        The same for the one query in a hundred that does worst, at the largest k.
    """

    model_config = ConfigDict(frozen=True)

    queries: int
    recall: dict[int, float]
    worst: float | None


def index_recall(
    index: TrackIndex, embedding: npt.NDArray[np.float32], queries: Rows, *, at: tuple[int, ...]
) -> Retrieval:
    """Search the index for some tracks, and exhaustively.

    Parameters
    ----------
    index
        The bundle's index, with the parameters it is served with.
    embedding
        float32 [n, d].
    queries
        int32 [q], tracks to search for.
    at
        Numbers of neighbours to judge at; those above n are cut to n.
    """
    depths = sorted({min(k, len(embedding)) for k in at})
    if not len(queries):
        return Retrieval(queries=0, recall={}, worst=None)
    vectors = np.ascontiguousarray(embedding[queries], dtype=np.float32)
    exact = exact_neighbours(embedding, queries, depths[-1])
    found: dict[int, float] = {}
    share = np.empty(0)
    for k in depths:
        # each k is searched for itself: an index may find less when it is asked for less
        furthest = ((vectors - embedding[exact[:, k - 1]]) ** 2).sum(axis=1)
        distances, _ = index.search(vectors, k)
        share = recall_at(distances, furthest)
        found[k] = float(share.mean())
    return Retrieval(queries=len(queries), recall=found, worst=float(np.quantile(share, 0.01)))
