"""The build_index step: a FAISS index over the embedding, tuned to a recall target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import faiss
import numpy as np
import numpy.typing as npt

from segue.bundle.definition import IndexSpec
from segue.errors import RecallError
from segue.features.split import TEST
from segue.files import replacing, write_json
from segue.index.kinds import KINDS, SEED, factories_for, kind_of_factory
from segue.index.settings import IndexSettings
from segue.index.tune import IndexPoint, measure

__all__ = ["build", "build_index"]

Floats = npt.NDArray[np.float32]

QUERIES = 1_000


def build(embedding: Floats, factory: str, *, training: npt.NDArray[np.intp] | None = None) -> faiss.Index:
    """Build one index.

    Parameters
    ----------
    embedding
        float32 [n, d].
    factory
        FAISS factory string of one of `KINDS`, such as ``Flat`` or ``IVF1024,Flat``.
    training
        Rows that the centroids may be trained on; None: all.
    """
    index = faiss.index_factory(embedding.shape[1], factory, faiss.METRIC_L2)
    KINDS[kind_of_factory(factory)].add(index, embedding, training)
    return index


def build_index(
    trained: Path,
    preprocessed: Path,
    out: Path,
    *,
    settings: IndexSettings | None = None,
    factories: Sequence[str] = (),
    progress: Callable[[IndexPoint], None] | None = None,
) -> IndexSpec:
    """Build the cheapest index that meets the recall target.

    Parameters
    ----------
    trained
        Folder of the train step: ``embedding.npy``.
    preprocessed
        Folder of the preprocess step: ``split.npy``, whose test artists' tracks are the held-out queries.
    out
        Folder for ``index.faiss`` and ``index.json`` (the choice and the measured curve).
    settings
        The recall target; the defaults if not given.
    factories
        FAISS factory strings to try; empty: those of `factories_for`.

    Raises
    ------
    RecallError
        No index meets the target.
    """
    embedding = np.load(trained / "embedding.npy", mmap_mode="r")
    held_out = np.load(preprocessed / "split.npy") == TEST
    settings = settings or IndexSettings()
    target, neighbours = settings.recall_target, min(settings.neighbours, len(embedding))
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
        target=target,
    ):
        curve.append(point)
        if progress:
            progress(point)
        cost = (point.scanned, point.bytes)
        if point.recall_low >= target and (best is None or cost < best[0]):
            best = (cost, spec, index)
    if best is None:
        top = max(curve, key=lambda point: point.recall)
        raise RecallError(
            f"no index reached recall@{neighbours} {target}: the best was {top.recall:.4f} "
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
        rows = np.sort(np.random.default_rng(SEED).choice(rows, QUERIES, replace=False))
    return np.ascontiguousarray(embedding[rows])
