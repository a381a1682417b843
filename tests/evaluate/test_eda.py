from __future__ import annotations

import numpy as np
import pytest

from segue.evaluate import eda
from segue.evaluate.eda import correlate, explore

NAMES = ("energy", "loudness", "year", "mode", "genre")


@pytest.fixture
def table() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    energy = random.random(2000)
    year = random.integers(1960, 2020, 2000)
    features = np.column_stack(
        [
            energy,
            energy * 30 - 40 + random.normal(0, 3, 2000),
            year,
            np.ones(2000),
            random.integers(0, 9, 2000),
        ]
    ).astype(np.float32)
    popularity = (year - 1960 + random.normal(0, 5, 2000)).astype(np.float32)
    return features, popularity


def test_correlations_are_those_of_numpy(table) -> None:
    features, popularity = table
    found = explore(features, NAMES, popularity)
    assert found.names == ["energy", "loudness", "year", "popularity"]
    expected = np.corrcoef(np.column_stack([features[:, :3], popularity]).astype(np.float64).T)
    np.testing.assert_allclose(np.array(found.correlations), expected, atol=1e-4)


def test_a_code_of_a_genre_and_a_constant_are_left_out(table) -> None:
    features, popularity = table
    found = explore(features, NAMES, popularity)
    assert "genre" not in found.names
    assert "mode" not in found.names


def test_missing_values_are_left_out_pair_by_pair() -> None:
    random = np.random.default_rng(8)
    matrix = random.normal(size=(400, 3))
    matrix[:, 1] += matrix[:, 0]
    matrix[:150, 0] = np.nan
    matrix[300:, 1] = np.nan
    found = correlate(matrix)
    both = slice(150, 300)
    assert found[0, 1] == pytest.approx(np.corrcoef(matrix[both, 0], matrix[both, 1])[0, 1])
    assert found[0, 2] == pytest.approx(np.corrcoef(matrix[150:, 0], matrix[150:, 2])[0, 1])
    np.testing.assert_allclose(found, found.T)


def test_too_few_pairs_say_nothing() -> None:
    matrix = np.random.default_rng(1).random((100, 2))
    matrix[:80, 0] = np.nan
    assert np.isnan(correlate(matrix)[0, 1])
    assert np.isnan(correlate(matrix)[0, 0])
    assert correlate(matrix)[1, 1] == 1.0


def test_a_large_mean_costs_no_digits() -> None:
    random = np.random.default_rng(2)
    x = random.normal(size=5000)
    y = x + random.normal(size=5000)
    found = correlate(np.column_stack([2e8 + x * 1e-1, y]))
    assert found[0, 1] == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-6)


def test_a_constant_has_no_correlation_whatever_its_size() -> None:
    matrix = np.column_stack([np.full(300, 0.1), np.arange(300.0), np.full(300, 1e9 / 3)])
    found = correlate(matrix)
    assert np.isnan(found[0]).all()
    assert np.isnan(found[2]).all()


def test_decades_have_counts_and_mean_popularity(table) -> None:
    features, popularity = table
    features[:5, 2] = np.nan
    popularity[features[:, 2] < 1970] = np.nan
    found = explore(features, NAMES, popularity)
    assert [decade.start for decade in found.decades] == [1960, 1970, 1980, 1990, 2000, 2010]
    assert sum(decade.tracks for decade in found.decades) == 1995
    assert found.decades[0].popularity is None
    assert found.decades[-1].popularity == pytest.approx(54.5, abs=1.0)


def test_rows_are_bounded_and_spread_over_the_catalogue(table, monkeypatch) -> None:
    features, popularity = table
    monkeypatch.setattr(eda, "MAX_ROWS", 100)
    # the second half differs: a sample of the first rows alone would not see it
    features[1000:, 2] = 1925
    found = explore(features, NAMES, popularity)
    assert (found.tracks, found.rows) == (2000, 100)
    assert found.decades[0].start == 1920
    assert 45 <= found.decades[0].tracks <= 55
    assert explore(features, NAMES, popularity) == found


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_hardly_any_tracks_are_no_error(rows: int) -> None:
    found = explore(np.zeros((rows, 2), np.float32), ("energy", "year"), np.full(rows, np.nan, np.float32))
    assert found.rows == rows
    assert found.names == []
    assert found.correlations == []


def test_a_memory_map_is_read_as_it_is(table, tmp_path) -> None:
    features, popularity = table
    np.save(tmp_path / "features.npy", features)
    mapped = np.load(tmp_path / "features.npy", mmap_mode="r")
    assert explore(mapped, NAMES, popularity) == explore(features, NAMES, popularity)
