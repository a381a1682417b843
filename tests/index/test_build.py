from pathlib import Path

import numpy as np
import orjson
import pytest

from segue.errors import RecallError
from segue.index.build import build_index
from segue.index.kinds import factories_for
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


def test_large_catalogues_try_two_sizes() -> None:
    assert factories_for(1_160_000) == ("IVF1024,Flat", "IVF4096,Flat")
    assert factories_for(28_000) == ("Flat",)
