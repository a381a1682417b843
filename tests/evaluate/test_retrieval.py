"""Recall of an index against exact search."""

from __future__ import annotations

import faiss
import numpy as np
import pytest

from segue.bundle.definition import IndexSpec
from segue.evaluate.retrieval import index_recall
from segue.index.search import TrackIndex


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(3000, 8)).astype(np.float32)


def opened(vectors: np.ndarray, factory: str, **parameters: int) -> TrackIndex:
    index = faiss.index_factory(8, factory)
    index.train(vectors)
    index.add(vectors)
    kind = "ivf" if parameters else "flat"
    spec = IndexSpec(kind=kind, factory=factory, recall_target=0.9, recall=0.9, neighbours=50, **parameters)
    return TrackIndex(index, spec, vectors)


def test_the_exact_index_finds_all(vectors):
    found = index_recall(opened(vectors, "Flat"), vectors, np.arange(40, dtype=np.int32), at=(10, 50))
    assert found.recall == {10: 1.0, 50: 1.0}
    assert found.queries == 40
    assert found.worst == 1.0


def test_one_probe_of_many_lists_finds_a_part_and_more_probes_find_more(vectors):
    queries = np.arange(100, dtype=np.int32)
    one = index_recall(opened(vectors, "IVF64,Flat", nlist=64, nprobe=1), vectors, queries, at=(50,))
    more = index_recall(opened(vectors, "IVF64,Flat", nlist=64, nprobe=16), vectors, queries, at=(50,))
    assert 0.02 < one.recall[50] < 0.6
    assert more.recall[50] > one.recall[50] + 0.2
    assert one.worst < one.recall[50]


def test_recall_is_that_of_a_set_comparison(vectors):
    index = opened(vectors, "IVF64,Flat", nlist=64, nprobe=4)
    queries = np.arange(60, dtype=np.int32)
    _, rows = index.search(vectors[queries], 20)
    _, exact = faiss.knn(vectors[queries], vectors, 20)
    shared = [len(set(a) & set(b)) / 20 for a, b in zip(rows.tolist(), exact.tolist(), strict=True)]
    assert index_recall(index, vectors, queries, at=(20,)).recall[20] == pytest.approx(np.mean(shared))


def test_a_small_catalogue_is_searched_for_what_it_has(vectors):
    few = vectors[:30]
    found = index_recall(opened(few, "Flat"), few, np.arange(3, dtype=np.int32), at=(10, 200))
    assert found.recall == {10: 1.0, 30: 1.0}


def test_no_queries(vectors):
    assert index_recall(opened(vectors, "Flat"), vectors, np.empty(0, np.int32), at=(10,)).recall == {}
