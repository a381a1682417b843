"""Choosing the kind of index and its parameters: the cheapest that meets a recall target.

Cost is the number of vectors scanned per query, by FAISS's counters. Unlike time, it makes two runs on the
same data choose the same index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import faiss
import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from segue.bundle.definition import IndexSpec
from segue.index.exact import exact_search
from segue.index.kinds import KINDS, kind_of_factory
from segue.index.search import TrackIndex

__all__ = ["IndexPoint", "exact_distances", "measure", "recall_at"]

Floats = npt.NDArray[np.float32]


class IndexPoint(BaseModel):
    """One measured point of the curve.

    Attributes
    ----------
    factory
        FAISS factory string.
    parameter
        Value of the search parameter, such as ``nprobe``; 0 for the exact index.
    recall
        Mean share of the exact neighbours found.
    recall_low
        Lower bound of its one-sided 95 % interval over the queries.
    scanned
        Mean number of vectors whose distance is computed per query, centroids included.
    bytes
        Size of the index.
    """

    model_config = ConfigDict(frozen=True)

    factory: str
    parameter: int
    recall: float
    recall_low: float
    scanned: float
    bytes: int


def exact_distances(embedding: Floats, queries: Floats, k: int) -> Floats:
    """Squared distance of each query's k-th nearest track, by exhaustive search, float32 [q]."""
    distances, _ = exact_search(queries, embedding, k)
    return np.ascontiguousarray(distances[:, -1])


def recall_at(distances: Floats, furthest: Floats) -> npt.NDArray[np.float64]:
    """Recall of each query: the share of the exact neighbours that was found, float64 [q].

    A track counts as found if it is as near as the exact k-th neighbour, so that ties are not misses.

    Parameters
    ----------
    distances
        float32 [q, k], squared distances of the tracks found; inf for padding.
    furthest
        float32 [q], squared distance of the exact k-th neighbour.
    """
    near = distances <= furthest[:, None] * (1 + 1e-5) + 1e-6
    return np.asarray(near.mean(axis=1), np.float64)


def measure(
    build: Callable[[str], faiss.Index],
    factories: Iterable[str],
    embedding: Floats,
    queries: Floats,
    *,
    neighbours: int,
    target: float,
) -> Iterator[tuple[IndexPoint, IndexSpec, faiss.Index]]:
    """Measure each factory's parameters, in order, until the lower bound of the recall meets the target."""
    furthest = exact_distances(embedding, queries, neighbours)
    for factory in factories:
        index = build(factory)
        size = faiss.serialize_index(index).nbytes
        for parameter in KINDS[kind_of_factory(factory)].parameters(factory):
            spec = _spec(factory, parameter, neighbours, target)
            recall, low, scanned = _measure_once(TrackIndex(index, spec, embedding), queries, furthest)
            point = IndexPoint(
                factory=factory,
                parameter=parameter,
                recall=round(recall, 5),
                recall_low=round(low, 5),
                scanned=round(scanned, 1),
                bytes=size,
            )
            yield point, spec.model_copy(update={"recall": point.recall}), index
            if low >= target:
                break


def _measure_once(index: TrackIndex, queries: Floats, furthest: Floats) -> tuple[float, float, float]:
    kind = KINDS[index.spec.kind]
    kind.reset_statistics()
    distances, _ = index.search(queries, index.spec.neighbours)
    recall = recall_at(distances, furthest)
    scanned = kind.scanned(index.spec, len(index.embedding), len(queries))
    margin = 1.645 * float(recall.std()) / np.sqrt(len(recall))
    return float(recall.mean()), float(recall.mean() - margin), scanned


def _spec(factory: str, parameter: int, neighbours: int, target: float) -> IndexSpec:
    name = kind_of_factory(factory)
    return IndexSpec(
        kind=name,
        factory=factory,
        recall_target=target,
        recall=0.0,
        neighbours=neighbours,
        **KINDS[name].fields(factory, parameter),
    )
