"""Two catalogues beside each other."""

import pytest

from segue.catalog.ingest import ingest
from segue.catalog.profile import Profile
from segue.evaluate.change import catalog_change
from segue.sample import generate


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Profile:
    root = tmp_path_factory.mktemp("change")
    generate(3_000, root)
    return ingest(str(root / "catalog.csv"), root / "ingested")


def _changed(profile: Profile, column: str, counts: list[int], missing: int) -> Profile:
    numeric = profile.numeric[column]
    histogram = numeric.histogram.model_copy(update={"counts": counts, "missing": missing})
    return profile.model_copy(
        update={
            "numeric": {**profile.numeric, column: numeric.model_copy(update={"histogram": histogram})},
            "missing": {**profile.missing, column: missing},
        }
    )


def test_nothing_moved(profile: Profile) -> None:
    change = catalog_change(profile, profile)
    assert change.rows == change.champion_rows == profile.rows_kept
    assert all(value is None or value < 0.01 for value in change.psi.values())
    assert set(change.missing_rise.values()) == {0.0}


def test_a_column_that_moved_is_seen(profile: Profile) -> None:
    counts = profile.numeric["energy"].histogram.counts
    change = catalog_change(_changed(profile, "energy", counts[::-1], 0), profile)
    assert (change.psi["energy"] or 0) > 0.25
    assert (change.psi["valence"] or 0) < 0.01


def test_values_that_went_missing_are_seen(profile: Profile) -> None:
    counts = profile.numeric["tempo"].histogram.counts
    before = profile.missing["tempo"]
    lost = profile.rows_kept // 2
    change = catalog_change(
        _changed(profile, "tempo", [count // 2 for count in counts], before + lost), profile
    )
    assert change.missing_rise["tempo"] == pytest.approx(0.5, abs=0.01)
    assert (change.psi["tempo"] or 0) > 0.25


def test_genres_that_one_catalogue_lacks_count_as_others(profile: Profile) -> None:
    largest = max(profile.genres, key=profile.genres.__getitem__)
    genres = {f"new {name}" if name == largest else name: count for name, count in profile.genres.items()}
    change = catalog_change(profile.model_copy(update={"genres": genres}), profile)
    assert (change.psi["genre"] or 0) < 0.05
    every = {f"new {name}": count for name, count in profile.genres.items()}
    other = catalog_change(profile.model_copy(update={"genres": every}), profile)
    assert other.psi["genre"] is not None
