import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from segue.features.reference import MISSING, Bins, Reference, fit_bins, fit_reference
from segue.recommend.model import Bundle
from tests.small_catalogue import GENRES, Steps

NAN = np.float32(np.nan)


def test_ten_bins_of_equal_share_and_one_for_missing() -> None:
    values = np.append(np.arange(900, dtype=np.float32), np.full(100, NAN, np.float32))
    bins = fit_bins(values)
    assert len(bins.labels) == 11
    assert bins.labels[-1] == MISSING
    np.testing.assert_allclose(bins.shares, [0.09] * 10 + [0.1], atol=0.002)


def test_a_boundary_belongs_to_the_bin_above() -> None:
    bins = Bins(kind="range", edges=(1.0, 2.0), labels=("<1", "1..2", ">=2", MISSING))
    values = np.array([0.5, 1.0, 1.5, 2.0, 9.0, NAN], np.float32)
    assert bins.of(values).tolist() == [0, 1, 1, 2, 2, 3]


def test_few_values_are_counted_by_themselves() -> None:
    bins = fit_bins(np.array([0, 1, 1, 1], np.float32))
    assert bins.labels == ("0", "1", "other", MISSING)
    assert bins.shares == (0.25, 0.75, 0.0, 0.0)
    assert bins.count(np.array([1, 0.5, NAN], np.float32)).tolist() == [0, 1, 1, 1]


def test_a_feature_that_no_track_has() -> None:
    bins = fit_bins(np.full(5, NAN, np.float32))
    assert bins.count(np.array([1, NAN], np.float32)).tolist() == [1, 1]
    assert bins.shares == (0.0, 1.0)


@given(npst.arrays(np.float32, st.integers(1, 200), elements=st.floats(width=32)))
def test_every_value_lands_in_one_bin(values: np.ndarray) -> None:
    bins = fit_bins(values)
    assert bins.count(values).sum() == len(values)
    assert sum(bins.shares) == pytest.approx(1, abs=1e-4)


def test_the_reference_of_a_catalogue(small: Steps) -> None:
    bundle: Bundle = small.bundle()
    reference = fit_reference(
        bundle.transform, bundle.features, {"similarity": np.linspace(0, 1, 500, dtype=np.float32)}
    )
    assert set(reference.features) == set(bundle.transform.features)
    assert reference.features["genre"].labels[:4] == GENRES
    assert sum(reference.features["genre"].shares[:4]) == pytest.approx(1, abs=1e-4)
    assert len(reference.outputs["similarity"].labels) == 11
    assert Reference.model_validate_json(reference.model_dump_json()) == reference
