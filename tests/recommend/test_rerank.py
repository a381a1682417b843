"""What the boosters say, from boosters of one split that answer one of two numbers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import lightgbm
import numpy as np
import pytest

from segue.bundle.definition import Booster, BundleDefinition, IndexSpec
from segue.errors import BundleError
from segue.recommend.rerank import LocalRanker
from tests.recommend.hand_made import write_booster
from tests.small_catalogue import Steps

COLUMNS = ["energy", "key", "valence"]
# 1 and 3 in each column, in every combination
MATRIX = np.array(np.meshgrid([1, 3], [1, 3], [1, 3], indexing="ij"), np.float32).reshape(3, -1).T


def ranker(root: Path, *boosters: tuple[str, list[str]], threads: int = 1) -> LocalRanker:
    definition = BundleDefinition(
        catalog_profile="0" * 64,
        tracks=0,
        features=COLUMNS,
        ranking_columns=COLUMNS,
        blocks=[],
        boosters=[
            Booster(name=name, file=f"{name}.txt", columns=columns, trees=1)  # type: ignore[arg-type]
            for name, columns in boosters
        ],
        index=IndexSpec(kind="flat", factory="Flat", recall_target=1, recall=1, neighbours=1),
        similarity_scale=1.0,
    )
    return LocalRanker(definition, root.joinpath, threads=threads)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_booster_answers_by_the_column_that_it_reads(tmp_path: Path, threads: int) -> None:
    write_booster(tmp_path / "popularity.txt", 2, 20, 60, width=3)
    predicted = ranker(tmp_path, ("popularity", COLUMNS), threads=threads).predict(MATRIX)
    assert list(predicted) == ["popularity"]
    assert predicted["popularity"].tolist() == pytest.approx([20, 60] * 4)
    assert predicted["popularity"].dtype == np.float32


def test_each_booster_reads_its_own_columns_in_its_own_order(tmp_path: Path) -> None:
    # the one splits by valence, its first column of two; the other by energy, the last of three
    write_booster(tmp_path / "popularity.txt", 0, 20, 60, width=2)
    write_booster(tmp_path / "relevance.txt", 2, -1, 1, width=3)
    both = ranker(
        tmp_path, ("popularity", ["valence", "energy"]), ("relevance", ["key", "valence", "energy"])
    )
    predicted = both.predict(MATRIX, threads=2)
    assert predicted["popularity"].tolist() == pytest.approx([20, 60] * 4)
    assert predicted["relevance"].tolist() == pytest.approx([-1] * 4 + [1] * 4)


def test_nothing_to_rank_has_no_predictions_and_no_contributions(tmp_path: Path) -> None:
    write_booster(tmp_path / "popularity.txt", 0, 20, 60, width=3)
    one = ranker(tmp_path, ("popularity", COLUMNS))
    predicted = one.predict(MATRIX[:0])["popularity"]
    assert (predicted.shape, predicted.dtype) == ((0,), np.float32)
    assert one.contributions(MATRIX[:0]).shape == (0, 4)


def test_contributions_stand_in_the_columns_of_the_matrix_and_the_average_last(tmp_path: Path) -> None:
    write_booster(tmp_path / "popularity.txt", 0, 20, 60, width=2)
    given = ranker(tmp_path, ("popularity", ["valence", "energy"])).contributions(MATRIX[:2])
    # half of what it learned from is 20, half 60: valence takes 20 off the average of 40, or adds them
    assert given.tolist() == [[0, 0, pytest.approx(-20), pytest.approx(40)], [0, 0, pytest.approx(20), 40]]
    assert given.dtype == np.float32
    write_booster(tmp_path / "popularity.txt", 1, 20, 60, width=3)
    whole = ranker(tmp_path, ("popularity", COLUMNS), threads=2).contributions(MATRIX[:1])
    assert whole.tolist() == [[0, pytest.approx(-20), 0, pytest.approx(40)]]


def test_a_booster_of_columns_that_the_matrix_lacks_is_refused(tmp_path: Path) -> None:
    write_booster(tmp_path / "popularity.txt", 0, 20, 60, width=1)
    with pytest.raises(BundleError, match=r"booster popularity reads \['tempo'\]"):
        ranker(tmp_path, ("popularity", ["tempo"]))


def test_the_number_of_threads_changes_no_bit(small: Steps) -> None:
    matrix = np.load(small.parts["features.npy"])
    one, two = (small.ranker().predict(matrix, threads=threads)["popularity"] for threads in (1, 2))
    assert one.tobytes() == two.tobytes()


def test_calls_at_the_same_time_do_not_mix(small: Steps) -> None:
    matrix, shared = np.load(small.parts["features.npy"]), small.ranker()
    parts = [matrix[start : start + 150] for start in (0, 100, 200, 300)]
    alone = [(shared.predict(part)["popularity"], shared.contributions(part[:20])) for part in parts]

    def repeat(i: int) -> list[tuple[bytes, bytes]]:
        return [
            (shared.predict(parts[i])["popularity"].tobytes(), shared.contributions(parts[i][:20]).tobytes())
            for _ in range(20)
        ]

    with ThreadPoolExecutor(len(parts)) as pool:
        for (scores, contributions), found in zip(alone, pool.map(repeat, range(len(parts))), strict=True):
            assert set(found) == {(scores.tobytes(), contributions.tobytes())}


def test_a_matrix_of_another_width_is_refused(tmp_path: Path) -> None:
    write_booster(tmp_path / "popularity.txt", 0, 20, 60, width=3)
    with pytest.raises(lightgbm.basic.LightGBMError, match="number of features"):
        ranker(tmp_path, ("popularity", COLUMNS)).predict(np.zeros((2, 4), np.float32))


@pytest.mark.parametrize(
    ("objective", "blocks"), [("regression", 3), ("lambdarank", 3), ("binary", 1), ("regression_l1", 1)]
)
def test_many_trees_add_up_to_what_the_booster_predicts(tmp_path: Path, objective: str, blocks: int) -> None:
    random = np.random.default_rng(4)
    rows = random.normal(size=(400, 3)).astype(np.float32)
    target = (rows[:, 0] * rows[:, 1] + random.normal(size=400) > 0).astype(int)
    parameters = {"objective": objective, "verbosity": -1, "num_threads": 1, "min_data_in_leaf": 5}
    data = lightgbm.Dataset(rows, target, group=[20] * 20 if objective == "lambdarank" else None)
    booster = lightgbm.train(parameters, data, 250)
    booster.save_model(tmp_path / "popularity.txt")
    ours = ranker(tmp_path, ("popularity", COLUMNS))
    assert len(ours._blocks["popularity"]) == blocks
    expected = np.asarray(booster.predict(rows), np.float32)
    np.testing.assert_allclose(ours.predict(rows)["popularity"], expected, rtol=1e-6, atol=1e-6)
