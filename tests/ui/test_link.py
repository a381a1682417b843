"""A list as a link, and back; whatever a browser sends."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.recommend.request import Request
from serving.ui.link import from_params, to_params
from serving.ui.query import BOUNDS, MAX_K, WEIGHTS, PageQuery, PageSeed
from serving.ui.sound import SLIDERS

NAMES = st.text(min_size=1, max_size=40)
SEEDS = st.lists(
    st.builds(PageSeed, st.sampled_from(["track", "artist", "genre"]), NAMES, st.sampled_from(WEIGHTS)),
    max_size=10,
    unique_by=lambda seed: (seed.kind, seed.value),
)
HUNDREDTHS = st.integers(0, 100).map(lambda number: number / 100)


def in_order_of_kind(seeds: list[PageSeed]) -> tuple[PageSeed, ...]:
    return tuple(sorted(seeds, key=lambda seed: ("track", "artist", "genre").index(seed.kind)))


@st.composite
def queries(draw: st.DrawFn) -> PageQuery:
    ranges = {}
    for name in draw(st.sets(st.sampled_from(sorted(BOUNDS)))):
        low, high = BOUNDS[name]
        ends = sorted(draw(st.tuples(st.integers(0, 100), st.integers(0, 100))))
        pair = tuple(float(f"{low + (high - low) * end / 100:g}") for end in ends)
        if pair != BOUNDS[name]:
            ranges[name] = pair
    return PageQuery(
        seeds=in_order_of_kind(draw(SEEDS)),
        k=draw(st.integers(1, MAX_K)),
        popularity_weight=draw(st.none() | HUNDREDTHS),
        diversity=draw(HUNDREDTHS),
        max_per_artist=draw(st.integers(1, MAX_K)),
        clean=draw(st.booleans()),
        genres=tuple(draw(st.lists(NAMES, max_size=3))),
        ranges=ranges,  # type: ignore[arg-type]
    )


@given(queries())
def test_it_brings_back_the_same_query(query: PageQuery) -> None:
    assert from_params(to_params(query)) == (query, ())


@given(queries().filter(lambda query: query.asks_for_something))
def test_it_is_a_request_that_the_library_takes(query: PageQuery) -> None:
    request = Request.parse(query.to_instance())
    assert [(seed.weight) for seed in request.seeds] == [seed.weight for seed in query.seeds]
    assert request.k == query.k
    assert request.explain


@given(
    st.dictionaries(
        st.sampled_from(["seed", "k", "year", "energy", "only", "sound.tempo", "x", ""]),
        st.lists(st.text(), min_size=1),
    )
)
def test_it_takes_anything_from_an_address_without_failing(params: dict[str, list[str]]) -> None:
    query, ignored = from_params(params)
    assert set(ignored) <= set(params)
    if query.asks_for_something:
        Request.parse(query.to_instance())


def test_it_leaves_out_what_is_as_by_default() -> None:
    assert to_params(PageQuery(seeds=(PageSeed("track", "id1"),))) == {"seed": ["id1"]}


def test_it_writes_weights_and_ranges_as_the_command_line_does() -> None:
    query = PageQuery(
        seeds=(PageSeed("track", "ID", -0.5), PageSeed("artist", "M@x")), ranges={"year": (1955.0, 1969.0)}
    )
    assert to_params(query) == {"seed": ["ID@-0.5"], "artist": ["M@x@1"], "year": ["1955-1969"]}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("k", "0"),
        ("k", "ten"),
        ("k", "1e99"),
        ("diversity", "nan"),
        ("popularity", "1.5"),
        ("year", "1990"),
        ("year", "1999-1990"),
        ("energy", "-1-2"),
        ("seed", "id@0"),
        ("seed", "@2"),
        ("sound.key", "12"),
        ("sound.colour", "1"),
        ("colour", "blue"),
    ],
)
def test_it_names_what_it_can_not_read_and_keeps_the_rest(name: str, text: str) -> None:
    query, ignored = from_params({name: [text], "genre": ["jazz"]})
    assert ignored == (name,)
    assert PageSeed("genre", "jazz") in query.seeds


def test_it_brings_back_a_sound() -> None:
    sound: dict[str, Any] = {name: slider.high for name, slider in SLIDERS.items()} | {"genre": "jazz"}
    query, ignored = from_params(to_params(PageQuery(sound=sound)))
    assert (dict(query.sound), ignored) == (sound, ())
    request = Request.parse(query.to_instance())
    assert request.features == sound


def test_it_steps_weights_and_stops_at_the_ends() -> None:
    seed = PageSeed("track", "a")
    assert [seed.moved(steps).weight for steps in (-4, -3, -1, 0, 1, 9)] == [-1.0, -1.0, 0.5, 1.0, 2.0, 2.0]
    assert PageSeed("track", "a", 7.5).moved(-1).weight == 1.0
