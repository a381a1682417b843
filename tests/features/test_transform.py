import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.errors import RequestError
from segue.features.fit import fit_transform, genre_vocabulary
from segue.features.transform import CLIP, FEATURES, FeatureTransform

KEY, TEMPO, GENRE = FEATURES.index("key"), FEATURES.index("tempo"), FEATURES.index("genre")


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    random = np.random.default_rng(0)
    rows = random.random((2_000, len(FEATURES))).astype(np.float32)
    rows[:, KEY] = random.integers(0, 12, 2_000)
    rows[:, TEMPO] = random.uniform(60, 180, 2_000)
    rows[:, FEATURES.index("year")] = random.integers(1960, 2024, 2_000)
    rows[:, GENRE] = random.integers(0, 3, 2_000)
    rows[:, 0] += rows[:, GENRE]
    return rows


@pytest.fixture(scope="module")
def transform(features: np.ndarray) -> FeatureTransform:
    return fit_transform(features, ("metal", "rap", "salsa"), np.ones(2_000, bool))


def _one(transform: FeatureTransform, **values: float | str) -> np.ndarray:
    return transform.embed(transform.row(values)[None, :])[0]


def _columns(transform: FeatureTransform, feature: str) -> list[int]:
    return [i for i, name in enumerate(transform.column_features()) if name == feature]


def test_every_column_is_standardised_times_its_weight(
    features: np.ndarray, transform: FeatureTransform
) -> None:
    embedded = transform.embed(features)
    start = 0
    for term in transform.terms:
        columns = embedded[:, start : start + term.width]
        np.testing.assert_allclose(columns.mean(axis=0), 0, atol=0.02)
        np.testing.assert_allclose(columns.std(axis=0), term.weight, rtol=0.05)
        start += term.width


def test_keys_a_fifth_apart_are_nearest(transform: FeatureTransform) -> None:
    c, g, f_sharp = (_one(transform, key=key) for key in (0, 7, 6))
    assert np.linalg.norm(c - g) < 0.5 * np.linalg.norm(c - f_sharp)


def test_half_the_tempo_has_the_same_beat(transform: FeatureTransform) -> None:
    beat = _columns(transform, "tempo")[1:]
    np.testing.assert_allclose(_one(transform, tempo=70)[beat], _one(transform, tempo=140)[beat], atol=1e-5)


def test_a_missing_value_stands_at_the_mean(transform: FeatureTransform) -> None:
    assert not _one(transform).any()
    known = _one(transform, energy=0.9)
    assert np.flatnonzero(known).tolist() == _columns(transform, "energy")


def test_tracks_of_one_genre_are_nearer(transform: FeatureTransform) -> None:
    metal, rap = _one(transform, genre="metal"), _one(transform, genre="Rap ")
    assert np.linalg.norm(metal - rap) > 1
    assert not _one(transform, genre="polka").any()


def test_only_training_tracks_are_looked_at(features: np.ndarray, transform: FeatureTransform) -> None:
    training = np.arange(2_000) < 1_500
    fitted = fit_transform(features, ("metal", "rap", "salsa"), training)
    changed = features.copy()
    changed[1_500:] *= 100
    assert fit_transform(changed, ("metal", "rap", "salsa"), training) == fitted
    assert fitted != transform


def test_json_keeps_every_bit(features: np.ndarray, transform: FeatureTransform) -> None:
    again = FeatureTransform.model_validate_json(transform.model_dump_json())
    np.testing.assert_array_equal(again.embed(features), transform.embed(features))


def test_blocks_cover_the_embedding(transform: FeatureTransform) -> None:
    assert [block.name for block in transform.blocks] == ["sound", "era", "genre"]
    ends = [block.start + block.width for block in transform.blocks]
    assert [block.start for block in transform.blocks] == [0, *ends[:-1]]
    assert ends[-1] == transform.dimensions == len(transform.column_features())


def test_chunks_change_nothing(features: np.ndarray, transform: FeatureTransform) -> None:
    np.testing.assert_array_equal(transform.standardise(features, chunk=7), transform.standardise(features))


@given(st.lists(st.one_of(st.none(), st.floats(-1e30, 1e30)), min_size=15, max_size=15))
def test_whatever_the_values_the_embedding_is_finite_and_bounded(values: list[float | None]) -> None:
    transform = _TRANSFORM
    row = np.array([[math.nan if value is None else value for value in values] + [math.nan]], np.float32)
    embedded = transform.embed(row)
    assert np.isfinite(embedded).all()
    assert np.abs(embedded).max() <= CLIP * max(term.weight for term in transform.terms) + 1e-4


_TRANSFORM = fit_transform(
    np.random.default_rng(1).random((500, len(FEATURES))).astype(np.float32) * 3,
    (),
    np.ones(500, bool),
)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"enrgy": 1.0}, "features.enrgy"),
        ({"energy": "loud"}, "features.energy"),
        ({"energy": math.inf}, "features.energy"),
    ],
)
def test_a_wrong_feature_is_named(transform: FeatureTransform, values: dict[str, float], field: str) -> None:
    with pytest.raises(RequestError) as caught:
        transform.row(values)
    assert caught.value.field == field


def test_rare_genres_get_no_code() -> None:
    assert genre_vocabulary(["rap", None, "polka", "metal"], [50, 900, 3, 20]) == ("metal", "rap")
