"""Search, tracks, genres, bundles and feedback of the native API, without the pair."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import quote

import pytest

from serving.gateway import schemas
from tests.gateway.conftest import NATIVE_TRACK, ROWS, SLASHED, Inside


def titles(inside: Inside, **query: Any) -> list[str]:
    reply = inside.get("/api/search", params=query)
    assert reply.status_code == 200, reply.text
    return [
        item["track_name"] for item in schemas.SearchAnswer.model_validate(reply.json()).model_dump()["items"]
    ]


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ({"q": "sinnerman nina"}, "Sinnerman"),
        ({"q": "nina sin"}, "Sinnerman"),
        ({"q": "nina sinnermann"}, "Sinnerman"),
        ({"artist": "nina simone", "track": "feeling"}, "Feeling Good"),
        ({"q": "봄날"}, "봄날"),
        ({"q": "봄"}, "봄날"),
        ({"q": "駆ける"}, "夜に駆ける"),
        ({"q": "кино группа"}, "Группа крови"),
    ],
)
def test_it_finds_a_track_by_what_a_person_types(inside: Inside, query: dict[str, str], title: str) -> None:
    assert titles(inside, **query)[0] == title


def test_it_bounds_a_search(inside: Inside) -> None:
    assert len(titles(inside, q="song", limit=7)) == 7
    assert titles(inside, q="zzzzqqqq") == []
    for query in ({"q": "song", "limit": 51}, {"q": "song", "limit": 0}, {}, {"q": ""}, {"q": "x" * 501}):
        assert inside.get("/api/search", params=query).status_code == 400, query


def test_it_shows_all_that_is_known_of_a_track(inside: Inside) -> None:
    reply = inside.get(f"/api/tracks/{NATIVE_TRACK}")
    track = schemas.Track.model_validate(reply.json())
    assert (track.track_name, track.artist_name, track.album_name) == (
        "Sinnerman",
        "Nina Simone",
        "Pastel Blues",
    )
    assert (track.year, track.popularity, track.explicit) == (1965, 100.0, False)
    assert track.image_url == "https://img.example/pastel.jpg"
    assert track.duration_ms == track.features["duration_ms"]
    assert 0 <= (track.features["energy"] or -1) <= 1


def test_it_tells_missing_values_from_zero(inside: Inside) -> None:
    [found] = inside.get("/api/search", params={"q": "feeling good nina"}).json()["items"][:1]
    assert (found["explicit"], found["album_name"], found["image_url"]) == (None, None, None)


def test_it_takes_ids_that_hold_slashes(inside: Inside) -> None:
    track = inside.get(f"/api/tracks/{quote(SLASHED, safe='')}").json()
    assert track["track_id"] == SLASHED
    assert inside.get(track["image"]).status_code == 200


def test_it_answers_several_tracks_in_their_order(inside: Inside) -> None:
    reply = inside.get("/api/tracks", params={"ids": f"nobody,{NATIVE_TRACK}"})
    listed = schemas.TrackList.model_validate(reply.json())
    assert listed.items[0] is None
    assert listed.items[1] is not None
    assert listed.items[1].track_id == NATIVE_TRACK
    assert inside.get("/api/tracks", params={"ids": ",".join(["x"] * 101)}).status_code == 400


def test_it_says_which_track_is_unknown(inside: Inside) -> None:
    reply = inside.get("/api/tracks/nobody")
    assert (reply.status_code, "'nobody'" in reply.json()["detail"]) == (404, True)


def test_it_lists_the_genres_that_can_be_a_seed(inside: Inside) -> None:
    genres = schemas.GenreList.model_validate(inside.get("/api/genres").json())
    assert {genre.genre for genre in genres.items} == {"ambient", "metal", "rap", "salsa"}
    counts = [genre.tracks for genre in genres.items]
    assert sum(counts) == ROWS
    assert counts == sorted(counts, reverse=True)


def test_it_shows_the_bundles_of_the_store(inside: Inside) -> None:
    bundles = schemas.Bundles.model_validate(inside.get("/api/bundles").json())
    [bundle] = bundles.items
    assert (bundle.in_service, bundle.channels, bundle.tracks) == (True, ["champion"], ROWS)
    assert bundles.channel == "champion"
    assert bundles.channels["champion"].digest == bundle.digest
    # nothing was measured on it
    assert (bundle.metrics, bundle.verdict, bundle.report) == (None, None, None)
    assert inside.get(f"/api/bundles/{bundle.digest}/report").status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"impression_id": "not-a-uuid"}, "impression_id"),
        ({"event": "love"}, "event"),
        ({"track_id": ""}, "track_id"),
        # the log would not take these
        ({"track_id": "a" * 256}, "track_id"),
        ({"track_id": "a\0"}, "track_id"),
        ({"mood": "good"}, "mood"),
    ],
)
def test_it_names_what_is_wrong_with_feedback(inside: Inside, change: dict[str, str], field: str) -> None:
    event = {"impression_id": str(uuid.uuid4()), "track_id": "a", "event": "click", **change}
    reply = inside.post("/api/feedback", json=event)
    assert (reply.status_code, reply.json()["field"]) == (400, field)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", "body"),
        (b"[]", "body"),
        (b"", "body"),
        (b'{"seeds": ["a"], "k": "ten"}', "k"),
        (b'{"seeds": ["a"], "kk": 1}', "kk"),
        (b'{"seeds": [{"track_id": "a", "artist": "b"}]}', "seeds[0]"),
        (b'{"seeds": ["a"], "filters": {"min": {"loud": 1}}}', "filters.min"),
        (b'{"seeds": ["a"], "k": 1e999}', "body"),
    ],
)
def test_it_refuses_a_wrong_instance_before_the_transformer_is_asked(
    inside: Inside, body: bytes, field: str
) -> None:
    reply = inside.post("/api/recommendations", content=body)
    assert (reply.status_code, reply.json()["field"]) == (400, field), reply.text


def test_it_refuses_a_session_that_is_not_plain(inside: Inside) -> None:
    reply = inside.post(
        "/api/recommendations", json={"seeds": [NATIVE_TRACK]}, headers={"x-session-id": "a b"}
    )
    assert (reply.status_code, reply.json()["field"]) == (400, "X-Session-Id")


def test_it_says_what_is_missing_while_the_transformer_is_away(inside: Inside) -> None:
    reply = inside.get("/readyz", key=None)
    state = schemas.Readiness.model_validate(reply.json())
    assert (reply.status_code, state.ready, list(state.missing)) == (503, False, ["transformer"])
    asked = inside.post("/api/recommendations", json={"seeds": [NATIVE_TRACK]})
    assert (asked.status_code, asked.headers["retry-after"]) == (503, "2")
    assert "transformer can't be reached" in asked.json()["detail"]


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain;charset=utf-8", None])
def test_it_says_under_which_content_type_it_takes_a_change(inside: Inside, kind: str | None) -> None:
    """A page of another site can post these without asking, and without keys none would stop it."""
    headers = {"content-type": kind} if kind else {}
    for path in ("/api/feedback", "/api/bundles/pin", "/api/alerts"):
        reply = inside.post(path, content=b"{}", headers=headers)
        assert (reply.status_code, reply.json()["field"]) == (400, "Content-Type")
        assert "application/json" in reply.json()["detail"]


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "application/x+json"]
)
def test_it_names_what_is_wrong_in_a_change(inside: Inside, kind: str) -> None:
    headers = {"content-type": kind}
    wrong = {"/api/feedback": "impression_id", "/api/bundles/pin": "reason", "/api/alerts": "version"}
    for path, field in wrong.items():
        reply = inside.post(path, content=b"{}", headers=headers)
        assert (reply.status_code, reply.json()["field"]) == (400, field)
        broken = inside.post(path, content=b"{", headers=headers)
        assert (broken.status_code, "JSON" in broken.json()["detail"]) == (400, True), path
