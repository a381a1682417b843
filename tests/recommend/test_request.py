import contextlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.errors import RequestError
from segue.recommend.request import MAX_NUMBER, MAX_WEIGHT, MIN_WEIGHT, Request

GOOD: dict[str, Any] = {"seeds": ["id1"]}
# as deep as orjson reads, deeper than Python writes
NESTED = orjson.loads("[" * 990 + "]" * 990)


def test_the_instance_of_the_documentation_is_understood() -> None:
    request = Request.parse(
        {
            "seeds": [
                "id1",
                {"track_id": "id2", "weight": -0.5},
                {"artist": "Nina Simone"},
                {"genre": "jazz"},
            ],
            "features": None,
            "k": 10,
            "candidates": 200,
            "filters": {
                "genres": ["rock"],
                "year": [1990, 1999],
                "exclude_artists": [],
                "exclude_tracks": [],
                "explicit": None,
                "min": {"energy": 0.4},
                "max": {},
            },
            "target": {"valence": 0.8},
            "popularity_weight": None,
            "diversity": 0.0,
            "max_per_artist": 2,
            "explain": False,
        }
    )
    assert [seed.label for seed in request.seeds] == ["id1", "id2", "artist:Nina Simone", "genre:jazz"]
    assert request.seeds[1].weight == -0.5
    assert request.filters.year == (1990, 1999)
    assert request.filters.narrows
    assert not Request.parse(GOOD).filters.narrows


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"k": 0}, "k", "greater than or equal to 1, got 0"),
        ({"k": 101}, "k", "less than or equal to 100, got 101"),
        ({"k": "10"}, "k", "valid integer, got '10'"),
        ({"k": True}, "k", "valid integer"),
        ({"candidates": 1001}, "candidates", "1000"),
        ({"limit": 5}, "limit", "no such field; expected one of seeds, features, k, candidates"),
        ({"seeds": [{"genre": "jazz", "wight": 2}]}, "seeds[0].wight", "one of track_id, artist, genre"),
        ({"filters": {"genre": "jazz"}}, "filters.genre", "no such field; expected one of genres, year"),
        ({"seeds": "id1"}, "seeds", "list"),
        ({"seeds": [7]}, "seeds[0]", ""),
        ({"seeds": ["id1", {"track_id": "x", "artist": "y"}]}, "seeds[1]", "exactly one of"),
        ({"seeds": ["id1", {"weight": 1.0}]}, "seeds[1]", "exactly one of"),
        ({"seeds": [{"track_id": "x", "weight": 0}]}, "seeds[0].weight", "must not be 0"),
        ({"seeds": [{"track_id": "x", "weight": 1e-320}]}, "seeds[0].weight", "at least 1e-06 in magnitude"),
        ({"seeds": [{"genre": "x", "weight": -1e-7}]}, "seeds[0].weight", "in magnitude, got -1e-07"),
        ({"filters": {"year": [1999, 1e39]}}, "filters.year[1]", "between -3.4e+38 and 3.4e+38, got 1e+39"),
        ({"filters": {"min": {"energy": -1e39}}}, "filters.min.energy", "got -1e+39"),
        ({"target": {"tempo": 1e300}}, "target.tempo", "got 1e+300"),
        ({"features": {"tempo": 1e39}}, "features.tempo", "between -3.4e+38 and 3.4e+38, got 1e+39"),
        ({"features": {"tempo": float("nan")}}, "features.tempo", "got nan"),
        ({"features": {"tempo": NESTED}}, "features.tempo", "true, false or null, got [[[[[[[...]]]]]]]"),
        ({"k": NESTED}, "k", "valid integer"),
        ({"features": {str(i): [] for i in range(101)}}, "features", "at most 100 keys, got 101"),
        ({"target": {str(i): [] for i in range(50_000)}}, "target", "at most 100 keys, got 50000"),
        ({"filters": {"max": {str(i): 0 for i in range(101)}}}, "filters.max", "at most 100 keys"),
        ({"filters": {str(i): 0 for i in range(101)}}, "filters", "at most 100 keys, got 101"),
        ({"seeds": [{str(i): 0 for i in range(101)}]}, "seeds[0]", "at most 100 keys, got 101"),
        ({str(i): 0 for i in range(101)}, "body", "at most 100 keys, got 102"),
        ({"features": {"tempo": [120]}}, "features.tempo", "expected a number, a text, true, false or null"),
        ({"seeds": [""]}, "seeds[0].track_id", "at least 1 character"),
        ({"seeds": []}, "seeds", "at least one seed of positive weight"),
        ({"seeds": [{"track_id": "x", "weight": -1.0}]}, "seeds", "at least one seed of positive weight"),
        ({"filters": {"year": [1999, 1990]}}, "filters.year", "[first, last]"),
        ({"filters": {"year": [1999]}}, "filters.year[1]", "required"),
        ({"filters": {"min": {"enrgy": 0.1}}}, "filters.min", "'enrgy' is not a numeric column"),
        ({"filters": {"min": {"energy": "loud"}}}, "filters.min.energy", "got 'loud'"),
        ({"filters": {"max": {"energy": float("nan")}}}, "filters.max.energy", "finite"),
        ({"target": {"genre": 1.0}}, "target", "'genre'"),
        ({"diversity": 1.5}, "diversity", "1.5"),
        ({"explain": "yes"}, "explain", "'yes'"),
    ],
)
def test_a_bad_field_is_named(change: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(RequestError) as caught:
        Request.parse({**GOOD, **change})
    assert caught.value.field == field
    assert words in str(caught.value)


def test_with_several_instances_the_path_says_which() -> None:
    with pytest.raises(RequestError, match=r"^instances\[3\]\.k: "):
        Request.parse({"seeds": ["a"], "k": 0}, prefix="instances[3]")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(list(Request.model_fields)), JSON) | JSON)
def test_anything_is_a_request_or_a_request_error(value: Any) -> None:
    with contextlib.suppress(RequestError):
        Request.parse(value)


@pytest.mark.parametrize(
    ("instance", "said"),
    [
        ({"seeds": [{"genre": "x", "weight": -0.0}]}, "seeds[0].weight: must not be 0, and at least 1e-06"),
        ({**GOOD, "k": 1.5}, "k: Input should be a valid integer, got 1.5"),
        (
            {**GOOD, "explain": 2**2000},
            "explain: Input should be a valid boolean, got an integer of 2001 bit",
        ),
        ({**GOOD, "explain": 2**40}, "explain: Input should be a valid boolean, got 1099511627776"),
        ({**GOOD, "filters": {"year": {}}}, "filters.year: Input should be a valid tuple"),
        ({**GOOD, "features": {"key": 2**1024}}, "features.key: expected a number between -3.4e+38 and 3.4e"),
        ({"k": 3}, "seeds: expected at least one seed of positive weight, or features"),
        ([], "body: Input should be a valid dictionary or instance of Request"),
        (
            {**GOOD, "seeds": [{"genre": "x", "artist": "y"}]},
            "seeds[0]: expected exactly one of track_id, ar",
        ),
        ({**GOOD, "seeds": [{}]}, "seeds[0]: expected exactly one of track_id, artist, genre, got none"),
    ],
)
def test_an_error_says_what_was_seen_and_what_was_expected(instance: Any, said: str) -> None:
    with pytest.raises(RequestError) as caught:
        Request.parse(instance)
    assert str(caught.value).startswith(said), str(caught.value)


@pytest.mark.parametrize(
    ("instance", "said"),
    [
        ({**GOOD, "seeds": {"a": 1}}, "seeds: Input should be a valid list"),
        ({**GOOD, "filters": {"year": {"a": 1}}}, "filters.year: Input should be a valid tuple"),
        ({**GOOD, "filters": {"year": [2, 1]}}, "filters.year: expected [first, last], got [2.0, 1.0]"),
        (
            {"seeds": [{"genre": "x", "weight": 0}]},
            "seeds[0].weight: must not be 0, and at least 1e-06 in magnitude, got 0.0",
        ),
    ],
)
def test_what_was_seen_is_said_once_and_an_object_or_a_list_is_not_repeated(instance: Any, said: str) -> None:
    with pytest.raises(RequestError) as caught:
        Request.parse(instance)
    assert str(caught.value) == said


def test_what_is_shown_of_a_value_is_at_most_sixty_characters() -> None:
    def shown(value: list[str]) -> str:
        with pytest.raises(RequestError) as caught:
            Request.parse({"features": {"tempo": value}})
        return str(caught.value).split("got ")[1]

    assert shown(["abcdefghij"] * 6) == "['abcdefghij', 'abcdefghij', 'abcdefghij', 'abcdefghij', 'a…"
    # sixty characters as they stand
    assert shown(["abcdefgh"] * 5) == str(["abcdefgh"] * 5)


def test_the_bounds_themselves_are_allowed() -> None:
    at = Request.parse(
        {
            "seeds": [{"track_id": "a", "weight": MAX_WEIGHT}, {"track_id": "b", "weight": -MIN_WEIGHT}],
            "features": {"tempo": MAX_NUMBER, "energy": -MAX_NUMBER, **{str(i): None for i in range(98)}},
            "filters": {"min": {"energy": -MAX_NUMBER}, "year": [2000, 2000]},
            "k": 100,
        }
    )
    assert at.features is not None
    assert len(at.features) == 100
    assert at.filters.narrows
    for weight in (MIN_WEIGHT, -MAX_WEIGHT):
        assert Request.parse({"seeds": ["x", {"genre": "g", "weight": weight}]}).seeds[1].weight == weight
    with pytest.raises(RequestError, match="at most 100 keys, got 101"):
        Request.parse({"features": {str(i): None for i in range(101)}})


def test_a_prefix_stands_before_every_path() -> None:
    def field(value: Any) -> str:
        with pytest.raises(RequestError) as caught:
            Request.parse(value, prefix="instances[3]")
        return caught.value.field

    assert field([]) == "instances[3]"
    assert field({"k": 1}) == "instances[3].seeds"
    assert field({**GOOD, "filters": {"year": [1, "x"]}}) == "instances[3].filters.year[1]"
    assert field({"seeds": [{"genre": "x", "artist": "y"}]}) == "instances[3].seeds[0]"
    assert field({**GOOD, "nothing": 1}) == "instances[3].nothing"


def test_a_field_that_is_none_is_answered_with_those_that_are() -> None:
    def expected(value: Any) -> str:
        with pytest.raises(RequestError, match="there is no such field; expected one of") as caught:
            Request.parse(value)
        return str(caught.value).split("expected one of ")[1]

    assert expected({**GOOD, "nothing": 1}) == ", ".join(Request.model_fields)
    assert expected({"seeds": [{"genre": "x", "nothing": 1}]}) == "track_id, artist, genre, weight"
    filters = "genres, year, exclude_artists, exclude_tracks, explicit, min, max"
    assert expected({**GOOD, "filters": {"nothing": 1}}) == filters
