from pathlib import Path

import faiss
import numpy as np
import orjson
import pytest

from segue.errors import RecallError
from segue.features.split import TEST
from segue.index import build as module
from segue.index.build import build, build_index
from segue.index.settings import IndexSettings
from segue.index.tune import recall_at

N = 8_000
MODEST = IndexSettings(recall_target=0.9)
STRICT = IndexSettings(recall_target=0.999)
# more than exact search finds, which no caller can ask for
IMPOSSIBLE = IndexSettings.model_construct(recall_target=1.1, neighbours=200)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("index")
    random = np.random.default_rng(2)
    np.save(root / "embedding.npy", random.normal(size=(N, 10)).astype(np.float32))
    np.save(root / "split.npy", random.integers(0, 3, N).astype(np.uint8))
    return root


def test_a_small_catalogue_gets_the_exact_index(folder: Path, tmp_path: Path) -> None:
    spec = build_index(folder, folder, tmp_path)
    assert (spec.kind, spec.recall) == ("flat", 1.0)


def test_the_cheapest_index_that_meets_the_target_is_chosen(folder: Path, tmp_path: Path) -> None:
    spec = build_index(
        folder,
        folder,
        tmp_path,
        settings=MODEST,
        factories=["IVF16,Flat", "IVF128,Flat", "Flat"],
    )
    curve = orjson.loads((tmp_path / "index.json").read_bytes())["curve"]
    good = [point for point in curve if point["recall_low"] >= 0.9]
    cheapest = min(good, key=lambda point: (point["scanned"], point["bytes"]))
    assert (spec.factory, spec.nprobe or 0) == (cheapest["factory"], cheapest["parameter"])
    assert spec.recall >= 0.9
    assert cheapest["scanned"] < N


def test_recall_rises_and_so_does_the_cost(folder: Path, tmp_path: Path) -> None:
    build_index(folder, folder, tmp_path, settings=STRICT, factories=["IVF64,Flat"])
    curve = orjson.loads((tmp_path / "index.json").read_bytes())["curve"]
    for name in ("recall", "scanned"):
        values = [point[name] for point in curve]
        assert values == sorted(values)
        assert values[0] < values[-1]


@pytest.mark.parametrize("factory", ["IVF64,Flat", "Flat"])
def test_two_runs_give_the_same_bytes(folder: Path, tmp_path: Path, factory: str) -> None:
    for name in ("a", "b"):
        build_index(folder, folder, tmp_path / name, settings=MODEST, factories=[factory])
    for name in ("index.faiss", "index.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_target_out_of_reach_is_an_error_and_writes_nothing(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RecallError, match=r"recall@200 1\.1.*the best was"):
        build_index(
            folder,
            folder,
            tmp_path,
            settings=IMPOSSIBLE,
            factories=["IVF16,Flat"],
        )
    assert not list(tmp_path.iterdir())


def test_ties_are_not_misses() -> None:
    furthest = np.array([1.0, 4.0], np.float32)
    found = np.array([[0.5, 1.0], [4.0, np.inf]], np.float32)
    assert recall_at(found, furthest).tolist() == [1.0, 0.5]


def centroids(index: faiss.Index) -> list[float]:
    return sorted(index.quantizer.reconstruct_n(0, index.nlist)[:, 0].tolist())


def test_centroids_are_learned_from_the_rows_that_are_given_for_it() -> None:
    places = np.array([[0], [1], [100], [101], [900], [901]] * 50, np.float32)
    learned = build(places, "IVF2,Flat", training=np.flatnonzero(places[:, 0] < 200))
    assert centroids(learned) == pytest.approx([0.5, 100.5], abs=0.1)
    assert learned.ntotal == 300
    # of all rows, which three groups make up, one centroid lies at the furthest and one amid the others
    between, furthest = centroids(build(places, "IVF2,Flat"))
    assert 0.5 < between < 100.5
    assert furthest == pytest.approx(900.5, abs=0.1)


def written(root: Path, places: int, held_out: int) -> Path:
    """A step's folder of tracks on a line, of which the last are held out."""
    np.save(root / "embedding.npy", np.arange(places, dtype=np.float32)[:, None])
    split = np.zeros(places, np.uint8)
    split[places - held_out :] = TEST
    np.save(root / "split.npy", split)
    return root


@pytest.mark.parametrize("held_out", [0, 4])
def test_what_is_measured_is_written_beside_the_index(tmp_path: Path, held_out: int) -> None:
    folder, seen = written(tmp_path, 30, held_out), []
    spec = build_index(
        folder, folder, tmp_path / "out", settings=IndexSettings(neighbours=5), progress=seen.append
    )
    whole = orjson.loads((tmp_path / "out" / "index.json").read_bytes())
    assert whole["curve"] == [point.model_dump() for point in seen]
    assert whole["index"] == spec.model_dump(mode="json")
    assert [(point.factory, point.recall, point.scanned) for point in seen] == [("Flat", 1.0, 30.0)]
    assert (spec.recall_target, spec.neighbours) == (0.99, 5)
    opened = faiss.read_index(str(tmp_path / "out" / "index.faiss"))
    assert opened.search(np.array([[7]], np.float32), 1)[1].tolist() == [[7]]


def test_a_catalogue_of_few_tracks_has_no_more_neighbours_than_tracks(tmp_path: Path) -> None:
    assert build_index(written(tmp_path, 9, 2), tmp_path, tmp_path).neighbours == 9
    assert build_index(written(tmp_path, 300, 2), tmp_path, tmp_path).neighbours == 200


def test_the_error_names_the_best_that_was_reached(tmp_path: Path) -> None:
    with pytest.raises(RecallError) as caught:
        build_index(written(tmp_path, 40, 5), tmp_path, tmp_path, settings=IMPOSSIBLE, factories=["Flat"])
    assert str(caught.value) == (
        "no index reached recall@40 1.1: the best was 1.0000 (Flat, parameter 0); "
        "lower recall_target or try other factories"
    )


def test_of_two_that_meet_the_target_the_one_that_reads_less_is_taken(tmp_path: Path) -> None:
    folder = written(tmp_path, 2_000, 100)
    asked = IndexSettings(neighbours=3, recall_target=0.5)
    for factories in (["Flat", "IVF8,Flat"], ["IVF8,Flat", "Flat"]):
        spec = build_index(folder, folder, tmp_path / "out", settings=asked, factories=factories)
        assert (spec.factory, spec.nprobe) == ("IVF8,Flat", 1)
        opened = faiss.read_index(str(tmp_path / "out" / "index.faiss"))
        assert faiss.downcast_index(opened).nlist == 8
    # between two that read as much, the smaller one
    spec = build_index(folder, folder, tmp_path / "out", settings=asked, factories=["Flat", "Flat"])
    assert spec.kind == "flat"


def test_the_held_out_tracks_train_nothing_and_are_what_is_measured(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    embedding = random.normal(size=(2_040, 4)).astype(np.float32)
    held_out = np.arange(2_040) >= 2_000
    # far from all others: one list has them all, if no centroid was learned there
    embedding[held_out] += 100
    np.save(tmp_path / "embedding.npy", embedding)
    np.save(tmp_path / "split.npy", np.where(held_out, TEST, TEST + 1).astype(np.uint8))
    settings = IndexSettings(recall_target=0.5, neighbours=20)
    build_index(tmp_path, tmp_path, tmp_path / "out", settings=settings, factories=["IVF8,Flat"])
    index = faiss.read_index(str(tmp_path / "out" / "index.faiss"))
    centroids = index.quantizer.reconstruct_n(0, index.nlist)
    assert centroids.max() < 50
    first = orjson.loads((tmp_path / "out" / "index.json").read_bytes())["curve"][0]
    assert (first["parameter"], first["recall"]) == (1, 1.0)


def test_queries_are_distinct_tracks_of_those_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUERIES", 60)
    embedding = np.arange(100, dtype=np.float32)[:, None]
    held_out = np.arange(20, 90)
    drawn = module._queries(embedding, held_out)[:, 0]
    assert len(set(drawn)) == 60
    assert set(drawn) <= set(range(20, 90))
    assert np.array_equal(module._queries(embedding, held_out[:5])[:, 0], held_out[:5])
    assert len(module._queries(embedding, held_out[:0])) == 60
