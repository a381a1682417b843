"""Filters, on tracks that stand on both sides of each bound."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.recommend.filters import allowed_rows
from segue.recommend.model import Bundle
from segue.recommend.recommender import Recommender
from segue.recommend.request import Filters, Request
from tests.recommend.hand_made import NAN, Track, make_bundle

TRACKS = [
    Track(0.1, 0, 10, "Abba", "rap", 1989, 1),
    Track(0.2, 0, 20, "Björk", "metal", 1990, 0),
    Track(0.3, 0, 30, "Cher", None, 1995, NAN),
    Track(0.4, 0, NAN, "Abba", "ambient", 1999, 0),
    Track(0.5, 0, 50, "Dido", "rap", 2000, 1),
    Track(NAN, 0, 60, "Dido", "metal", NAN, 0),
]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(tmp_path_factory.mktemp("filters"), TRACKS)


def passing(bundle: Bundle, **filters: Any) -> list[int]:
    mask = allowed_rows(bundle, Request.parse({"seeds": ["any"], "filters": filters}).filters)
    assert mask is not None
    assert mask.shape == (len(TRACKS),)
    return [row for row, allowed in enumerate(mask.tolist()) if allowed]


def test_a_filter_keeps_its_first_and_its_last_year(bundle: Bundle) -> None:
    assert passing(bundle, year=[1990, 1999]) == [1, 2, 3]
    assert passing(bundle, year=[1990, 1990]) == [1]


def test_a_minimum_and_a_maximum_include_their_bound(bundle: Bundle) -> None:
    assert passing(bundle, min={"energy": 0.3}) == [2, 3, 4]
    assert passing(bundle, max={"energy": 0.3}) == [0, 1, 2]
    assert passing(bundle, min={"energy": 0.2}, max={"energy": 0.4}) == [1, 2, 3]


def test_a_bound_on_a_feature_that_is_newer_than_the_bundle_passes_nothing(bundle: Bundle) -> None:
    assert "tempo" not in bundle.definition.features
    assert passing(bundle, min={"tempo": 1}) == []


def test_popularity_is_bounded_by_the_catalogues_own(bundle: Bundle) -> None:
    assert passing(bundle, min={"popularity": 30}) == [2, 4, 5]
    assert passing(bundle, max={"popularity": 30}) == [0, 1, 2]


def test_a_genre_passes_whatever_its_case_and_an_unknown_one_passes_nothing(bundle: Bundle) -> None:
    assert passing(bundle, genres=["RAP", "ambient"]) == [0, 3, 4]
    assert passing(bundle, genres=["polka", "metal"]) == [1, 5]
    assert passing(bundle, genres=["polka"]) == []


def test_a_track_of_which_it_is_not_known_is_not_explicit(bundle: Bundle) -> None:
    assert passing(bundle, explicit=True) == [0, 4]
    assert passing(bundle, explicit=False) == [1, 2, 3, 5]


def test_excluded_artists_stay_out_whatever_their_case_and_accents(bundle: Bundle) -> None:
    assert passing(bundle, exclude_artists=["ABBA", "bjork", "nobody"]) == [2, 4, 5]
    assert passing(bundle, exclude_artists=["nobody"]) == [0, 1, 2, 3, 4, 5]


def test_a_track_must_pass_every_filter(bundle: Bundle) -> None:
    assert passing(bundle, year=[1989, 2000], genres=["rap"], min={"popularity": 20}) == [4]


def test_no_filter_narrows_nothing(bundle: Bundle) -> None:
    assert allowed_rows(bundle, Filters()) is None


@given(
    low=st.integers(1988, 2001),
    span=st.integers(0, 12),
    least=st.none() | st.sampled_from([5.0, 20.0, 30.0, 61.0]),
    most=st.none() | st.sampled_from([10.0, 30.0, 60.0]),
    genres=st.lists(st.sampled_from(["rap", "metal", "ambient"]), max_size=2),
    artist=st.none() | st.sampled_from(["abba", "dido"]),
)
def test_a_track_passes_where_each_of_its_values_does(
    *,
    bundle: Bundle,
    low: int,
    span: int,
    least: float | None,
    most: float | None,
    genres: list[str],
    artist: str | None,
) -> None:
    def passes(track: Track) -> bool:
        missing = math.isnan(track.popularity)
        return (
            low <= track.year <= low + span
            and (least is None or (not missing and track.popularity >= least))
            and (most is None or (not missing and track.popularity <= most))
            and (not genres or track.genre in genres)
            and track.artist.lower() != artist
        )

    filters: dict[str, Any] = {"year": [low, low + span], "genres": genres}
    filters["min"] = {} if least is None else {"popularity": least}
    filters["max"] = {} if most is None else {"popularity": most}
    filters["exclude_artists"] = [artist] if artist else []
    assert passing(bundle, **filters) == [row for row, track in enumerate(TRACKS) if passes(track)]


def test_a_filter_reaches_the_answer(tmp_path: Path) -> None:
    recommender = Recommender(make_bundle(tmp_path, TRACKS))
    request = Request.parse({"seeds": ["t000"], "filters": {"year": [1990, 1999]}, "max_per_artist": 9})
    (answer,) = recommender.recommend([request], None)
    assert [item.track_id for item in answer.items] == ["t001", "t002", "t003"]
