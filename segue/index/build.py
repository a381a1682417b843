"""The build_index step: a FAISS index over the embedding, tuned to a recall target."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import faiss
import numpy as np
import numpy.typing as npt

from segue.bundle.definition import IndexSpec
from segue.errors import RecallError
from segue.features.split import TEST
from segue.files import replacing, write_json
from segue.index.search import blas
from segue.index.tune import IndexPoint, measure

__all__ = ["EXACT_UP_TO", "build", "build_index", "factories_for"]

Floats = npt.NDArray[np.float32]

# Up to this size exact search takes about half a millisecond, and needs no tuning.
EXACT_UP_TO = 50_000
QUERIES = 1_000
# k-means gains nothing measurable from more points a centroid, or from more rounds, at these sizes.
_POINTS_A_CENTROID = 64
_ROUNDS = 10
_SEED = 1234


def factories_for(tracks: int) -> tuple[str, ...]:
    """FAISS factory strings worth trying for a catalogue of this size."""
    if tracks <= EXACT_UP_TO:
        return ("Flat",)
    root = math.sqrt(tracks)
    # powers of two near √n and 4√n: few long lists against many short ones
    sizes = sorted({2 ** round(math.log2(root)), 2 ** round(math.log2(4 * root))})
    return tuple(f"IVF{size},Flat" for size in sizes)


def build(embedding: Floats, factory: str, *, training: npt.NDArray[np.intp] | None = None) -> faiss.Index:
    """Build one index.

    Parameters
    ----------
    embedding
        float32 [n, d].
    factory
        FAISS factory string: ``Flat``, ``IVF…,Flat`` or ``HNSW…``.
    training
        Rows that the centroids may be learned from; None: all.
    """
    index = faiss.index_factory(embedding.shape[1], factory, faiss.METRIC_L2)
    if factory.startswith("IVF"):
        index.cp.niter = _ROUNDS
        index.cp.seed = _SEED
        index.cp.max_points_per_centroid = _POINTS_A_CENTROID
        rows = np.arange(len(embedding)) if training is None else training
        most = index.nlist * _POINTS_A_CENTROID
        if len(rows) > most:
            rows = np.sort(np.random.default_rng(_SEED).choice(rows, most, replace=False))
        with blas():
            index.train(np.ascontiguousarray(embedding[rows]))
            index.add(embedding)
    else:
        index.add(embedding)
    return index


def build_index(
    trained: Path,
    preprocessed: Path,
    out: Path,
    *,
    recall_target: float = 0.99,
    neighbours: int = 200,
    factories: Sequence[str] = (),
    progress: Callable[[IndexPoint], None] | None = None,
) -> IndexSpec:
    """Build the index that meets the recall target at the least cost.

    Parameters
    ----------
    trained
        Folder of the train step: ``embedding.npy``.
    preprocessed
        Folder of the preprocess step: ``split.npy``, whose test artists give the held-out queries.
    out
        Folder for ``index.faiss`` and ``index.json`` (the choice and the measured curve).
    recall_target
        Share of the exact neighbours that a search must find, judged at the lower end of its 95 % interval.
    neighbours
        Neighbours a query.
    factories
        FAISS factory strings to try; empty: `factories_for` the size.

    Raises
    ------
    RecallError
        None of the indexes meets the target.
    """
    embedding = np.load(trained / "embedding.npy", mmap_mode="r")
    held_out = np.load(preprocessed / "split.npy") == TEST
    neighbours = min(neighbours, len(embedding))
    queries = _queries(embedding, np.flatnonzero(held_out))
    fit_rows = np.flatnonzero(~held_out)
    curve: list[IndexPoint] = []
    best: tuple[tuple[float, int], IndexSpec, faiss.Index] | None = None
    for point, spec, index in measure(
        lambda factory: build(embedding, factory, training=fit_rows),
        factories or factories_for(len(embedding)),
        embedding,
        queries,
        neighbours=neighbours,
        target=recall_target,
    ):
        curve.append(point)
        if progress:
            progress(point)
        cost = (point.scanned, point.bytes)
        if point.recall_low >= recall_target and (best is None or cost < best[0]):
            best = (cost, spec, index)
    if best is None:
        top = max(curve, key=lambda point: point.recall)
        raise RecallError(
            f"no index reached recall@{neighbours} {recall_target}: the best was {top.recall:.4f} "
            f"({top.factory}, parameter {top.parameter}); lower recall_target or try other factories"
        )
    _, spec, index = best
    with replacing(out / "index.faiss") as temporary:
        faiss.write_index(index, str(temporary))
    write_json(
        out / "index.json",
        {"index": spec.model_dump(mode="json"), "curve": [point.model_dump() for point in curve]},
    )
    return spec


def _queries(embedding: Floats, held_out: npt.NDArray[np.intp]) -> Floats:
    rows = held_out if len(held_out) else np.arange(len(embedding))
    if len(rows) > QUERIES:
        rows = np.sort(np.random.default_rng(_SEED).choice(rows, QUERIES, replace=False))
    return np.ascontiguousarray(embedding[rows])
