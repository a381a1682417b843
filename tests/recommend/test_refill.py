"""Lists are full wherever the catalogue can fill them under the rules, and else say why not."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segue.recommend.model import Bundle
from segue.recommend.recommender import Recommender
from segue.recommend.request import Request
from tests.recommend.hand_made import Track, id_of, make_bundle


def answer_of(bundle: Bundle, **instance: Any) -> Any:
    return Recommender(bundle).recommend([Request.parse(instance)], None)[0]


@pytest.fixture(scope="module")
def prolific(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """300 tracks of one artist around the seed, and of twelve others far from it, by distance."""
    own = [Track(step / 1000, 0, 50, "Prolific") for step in range(300)]
    others = [Track(5 + step, 0, 50, f"Other {step // 2:02}") for step in range(24)]
    return make_bundle(tmp_path_factory.mktemp("prolific"), [*own, *others])


def test_an_artist_who_fills_the_pool_leaves_room_for_others(prolific: Bundle) -> None:
    answer = answer_of(prolific, seeds=[id_of(0)], k=8, max_per_artist=2)
    assert [item.track_id for item in answer.items] == [
        id_of(row) for row in (1, 2, 300, 301, 302, 303, 304, 305)
    ]
    assert answer.reason is None


@pytest.mark.parametrize("diversity", [0.0, 0.5, 1.0])
def test_a_diverse_list_is_full_too(prolific: Bundle, diversity: float) -> None:
    answer = answer_of(prolific, seeds=[id_of(0)], k=13, max_per_artist=1, diversity=diversity)
    assert len(answer.items) == 13
    assert max(Counter(item.artist_name for item in answer.items).values()) == 1


def test_a_pool_of_many_artists_stays_as_it_was(prolific: Bundle) -> None:
    request = Request.parse({"seeds": [id_of(0)], "k": 2, "max_per_artist": 2, "candidates": 20})
    (pool,) = Recommender(prolific).prepare([request])
    assert pool.rows.tolist() == list(range(1, 21))
    assert pool.retrieved == 20


def test_a_short_list_says_what_each_rule_leaves(prolific: Bundle) -> None:
    answer = answer_of(
        prolific,
        seeds=[id_of(0)],
        k=20,
        max_per_artist=1,
        filters={"max": {"energy": 8.5}, "exclude_tracks": [id_of(5), id_of(300)]},
    )
    # below 8.5 are the artist's 300, and four others by two artists
    assert answer.reason == (
        "3 of 20 tracks: the filters leave 304 tracks, 301 without the seeds and exclusions, "
        "301 with one of each recording, and 3 with at most 1 by an artist"
    )
    assert [item.track_id for item in answer.items] == [id_of(1), id_of(301), id_of(302)]


TRACKS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 3), st.integers(0, 25), st.integers(1990, 1993)),
    min_size=2,
    max_size=60,
)


RULES = st.fixed_dictionaries(
    {
        "seeds": st.sampled_from([[id_of(0)], [id_of(0), id_of(1)]]),
        "k": st.integers(1, 12),
        "max_per_artist": st.integers(1, 4),
        "candidates": st.integers(1, 10),
        "diversity": st.sampled_from([0.0, 0.7]),
        "filters": st.sampled_from([{}, {"year": [1990, 1991]}, {"year": [1992, 1992]}]),
    }
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TRACKS, RULES)
def test_a_list_is_full_whenever_the_catalogue_can_fill_it(
    tmp_path_factory: pytest.TempPathFactory,
    tracks: list[tuple[int, int, int, int]],
    rules: dict[str, Any],
) -> None:
    k, max_per_artist, years = rules["k"], rules["max_per_artist"], rules["filters"].get("year")
    # a recording is one artist's
    made = [
        Track(place / 10, 0, 50, f"Artist {artist}", year=year, recording=artist * 100 + recording)
        for place, artist, recording, year in tracks
    ]
    bundle = make_bundle(tmp_path_factory.mktemp("any"), made)
    answer = answer_of(bundle, **rules)
    known = {int(row): int(bundle.recording[row]) for row in range(bundle.size)}
    seeded = {known[row] for row in range(len(rules["seeds"]))}
    open_to = [
        row
        for row in known
        if known[row] not in seeded and (not years or years[0] <= made[row].year <= years[1])
    ]
    by_artist = Counter(artist for artist, _ in {(made[row].artist, known[row]) for row in open_to})
    possible = sum(min(count, max_per_artist) for count in by_artist.values())
    assert len(answer.items) == min(k, possible)
    assert (answer.reason is None) == (possible >= k)
    if 0 < possible < k:
        assert f"and {possible} with at most {max_per_artist} by an artist" in answer.reason
    listed = [int(item.track_id[1:]) for item in answer.items]
    assert set(listed) <= set(open_to)
    assert len({known[row] for row in listed}) == len(listed)
    assert max(Counter(made[row].artist for row in listed).values(), default=0) <= max_per_artist
