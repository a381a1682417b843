"""Finding a track by what a person calls it."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.errors import RequestError
from segue.recommend.model import Bundle
from segue.recommend.names import find_track
from tests.recommend.hand_made import Track, id_of, make_bundle

TITLES = ["Waterloo", "Water", "Waters", "Waterlo", "Fernando", "Xyz"]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    tracks = [Track(0, 0, 90 - 10 * row, "Abba", title=title) for row, title in enumerate(TITLES)]
    tracks += [
        Track(0, 0, 10, "Björk", title="Jóga"),
        Track(0, 0, 20, "Björk", title="Joga - Remastered 2011"),
        Track(0, 0, 5, "Waterloo", title="Abba Gold"),
        Track(0, 0, 5, "Cher", title="One - Two"),
    ]
    return make_bundle(tmp_path_factory.mktemp("names"), tracks)


def test_an_id_and_a_text_without_a_dash_are_taken_as_they_are(bundle: Bundle) -> None:
    assert find_track(bundle, id_of(3)) == id_of(3)
    assert find_track(bundle, "Waterloo") == "Waterloo"
    assert find_track(bundle, "Abba-Waterloo") == "Abba-Waterloo"


def test_an_artist_and_a_title_are_found_either_way_round(bundle: Bundle) -> None:
    assert find_track(bundle, "ABBA - fernando") == id_of(4)
    assert find_track(bundle, "fernando - ABBA") == id_of(4)
    # the first dash parts them
    assert find_track(bundle, "Cher - One - Two") == id_of(9)


def test_of_several_releases_the_most_popular_is_taken(bundle: Bundle) -> None:
    assert find_track(bundle, "bjork - joga") == id_of(7)


def test_a_title_that_an_artist_lacks_brings_the_three_nearest(bundle: Bundle) -> None:
    with pytest.raises(RequestError) as caught:
        find_track(bundle, "Abba - Waterloos")
    assert caught.value.field == "seeds"
    assert str(caught.value).endswith(
        "'Abba' has no track 'Waterloos'; did you mean Waterloo, Waterlo, Waters?"
    )


def test_a_title_like_none_brings_the_three_most_popular(bundle: Bundle) -> None:
    with pytest.raises(RequestError, match=r"did you mean Waterloo, Water, Waters\?$"):
        find_track(bundle, "Abba - qqqq")


def test_what_is_hardly_alike_is_not_what_was_meant(bundle: Bundle) -> None:
    # two letters of ten in common: under the 0.4 of a likely slip, so that the most popular are named
    with pytest.raises(RequestError, match=r"did you mean Waterloo, Water, Waters\?$"):
        find_track(bundle, "Abba - Fkkkkkno")
    with pytest.raises(RequestError, match=r"did you mean Fernando\?$"):
        find_track(bundle, "Abba - Fernkkkk")


def test_an_artist_whom_the_catalogue_lacks_leaves_an_unknown_seed(bundle: Bundle) -> None:
    assert find_track(bundle, "Nobody - Nothing") == "Nobody - Nothing"


def test_the_first_half_is_the_artist_where_both_could_be(bundle: Bundle) -> None:
    assert find_track(bundle, "Abba - Waterloo") == id_of(0)
    with pytest.raises(RequestError, match="'Waterloo' has no track 'Abba'; did you mean Abba Gold"):
        find_track(bundle, "Waterloo - Abba")


def test_an_id_that_holds_a_dash_is_an_id(tmp_path: Path) -> None:
    tracks = [Track(0, 0, artist="t000", title="x"), Track(0, 0, artist="B", title="y")]
    bundle = make_bundle(tmp_path, tracks)
    assert find_track(bundle, "t000 - x") == id_of(0)
