"""A bundle in Python, as a data scientist uses it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import segue
from segue.api.model import SeedLike
from segue.errors import BundleError, RequestError, UnknownSeeds
from segue.recommend.recommender import Recommender
from segue.recommend.request import Request, Seed
from tests.small_catalogue import Steps


@pytest.fixture(scope="module")
def model(small_champion: str) -> segue.Model:
    return segue.open(small_champion)


def test_a_list_is_that_of_the_service(model: segue.Model, small: Steps) -> None:
    request = Request.parse({"seeds": ["id000007"], "k": 5, "filters": {"year": [1990, 2010]}})
    served = Recommender(small.bundle()).recommend([request], small.ranker())[0]
    listed = model.recommend("id000007", k=5, year=(1990, 2010))
    assert list(listed) == served.items
    assert listed[0].rank == 1
    assert len(listed) == 5


@pytest.mark.parametrize(
    "seeds",
    [
        ["id000007", {"artist": "Artist 1", "weight": 0.5}],
        ("id000007", Seed(artist="Artist 1", weight=0.5)),
        [{"track_id": "id000007"}, {"artist": "Artist 1", "weight": 0.5}],
    ],
)
def test_seeds_may_be_texts_mappings_or_objects(model: segue.Model, seeds: list[SeedLike]) -> None:
    expected = model.recommend([Seed(track_id="id000007"), Seed(artist="Artist 1", weight=0.5)])
    assert list(model.recommend(seeds)) == list(expected)


def test_a_list_is_a_data_frame_with_names_and_scores(model: segue.Model) -> None:
    listed = model.recommend("Artist 0 - Twice", k=4)
    frame = listed.to_pandas()
    assert list(frame.columns[:6]) == ["rank", "track_id", "track_name", "artist_name", "year", "genre"]
    assert frame["rank"].tolist() == [1, 2, 3, 4]
    assert frame["track_id"].tolist() == [item.track_id for item in listed]
    assert frame["score"].tolist() == [item.score for item in listed]
    whole = model.tracks.to_pandas().set_index("track_id")
    assert frame["year"].tolist() == whole.loc[frame["track_id"], "year"].tolist()
    assert "Artist" in repr(listed)
    assert "<table" in listed._repr_html_()


def test_tracks_are_a_data_frame_with_their_features(model: segue.Model, small: Steps) -> None:
    bundle = small.bundle()
    frame = model.tracks.to_pandas()
    assert len(frame) == len(model.tracks) == bundle.size
    assert frame["track_id"].tolist() == model.tracks.ids
    assert np.array_equal(frame["energy"], bundle.feature("energy"), equal_nan=True)
    assert frame["genre"].notna().sum() == sum(model.genres.values())
    assert {"recording", "artist"}.isdisjoint(frame.columns)
    near = model.recommend("id000007", k=3).tracks
    assert near.embedding.shape == (3, bundle.embedding.shape[1])


def test_a_search_gives_tracks_best_match_first(model: segue.Model) -> None:
    found = model.search("artist 0 twice", limit=3)
    assert found.to_pandas()["artist_name"].tolist() == ["Artist 0"] * 3
    assert len(model.search(artist="nobody of that name")) == 0


def test_features_may_stand_in_for_seeds(model: segue.Model) -> None:
    listed = model.recommend(features={"energy": 0.9, "tempo": 140.0}, k=3)
    assert len(listed) == 3


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"yaer": (1, 2)}, "yaer: there is no such rule; did you mean year?"),
        ({"zzzz": 1}, "there are candidates, diversity"),
        ({"k": 1000}, "k: Input should be less than or equal to 100, got 1000"),
        ({"year": (2000, 1990)}, "filters.year: "),
        ({"min": {"loud": 1}}, "'loud' is not a numeric column"),
    ],
)
def test_a_wrong_rule_is_named(model: segue.Model, rules: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError) as caught:
        model.recommend("id000007", **rules)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("seed", "words"),
    [
        ("Artst 0 - Twice", "did you mean Artist 0 - Twice"),
        ({"artist": "Artst 1"}, "did you mean Artist 1"),
        ({"genre": "metall"}, "did you mean metal?"),
        ({"genre": "qqqq"}, "`segue genres` lists"),
    ],
)
def test_an_unknown_seed_brings_what_is_near(model: segue.Model, seed: object, words: str) -> None:
    with pytest.raises(UnknownSeeds) as caught:
        model.recommend(seed)  # type: ignore[arg-type]
    assert words in str(caught.value)


def test_a_bundle_that_is_not_there_is_an_error_of_segue(tmp_path: object) -> None:
    with pytest.raises(BundleError):
        segue.open(f"{tmp_path}/nothing")


def test_importing_segue_loads_neither_faiss_nor_lightgbm() -> None:
    heavy = {"faiss", "lightgbm", "numpy", "pandas", "pyarrow"}
    code = f"import segue, sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"
    assert {"open", "train", "Model"} <= set(dir(segue))
    with pytest.raises(AttributeError, match="nothing_such"):
        segue.nothing_such  # type: ignore[attr-defined]  # noqa: B018
