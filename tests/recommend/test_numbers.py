"""Whatever number a request holds: a list with finite scores, or an error that names the field."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue import steps
from segue.errors import RequestError
from segue.recommend.model import Bundle
from segue.recommend.recommender import Recommender
from segue.recommend.request import MAX_WEIGHT, MIN_WEIGHT, Request
from segue.recommend.rerank import LocalRanker
from segue.sample import generate
from segue.steps.assemble import collect
from tests.numbers import EDGES, FEW_EDGES, NUMBERS, PLACES, Place, as_json, numbers_in

ALL_EDGES = [sign * number for number in EDGES for sign in (1, -1)]


@dataclass(frozen=True)
class Library:
    """A bundle, opened, and a seed of each kind that it has."""

    recommender: Recommender
    ranker: LocalRanker
    known: Mapping[str, str]


def _library(recommender: Recommender, ranker: LocalRanker) -> Library:
    bundle = recommender.bundle
    known = {
        "track_id": bundle.value("track_id", 7),
        "artist": bundle.value("artist_name", 7),
        "genre": bundle.transform.genres[0],
    }
    return Library(recommender, ranker, {kind: str(value) for kind, value in known.items()})


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """A bundle that learned from playlists: another metric, and a relevance model."""
    root = tmp_path_factory.mktemp("learned")
    sample = generate(2_500, root / "sample")
    tracks, features, model, index = (root / name for name in ("tracks", "features", "model", "index"))
    steps.ingest(str(sample.catalog), tracks, interactions=str(sample.playlists))
    steps.preprocess(tracks, features)
    quick = {"rounds": 10, "threads": 1, "relevance_rounds": 10, "max_queries": 200}
    steps.train(features, model, settings=quick)
    steps.build_index(model, features, index)
    definition, parts = collect(preprocessed=features, trained=model, indexed=index, catalog_profile="0" * 64)
    assert {booster.name for booster in definition.boosters} == {"popularity", "relevance"}
    bundle = Bundle(definition, parts.__getitem__)
    return _library(Recommender(bundle), LocalRanker(definition, parts.__getitem__))


@pytest.fixture(scope="module", params=["plain", "learned"])
def library(request: pytest.FixtureRequest) -> Library:
    if request.param == "learned":
        return request.getfixturevalue("learned")  # type: ignore[no-any-return]
    return _library(request.getfixturevalue("recommender"), request.getfixturevalue("ranker"))


def _names(error: RequestError, place: Place) -> bool:
    """Whether an error names the place, or what it is within."""
    return error.field.startswith(place.field) or place.field.startswith(error.field)


def _ask(library: Library, instance: Mapping[str, Any]) -> dict[str, Any] | RequestError:
    """The answer as JSON, or the error; a warning of numpy fails the test."""
    try:
        # as it comes over a wire: orjson reads what is larger than 64 bits as a double
        request = Request.parse(orjson.loads(as_json(instance)))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            answer = library.recommender.recommend([request], library.ranker)[0]
    except RequestError as error:
        return error
    written: dict[str, Any] = orjson.loads(orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY))
    return written


def _is_whole(answer: Mapping[str, Any]) -> bool:
    """Whether an answer has a list or a reason, and finite numbers alone; orjson writes others as null."""
    scored = all(item["score"] is not None for item in answer["items"])
    return (
        scored and bool(answer["items"] or answer["reason"]) and all(map(math.isfinite, numbers_in(answer)))
    )


def check(library: Library, name: str, number: float) -> None:
    """Ask with that number at that place."""
    place = PLACES[name]
    answer = _ask(library, {"explain": True, "k": 5, **place.instance(number, library.known)})
    good = _names(answer, place) if isinstance(answer, RequestError) else _is_whole(answer)
    assert good, (name, number, answer)


# Columns that the transform treats as it treats another one; the next test draws from all of them.
ALIKE = ("danceability", "speechiness", "acousticness", "instrumentalness", "liveness", "valence", "mode")


@pytest.mark.parametrize("name", [name for name in PLACES if not name.endswith(ALIKE)])
def test_every_edge_is_a_list_or_an_error_that_names_the_field(library: Library, name: str) -> None:
    for number in ALL_EDGES if "weight" in name else FEW_EDGES:
        check(library, name, number)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_number_is_a_list_or_an_error_that_names_the_field(
    recommender: Recommender, ranker: LocalRanker, data: st.DataObject
) -> None:
    check(
        _library(recommender, ranker),
        data.draw(st.sampled_from(sorted(PLACES)), "place"),
        data.draw(NUMBERS, "number"),
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(NUMBERS, min_size=2, max_size=6))
def test_weights_of_any_size_beside_each_other_give_a_list_or_name_the_seed(
    recommender: Recommender, ranker: LocalRanker, weights: list[float]
) -> None:
    ids = recommender.bundle.columns["track_id"].to_pylist()
    seeds = [{"track_id": ids[row], "weight": weight} for row, weight in enumerate(weights)]
    answer = _ask(_library(recommender, ranker), {"seeds": seeds, "explain": True})
    if isinstance(answer, RequestError):
        assert answer.field.startswith("seeds"), str(answer)
    else:
        assert _is_whole(answer)
        assert len(answer["items"]) == 10


@pytest.mark.parametrize("weight", [MIN_WEIGHT, MAX_WEIGHT])
@pytest.mark.parametrize("kind", ["track_id", "artist", "genre"])
def test_a_weight_alone_changes_nothing(library: Library, kind: str, weight: float) -> None:
    seed = {kind: library.known[kind]}
    one, other = (
        library.recommender.recommend([Request.parse({"seeds": [given]})], library.ranker)[0]
        for given in (seed, {**seed, "weight": weight})
    )
    assert [item.track_id for item in one.items] == [item.track_id for item in other.items]


@pytest.mark.parametrize(
    "number", [10**400, -(10**5_000), math.inf, math.nan], ids=["long", "longer", "inf", "nan"]
)
@pytest.mark.parametrize(
    "name", ["weight of a track_id", "min of energy", "feature energy", "k", "first year"]
)
def test_a_number_that_only_python_can_say_is_named_too(name: str, number: float) -> None:
    place = PLACES[name]
    with pytest.raises(RequestError) as caught:
        Request.parse(place.instance(number, {"track_id": "id1"}))
    assert _names(caught.value, place)
