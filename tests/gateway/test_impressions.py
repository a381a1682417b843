"""What is measured of a list, against values worked out another way."""

from __future__ import annotations

import uuid
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from segue.recommend.request import Request as Instance
from serving.gateway.impressions import avg_popularity, genre_precision, impression_of, list_diversity
from serving.gateway.served_catalogue import ServedCatalogue
from serving.gateway.split import is_challenged
from tests.gateway.conftest import NATIVE_TRACK


def test_it_measures_diversity_in_units_of_chance(served: ServedCatalogue) -> None:
    rows = [0, 3, 200, 999]
    distances = [
        np.linalg.norm(served.embedding[left] - served.embedding[right])
        for left, right in combinations(rows, 2)
    ]
    expected = np.mean(distances) / served.definition.similarity_scale
    assert list_diversity(served, rows) == pytest.approx(expected, abs=1e-3)
    drawn = np.random.default_rng(0).choice(served.size, 100, replace=False).tolist()
    assert list_diversity(served, drawn) == pytest.approx(1, abs=0.15)
    assert list_diversity(served, [5, 5]) == pytest.approx(0, abs=1e-2)
    assert list_diversity(served, [5]) is None


def test_it_averages_the_popularity_that_is_known(served: ServedCatalogue) -> None:
    known = [float(served.popularity[row]) for row in (0, 1, 2)]
    assert avg_popularity(served, [0, 1, 2]) == pytest.approx(np.mean(known), abs=0.01)
    assert avg_popularity(served, []) is None


@pytest.mark.parametrize("kind", ["track", "artist", "genre"])
def test_it_counts_the_tracks_of_a_seeds_genre(served: ServedCatalogue, kind: str) -> None:
    row = served.lookup.row_of("id000700") or 0
    genre = served.cell("genre", row)
    seed = {
        "track": "id000700",
        "artist": {"artist": served.cell("artist_name", row)},
        "genre": {"genre": genre},
    }[kind]
    genres = [served.cell("genre", other) for other in range(40)]
    instance = Instance.parse({"seeds": [seed, {"genre": "nothing"}]})
    assert genre_precision(served, range(40), instance) == genres.count(genre) / 40


def test_it_leaves_out_what_the_list_was_pushed_away_from(served: ServedCatalogue) -> None:
    instance = Instance.parse({"seeds": [{"genre": "rap"}, {"genre": "metal", "weight": -1}]})
    rows = [row for row in range(300) if served.cell("genre", row) == "metal"]
    assert genre_precision(served, rows, instance) == 0
    raw = Instance.parse({"features": {"energy": 0.5}})
    assert genre_precision(served, rows, raw) is None


def test_it_keeps_ranks_and_scores(served: ServedCatalogue) -> None:
    answer: dict[str, Any] = {
        "digest": "d",
        "degraded": True,
        "items": [
            {"rank": 1, "track_id": NATIVE_TRACK, "score": 0.5},
            {"rank": 2, "track_id": "?", "score": 0.1},
        ],
    }
    asked = {"seeds": [NATIVE_TRACK, {"artist": "Кино"}]}
    impression = impression_of(
        uuid.uuid4(),
        Instance.parse(asked),
        asked,
        answer,
        catalogue=served,
        rows=served.known_rows([NATIVE_TRACK, "?"]),
        api="native",
        session="s",
        latency_seconds=0.1,
    )
    assert [(item.rank, item.track_id, item.score) for item in impression.items] == [
        (1, NATIVE_TRACK, 0.5),
        (2, "?", 0.1),
    ]
    assert impression.seeds == (NATIVE_TRACK, "artist:Кино")
    assert (impression.k, impression.degraded, impression.avg_popularity) == (10, True, 100)


def test_it_keeps_a_session_in_its_share() -> None:
    sessions = [f"session-{number}" for number in range(5_000)]
    small = {session for session in sessions if is_challenged(session, 0.1)}
    assert 0.08 < len(small) / len(sessions) < 0.12
    # a larger share adds sessions, and moves none back
    assert small <= {session for session in sessions if is_challenged(session, 0.3)}
    assert not any(is_challenged(session, 0) for session in sessions)
    assert all(is_challenged(session, 1) for session in [*sessions, None])
