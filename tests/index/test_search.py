"""What every index must do, whatever its type."""

from pathlib import Path

import faiss
import numpy as np
import pytest

from segue.bundle.definition import IndexSpec
from segue.errors import BundleError
from segue.index.build import build
from segue.index.search import TrackIndex, open_index

N, D, K = 20_000, 12, 50
SPECS = {
    "Flat": {"kind": "flat"},
    "IVF128,Flat": {"kind": "ivf", "nlist": 128, "nprobe": 24},
}


@pytest.fixture(scope="module")
def embedding() -> np.ndarray:
    random = np.random.default_rng(5)
    centres = random.normal(size=(40, D)) * 2
    return (centres[random.integers(0, 40, N)] + random.normal(size=(N, D))).astype(np.float32)


@pytest.fixture(scope="module", params=SPECS)
def index(request: pytest.FixtureRequest, embedding: np.ndarray) -> TrackIndex:
    spec = IndexSpec(factory=request.param, recall_target=0.9, recall=1, neighbours=K, **SPECS[request.param])
    return TrackIndex(build(embedding, request.param), spec, embedding)


def _exact(embedding: np.ndarray, query: np.ndarray, allowed: np.ndarray, k: int) -> set[int]:
    distance = ((embedding - query) ** 2).sum(axis=1)
    distance[~allowed] = np.inf
    return set(np.argsort(distance)[: min(k, int(allowed.sum()))].tolist())


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1, 0.03, 0.003, 0.0005])
def test_recall_holds_at_every_width_of_filter(
    index: TrackIndex, embedding: np.ndarray, share: float
) -> None:
    random = np.random.default_rng(7)
    allowed = random.random(N) < share
    queries = embedding[random.integers(0, N, 30)]
    _, rows = index.search(queries, K, None if share == 1.0 else allowed)
    if share == 1.0:
        allowed[:] = True
    hits = total = 0
    for query, found in zip(queries, rows, strict=True):
        kept = found[found >= 0]
        assert allowed[kept].all()
        expected = _exact(embedding, query, allowed, K)
        assert len(kept) == len(expected), "a list is full when enough tracks pass"
        hits += len(expected & set(kept.tolist()))
        total += len(expected)
    assert hits / total >= 0.97


def test_distances_are_squared_l2_and_ascend(index: TrackIndex, embedding: np.ndarray) -> None:
    distances, rows = index.search(embedding[:5], K)
    expected = ((embedding[rows] - embedding[:5, None, :]) ** 2).sum(axis=2)
    np.testing.assert_allclose(distances, expected, rtol=1e-3, atol=1e-3)
    assert (np.diff(distances, axis=1) >= 0).all()


def test_a_batch_answers_as_its_queries_do(index: TrackIndex, embedding: np.ndarray) -> None:
    queries = embedding[:64]
    together = index.search(queries, K)
    for row in range(64):
        alone = index.search(queries[row : row + 1], K)
        np.testing.assert_array_equal(alone[0][0], together[0][row])
        np.testing.assert_array_equal(alone[1][0], together[1][row])


def test_what_is_opened_mapped_answers_as_what_was_saved(
    index: TrackIndex, embedding: np.ndarray, tmp_path: Path
) -> None:
    faiss.write_index(index.index, str(tmp_path / "index.faiss"))
    opened = open_index(tmp_path / "index.faiss", index.spec, embedding)
    allowed = np.arange(N) % 3 == 0
    for mask in (None, allowed):
        for left, right in zip(
            index.search(embedding[:9], K, mask), opened.search(embedding[:9], K, mask), strict=True
        ):
            np.testing.assert_array_equal(left, right)


def test_nothing_passes(index: TrackIndex, embedding: np.ndarray) -> None:
    distances, rows = index.search(embedding[:2], 5, np.zeros(N, bool))
    assert (rows == -1).all()
    assert np.isinf(distances).all()


def test_more_neighbours_than_tracks(embedding: np.ndarray) -> None:
    spec = IndexSpec(kind="flat", factory="Flat", recall_target=0.9, recall=1, neighbours=K)
    few = TrackIndex(build(embedding[:7], "Flat"), spec, embedding[:7])
    distances, rows = few.search(embedding[:1], 10)
    assert sorted(rows[0, :7].tolist()) == list(range(7))
    assert (rows[0, 7:] == -1).all()
    assert np.isinf(distances[0, 7:]).all()


def test_should_refuse_a_kind_of_index_that_it_does_not_read(embedding: np.ndarray) -> None:
    spec = IndexSpec(kind="hnsw", factory="HNSW16,Flat", recall_target=0.9, recall=1, neighbours=K)
    with pytest.raises(BundleError, match=r"kind 'hnsw', which this version of Segue does not read"):
        TrackIndex(build(embedding[:7], "Flat"), spec, embedding[:7])


def test_should_refuse_to_build_a_kind_that_it_does_not_know(embedding: np.ndarray) -> None:
    with pytest.raises(ValueError, match="'HNSW16,Flat' is of no known kind of index"):
        build(embedding[:7], "HNSW16,Flat")
