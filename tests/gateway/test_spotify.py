"""The API shaped like Spotify's, without the pair: tracks, audio features, search, parameters."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from segue.recommend.request import Request as Instance
from serving.errors import BadRequest
from serving.gateway.aliases import alias_of
from serving.gateway.served_catalogue import ServedCatalogue
from serving.gateway.spotify.search_query import SearchQuery
from serving.gateway.spotify.tuning import TUNABLE, genres_in, instance_of
from tests.gateway.conftest import NATIVE_ALBUM, NATIVE_ARTIST, NATIVE_TRACK, Inside


def found(inside: Inside, query: str, **more: Any) -> dict[str, Any]:
    reply = inside.get("/v1/search", params={"q": query, "type": "track", **more})
    assert reply.status_code == 200, reply.text
    page: dict[str, Any] = reply.json()["tracks"]
    return page


def test_it_writes_a_track_with_the_fields_that_clients_read(inside: Inside) -> None:
    track = inside.get(f"/v1/tracks/{NATIVE_TRACK}", params={"market": "KR"}).json()
    assert (track["id"], track["uri"]) == (NATIVE_TRACK, f"spotify:track:{NATIVE_TRACK}")
    assert (track["name"], track["popularity"], track["explicit"]) == ("Sinnerman", 100, False)
    assert track["external_urls"] == {"spotify": f"https://open.spotify.com/track/{NATIVE_TRACK}"}
    assert isinstance(track["duration_ms"], int)
    [artist] = track["artists"]
    assert (artist["id"], artist["name"]) == (NATIVE_ARTIST, "Nina Simone")
    album = track["album"]
    assert (album["id"], album["name"], album["release_date"]) == (NATIVE_ALBUM, "Pastel Blues", "1965")
    assert [image["url"] for image in album["images"]] == ["https://img.example/pastel.jpg"]
    assert track["preview_url"] == "https://p.example/sinnerman.mp3"


def test_it_gives_other_ids_an_alias_that_leads_back(inside: Inside) -> None:
    [track] = found(inside, "track:봄날")["items"]
    assert track["id"] == alias_of("track", catalogue_id(inside, "봄날"))
    assert inside.get(f"/v1/tracks/{track['id']}").json() == track
    # Spotify has never heard of it
    assert track["external_urls"]["spotify"] == track["href"]
    # the catalogue's own id works as well
    assert inside.get(f"/v1/tracks/{catalogue_id(inside, '봄날')}").json() == track
    assert track["album"]["images"] == []


def test_a_uri_or_an_address_is_the_track_that_it_names(inside: Inside) -> None:
    native = inside.get(f"/v1/tracks/{NATIVE_TRACK}").json()
    alias = found(inside, "track:봄날")["items"][0]
    address = f"https://open.spotify.com/track/{NATIVE_TRACK}?si=8a1b"
    tracks = inside.get("/v1/tracks", params={"ids": f"{native['uri']},{alias['uri']},{address}"}).json()[
        "tracks"
    ]
    assert tracks == [native, alias, native]
    assert inside.get(f"/v1/audio-features/{native['uri']}").json()["id"] == NATIVE_TRACK
    assert inside.get("/api/tracks", params={"ids": address}).json()["items"][0]["track_id"] == NATIVE_TRACK


def catalogue_id(inside: Inside, title: str) -> str:
    identity: str = inside.get("/api/search", params={"track": title}).json()["items"][0]["track_id"]
    return identity


def test_it_answers_several_tracks_with_null_for_the_unknown(inside: Inside) -> None:
    for path in ("/v1/tracks", "/v1/tracks/"):
        tracks = inside.get(path, params={"ids": f"{NATIVE_TRACK},{'0' * 22}"}).json()["tracks"]
        assert (tracks[0]["name"], tracks[1]) == ("Sinnerman", None)
    for path in ("/v1/tracks", "/v1/audio-features"):
        reply = inside.get(path, params={"ids": ""})
        assert reply.json() == {"error": {"status": 400, "message": "ids: expected at least one"}}
    reply = inside.get("/v1/tracks", params={"ids": ",".join(["a"] * 51)})
    assert reply.json() == {"error": {"status": 400, "message": "ids: expected at most 50, got 51"}}


def test_it_writes_audio_features_in_the_units_of_the_catalogue(inside: Inside) -> None:
    native = inside.get(f"/api/tracks/{NATIVE_TRACK}").json()["features"]
    one = inside.get(f"/v1/audio-features/{NATIVE_TRACK}").json()
    for name in set(TUNABLE) - {"popularity", "time_signature"}:
        assert one[name] == native[name], name
    assert (one["id"], one["type"], one["time_signature"]) == (NATIVE_TRACK, "audio_features", None)
    assert isinstance(one["key"], int)
    many = inside.get("/v1/audio-features/", params={"ids": f"x,{NATIVE_TRACK}"}).json()["audio_features"]
    assert many == [None, one]
    reply = inside.get("/v1/audio-features", params={"ids": ",".join(["a"] * 101)})
    assert reply.json() == {"error": {"status": 400, "message": "ids: expected at most 100, got 101"}}


def test_it_pages_through_what_was_found(inside: Inside) -> None:
    first = found(inside, "song", limit=5)
    assert (len(first["items"]), first["offset"], first["previous"], first["total"]) == (5, 0, None, 1000)
    second = inside.get(first["next"]).json()["tracks"]
    assert (second["offset"], second["previous"]) == (5, first["href"])
    assert {track["id"] for track in first["items"]}.isdisjoint(track["id"] for track in second["items"])
    last = found(inside, "sinnerman")
    assert (last["next"], last["total"]) == (None, 1)


def test_it_shows_each_track_on_one_page(inside: Inside) -> None:
    page = found(inside, "song 1", limit=50)
    pages = [page]
    while page["next"]:
        page = inside.get(page["next"]).json()["tracks"]
        pages.append(page)
    shown = [track["id"] for page in pages for track in page["items"]]
    assert len(set(shown)) == len(shown) > 100
    assert {page["total"] for page in pages} == {len(shown)}


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("creep radiohead", {"words": "creep radiohead"}),
        ('artist:"Miles Davis" track:so what', {"artist": "Miles Davis", "track": "so what"}),
        ("remaster ARTIST:miles davis year:1955-60", None),
        ("blue year:1955-1960", {"words": "blue", "years": (1955, 1960)}),
        ("blue year:1959 genre:Jazz", {"words": "blue", "years": (1959, 1959), "genre": "jazz"}),
        ("re: stacks", {"words": "re: stacks"}),
        ("track:a isrc:USUM71703861", None),
        ("genre:jazz", {"genre": "jazz"}),
        ("year:1990", {"years": (1990, 1990)}),
        ("track:so\nwhat", {"track": "so what"}),
        ("album:blue", None),
        ('artist:"', None),
    ],
)
def test_it_reads_the_filters_of_a_query(text: str, query: dict[str, Any] | None) -> None:
    if query is None:
        with pytest.raises(BadRequest, match=r"^q: "):
            SearchQuery.parse(text)
    else:
        assert SearchQuery.parse(text) == SearchQuery(**query)


def test_it_sieves_by_year_and_genre(inside: Inside) -> None:
    assert found(inside, "nina simone year:1960-1969")["items"][0]["name"] == "Sinnerman"
    assert found(inside, "sinnerman year:1966")["items"] == []
    assert all(
        int(track["album"]["release_date"]) < 1980
        for track in found(inside, "song year:1900-1979", limit=50)["items"]
    )


def test_it_finds_all_tracks_of_a_year_and_a_genre_however_popular_others_are(inside: Inside) -> None:
    table = inside.gateway.catalogue
    years, genres = table.columns["year"].to_pylist(), table.columns["genre"].to_pylist()
    pairs = list(zip(years, genres, strict=True))
    [((year, genre), number)] = Counter(pair for pair in pairs if None not in pair).most_common(1)
    rows = [row for row, pair in enumerate(pairs) if pair == (year, genre)]
    expected = sorted(rows, key=lambda row: (-table.popularity[row], row))
    assert 3 < number < 50
    names = [table.cell("track_name", row) for row in expected]
    page = found(inside, f'genre:"{genre.upper()}" year:{year}', limit=50)
    assert ([track["name"] for track in page["items"]], page["total"]) == (names, number)
    page = found(inside, f"song genre:{genre} year:{year}-{year}", limit=50)
    assert [track["name"] for track in page["items"]] == [name for name in names if "Song" in name]
    assert found(inside, 'genre:salsa year:1965 album:"nothing"')["items"] == []
    assert [track["name"] for track in found(inside, "year:1965 album:pastel")["items"]] == ["Sinnerman"]
    assert found(inside, "genre:polka")["items"] == []
    # the first row, which is falsy, is one too
    year, genre = years[0], genres[0]
    names = {track["name"] for track in found(inside, f'genre:"{genre}" year:{year}', limit=50)["items"]}
    assert table.cell("track_name", 0) in names


def test_it_takes_a_bound_and_a_target_on_every_feature(served: ServedCatalogue) -> None:
    parameters = {f"{prefix}_{name}": "1.5" for name in TUNABLE for prefix in ("min", "max", "target")}
    instance, _ = instance_of({"seed_genres": "rap", **parameters}, served)
    assert instance["filters"]["min"] == dict.fromkeys(TUNABLE, 1.5)
    assert instance["filters"]["max"] == dict.fromkeys(TUNABLE, 1.5)
    assert instance["target"] == dict.fromkeys(TUNABLE, 1.5)
    assert Instance.parse(instance).k == 20


def test_it_resolves_a_seed_by_its_uri(served: ServedCatalogue) -> None:
    instance, _ = instance_of({"seed_tracks": f"spotify:track:{NATIVE_TRACK}"}, served)
    assert instance["seeds"] == [{"track_id": NATIVE_TRACK}]


def test_it_resolves_seeds_to_what_the_catalogue_calls_them(served: ServedCatalogue) -> None:
    row = served.search.search(track="봄날")[0]
    track, artist = served.identities.of_track(row), served.identities.of_artist(row)
    instance, seeds = instance_of(
        {"seed_tracks": f"{track}, {NATIVE_TRACK}", "seed_artists": f"{NATIVE_ARTIST},{artist}"}, served
    )
    assert instance["seeds"] == [
        {"artist": "Nina Simone"},
        {"artist": "방탄소년단"},
        {"track_id": served.cell("track_id", row)},
        {"track_id": NATIVE_TRACK},
    ]
    assert [kind for kind, _ in seeds] == ["ARTIST", "ARTIST", "TRACK", "TRACK"]


@pytest.mark.parametrize(
    ("text", "genres"),
    [
        ("rap,metal", ["rap", "metal"]),
        (" rap , metal,", ["rap", "metal"]),
        ("Folk, World, & Country", ["Folk, World, & Country"]),
        ("rap,folk, world, & country,metal", ["rap", "folk, world, & country", "metal"]),
        ("folk, world", ["folk", "world"]),
        ("metal,rap", ["metal", "rap"]),
        ("metal, rap", ["metal, rap"]),
    ],
)
def test_it_takes_a_genre_whose_name_holds_commas(text: str, genres: list[str]) -> None:
    known = ("folk, world, & country", "metal", "metal, rap", "metal,rap", "rap")
    assert genres_in(text, known) == genres


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, "expected 1 to 5 seeds together, got 0"),
        ({"seed_tracks": "a,b,c", "seed_genres": "d,e,f"}, "expected 1 to 5 seeds together, got 6"),
        ({"seed_genres": "a" * 501}, "seed_genres: expected at most 500 characters a seed, got 501"),
        ({"seed_tracks": "a", "limit": "0"}, "limit: expected 1 to 100, got '0'"),
        ({"seed_tracks": "a", "limit": "101"}, "limit: expected 1 to 100, got '101'"),
        # Python itself refuses to read a number of so many digits
        ({"seed_tracks": "a", "limit": "9" * 5000}, f"limit: expected 1 to 100, got '{'9' * 39}"),
        ({"seed_tracks": "a", "min_energy": "loud"}, "min_energy: expected a number, got 'loud'"),
        ({"seed_tracks": "a", "target_tempo": "nan"}, "target_tempo: expected a number, got 'nan'"),
        (
            {"seed_tracks": "a", "target_tempo": "1e39"},
            "target_tempo: expected a number between -3.4e+38 and 3.4e+38, got '1e39'",
        ),
    ],
)
def test_it_names_the_parameter_that_is_wrong(inside: Inside, parameters: dict[str, str], said: str) -> None:
    reply = inside.get("/v1/recommendations", params=parameters)
    assert reply.json() == {"error": {"status": 400, "message": said}}


def test_it_refuses_other_kinds_of_things(inside: Inside) -> None:
    reply = inside.get("/v1/search", params={"q": "x", "type": "album"})
    assert (reply.status_code, reply.json()["error"]["status"]) == (400, 400)


def test_it_lists_genres_in_alphabetical_order(inside: Inside) -> None:
    reply = inside.get("/v1/recommendations/available-genre-seeds")
    assert reply.json() == {"genres": ["ambient", "metal", "rap", "salsa"]}
