"""A sum of trees against LightGBM's own prediction, alone, in threads, and asked by several at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import lightgbm
import numpy as np
import numpy.typing as npt
import pytest

from segue.recommend.trees import SumOfTrees

COLUMNS = 6


@pytest.fixture(scope="module")
def booster() -> lightgbm.Booster:
    """320 trees: more than two parts hold."""
    random = np.random.default_rng(1)
    matrix = random.normal(size=(1_000, COLUMNS))
    target = matrix @ np.arange(COLUMNS) + random.normal(size=1_000)
    parameters = {"objective": "regression", "num_leaves": 15, "verbosity": -1, "num_threads": 1}
    return lightgbm.train(parameters, lightgbm.Dataset(matrix, target), 320)


def rows(count: int, seed: int = 2) -> npt.NDArray[np.float32]:
    drawn = np.random.default_rng(seed).normal(size=(count, COLUMNS)).astype(np.float32)
    drawn[::7, 3] = np.nan
    return drawn


@pytest.mark.parametrize("count", [1, 200, 2_500])
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_it_predicts_what_lightgbm_predicts(booster: lightgbm.Booster, count: int, threads: int) -> None:
    asked = rows(count)
    seen = SumOfTrees(booster).predict(asked, threads=threads)
    assert seen.dtype == np.float64
    np.testing.assert_allclose(seen, booster.predict(asked), rtol=1e-12, atol=1e-9)


def test_the_number_of_threads_changes_no_bit(booster: lightgbm.Booster) -> None:
    trees, asked = SumOfTrees(booster), rows(200)
    assert trees.predict(asked, threads=2).tobytes() == trees.predict(asked, threads=1).tobytes()


@pytest.mark.parametrize("threads", [1, 2])
def test_calls_at_once_do_not_mix(booster: lightgbm.Booster, threads: int) -> None:
    trees = SumOfTrees(booster)
    asked = [rows(150, seed) for seed in range(4)]
    expected = [trees.predict(one) for one in asked]

    def ask_often(i: int) -> list[npt.NDArray[np.float64]]:
        return [trees.predict(asked[i], threads=threads) for _ in range(60)]

    with ThreadPoolExecutor(len(asked)) as pool:
        for i, answers in enumerate(pool.map(ask_often, range(len(asked)))):
            assert all(answer.tobytes() == expected[i].tobytes() for answer in answers)


def test_another_number_of_columns_is_refused(booster: lightgbm.Booster) -> None:
    with pytest.raises(lightgbm.basic.LightGBMError, match="number of features"):
        SumOfTrees(booster).predict(np.zeros((2, COLUMNS + 1), np.float32))
