"""What every index must do, whatever its type."""

import contextlib
from pathlib import Path

import faiss
import numpy as np
import pytest

from segue.bundle.definition import IndexSpec
from segue.errors import BundleError
from segue.index.build import build
from segue.index.exact import blas, exact_search
from segue.index.search import EXACT_TRACKS, TrackIndex, open_index

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


def test_it_refuses_a_kind_of_index_that_it_does_not_read(embedding: np.ndarray) -> None:
    spec = IndexSpec(kind="hnsw", factory="HNSW16,Flat", recall_target=0.9, recall=1, neighbours=K)
    with pytest.raises(BundleError, match=r"kind 'hnsw', which this version of Segue does not read"):
        TrackIndex(build(embedding[:7], "Flat"), spec, embedding[:7])


THRESHOLDS = (
    "distance_compute_blas_threshold",
    "distance_compute_blas_database_bs",
    "distance_compute_blas_query_bs",
)


def test_blas_is_used_within_and_left_as_it_was() -> None:
    def seen() -> list[int]:
        return [getattr(faiss.cvar, name) for name in THRESHOLDS]

    before = seen()
    assert before[0] > 1_000_000
    with blas():
        # from no query on, and in pieces of 64 MB of distances
        assert seen()[0] == 0
        assert 4 * seen()[1] * seen()[2] == 64 << 20
    assert seen() == before


def test_blas_is_left_as_it_was_after_an_error_too() -> None:
    before = faiss.cvar.distance_compute_blas_threshold
    with contextlib.suppress(KeyError), blas():
        raise KeyError
    assert faiss.cvar.distance_compute_blas_threshold == before


def test_exact_neighbours_of_one_query_are_those_of_it_among_several() -> None:
    places = np.array([[0], [2], [5], [9]], np.float32)
    queries = np.array([[1], [6]], np.float32)
    distances, rows = exact_search(queries, places, 3)
    assert distances.tolist() == [[1, 1, 16], [1, 9, 16]]
    assert [sorted(line[:2]) for line in rows.tolist()] == [[0, 1], [2, 3]]
    alone_distances, alone_rows = exact_search(queries[1:], places, 3)
    assert (alone_distances.tolist(), alone_rows.tolist()) == ([[1, 9, 16]], [[2, 3, 1]])


CELLS = 10
WIDE = 12_000


@pytest.fixture(scope="module")
def cells() -> TrackIndex:
    """Ten cells of 1,200 tracks on a line, of which a search without a filter reads one."""
    places = np.arange(WIDE, dtype=np.float32)[:, None]
    quantiser = faiss.IndexFlatL2(1)
    quantiser.add(np.arange(599.5, WIDE, WIDE / CELLS, dtype=np.float32)[:, None])
    index = faiss.IndexIVFFlat(quantiser, 1, CELLS)
    index.is_trained = True
    index.add(places)
    spec = IndexSpec(
        kind="ivf", factory="IVF10,Flat", nlist=CELLS, nprobe=1, recall_target=0.9, recall=1, neighbours=3
    )
    return TrackIndex(index, spec, places)


def lists_read(cells: TrackIndex, k: int, allowed: np.ndarray | None) -> tuple[int, list[int]]:
    faiss.cvar.indexIVF_stats.reset()
    _, rows = cells.search(np.array([[100], [100]], np.float32), k, allowed)
    return faiss.cvar.indexIVF_stats.nlist // 2, rows[0].tolist()


@pytest.mark.parametrize(("every", "lists"), [(1, 1), (2, 2)])
def test_the_fewer_tracks_pass_the_more_lists_are_read(cells: TrackIndex, every: int, lists: int) -> None:
    read, rows = lists_read(cells, 3, np.arange(WIDE) % every == 0)
    assert read == lists
    assert sorted(rows) == [100 - every, 100, 100 + every]
    # two of three pass: one and a half lists are two
    assert lists_read(cells, 3, np.arange(WIDE) % 3 != 0)[0] == 2


def test_so_few_that_pass_are_read_without_the_index(cells: TrackIndex) -> None:
    last = np.arange(WIDE) >= WIDE - EXACT_TRACKS
    assert lists_read(cells, 2, last) == (0, [WIDE - EXACT_TRACKS, WIDE - EXACT_TRACKS + 1])
    last[WIDE - EXACT_TRACKS - 1] = True
    assert lists_read(cells, 2, last)[1] == [WIDE - EXACT_TRACKS - 1, WIDE - EXACT_TRACKS]


def test_what_the_lists_that_were_read_lack_is_found_by_reading_all(cells: TrackIndex) -> None:
    half = np.arange(WIDE) % 2 == 0
    _, rows = lists_read(cells, 2_000, half)
    assert sorted(rows) == list(range(0, 4_000, 2))
    distances, rows = cells.search(np.array([[0]], np.float32), 1_300)
    # without a filter what is missing stays missing
    assert rows[0, :1_200].tolist() == list(range(1_200))
    assert (rows[0, 1_200:] == -1).all()
    assert np.isinf(distances[0, 1_200:]).all()
    assert np.isfinite(distances[0, :1_200]).all()


def test_more_lists_than_there_are_are_not_asked_for(cells: TrackIndex) -> None:
    spec = cells.spec.model_copy(update={"nprobe": 8})
    index = TrackIndex(cells.index, spec, cells.embedding)
    assert lists_read(index, 3, None)[0] == 8
    assert lists_read(index, 3, np.arange(WIDE) % 2 == 0)[0] == CELLS


def test_a_list_shorter_than_asked_ends_in_nothing() -> None:
    places = np.array([[0], [3], [5]], np.float32)
    spec = IndexSpec(kind="flat", factory="Flat", recall_target=0.9, recall=1, neighbours=3)
    index = TrackIndex(build(places, "Flat"), spec, places)
    allowed = np.array([True, False, True])
    for queries in (np.array([[4]]), np.array([[4], [1]])):
        distances, rows = index.search(queries, 4, allowed)
        assert rows[0].tolist() == [2, 0, -1, -1]
        assert distances[0].tolist() == [1, 16, np.inf, np.inf]
        assert (distances.dtype, rows.dtype) == (np.float32, np.int64)
    distances, rows = index.search(np.array([[4], [1]]), 4)
    assert rows.tolist() == [[1, 2, 0, -1], [0, 1, 2, -1]]
    assert distances.tolist() == [[1, 1, 16, np.inf], [1, 4, 16, np.inf]]
