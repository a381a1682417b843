"""spotipy, unmodified but for its addresses, over real HTTP."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import spotipy
from spotipy.cache_handler import MemoryCacheHandler
from spotipy.oauth2 import SpotifyClientCredentials, SpotifyOauthError

from serving.gateway.aliases import alias_of
from tests.gateway.conftest import NATIVE_ARTIST, NATIVE_TRACK, Stack, start_inside
from tests.gateway.test_access import wait_for_room_in_the_minute
from tests.serving.conftest import BundleStore

FEATURES = (
    "acousticness",
    "danceability",
    "duration_ms",
    "energy",
    "instrumentalness",
    "key",
    "liveness",
    "loudness",
    "mode",
    "speechiness",
    "tempo",
    "valence",
)


def client_of(url: str, credential: str) -> spotipy.Spotify:
    class Login(SpotifyClientCredentials):  # type: ignore[misc]
        OAUTH_TOKEN_URL = f"{url}/api/token"

    login = Login(*credential.split("."), cache_handler=MemoryCacheHandler())
    client = spotipy.Spotify(auth_manager=login, retries=0, status_retries=0)
    client.prefix = f"{url}/v1/"
    return client


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Spotify took these endpoints away, says spotipy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


@pytest.fixture
def sp(stack: Stack) -> spotipy.Spotify:
    return client_of(stack.url, stack.keys.made["read"])


def names(answer: Any) -> list[str]:
    return [track["name"] for track in answer["tracks"]]


def test_it_searches_and_pages(sp: spotipy.Spotify) -> None:
    found = sp.search(q='artist:"nina simone" track:sinnerman', type="track", limit=5, market="KR")
    assert [track["id"] for track in found["tracks"]["items"]] == [NATIVE_TRACK]
    first = sp.search(q="song", limit=3)["tracks"]
    second = sp.next(first)["tracks"]
    assert (len(second["items"]), second["offset"]) == (3, 3)
    assert sp.previous(second)["tracks"]["items"] == first["items"]
    assert sp.search(q="봄날")["tracks"]["items"][0]["artists"][0]["name"] == "방탄소년단"


def test_it_shows_tracks_and_their_sound(sp: spotipy.Spotify) -> None:
    assert sp.track(f"spotify:track:{NATIVE_TRACK}")["name"] == "Sinnerman"
    assert sp.track(f"https://open.spotify.com/track/{NATIVE_TRACK}")["name"] == "Sinnerman"
    both = sp.tracks([NATIVE_TRACK, alias_of("track", "id000700")])["tracks"]
    assert [track["id"] for track in both] == [NATIVE_TRACK, alias_of("track", "id000700")]
    sounds = sp.audio_features([track["id"] for track in both])
    assert [sound["id"] for sound in sounds] == [track["id"] for track in both]
    assert {*FEATURES, "time_signature", "uri", "track_href", "analysis_url", "type"} <= set(sounds[0])
    assert sp.audio_features(NATIVE_TRACK) == sounds[:1]


def test_it_recommends_from_all_kinds_of_seeds(sp: spotipy.Spotify) -> None:
    genres = sp.recommendation_genre_seeds()["genres"]
    assert genres == ["ambient", "metal", "rap", "salsa"]
    for seeds in (
        {"seed_tracks": [NATIVE_TRACK]},
        {"seed_artists": [NATIVE_ARTIST, alias_of("artist", "artist 7")]},
        {"seed_genres": ["rap", "metal"]},
        {"seed_tracks": [NATIVE_TRACK], "seed_artists": [NATIVE_ARTIST], "seed_genres": ["salsa"]},
    ):
        answer = sp.recommendations(limit=100, country="US", **seeds)
        assert len(answer["tracks"]) == 100, seeds
        assert len({track["id"] for track in answer["tracks"]}) == 100
        given = {identity for ids in seeds.values() for identity in ids}
        assert {seed["id"] for seed in answer["seeds"]} == given
        assert all(seed["initialPoolSize"] >= seed["afterFilteringSize"] > 0 for seed in answer["seeds"])
        assert {seed["type"] for seed in answer["seeds"]} <= {"TRACK", "ARTIST", "GENRE"}


def test_it_says_which_seeds_gave_nothing(sp: spotipy.Spotify) -> None:
    unknown = "0" * 22
    answer = sp.recommendations(
        seed_tracks=[NATIVE_TRACK, unknown], seed_artists=[unknown], seed_genres=["polka"], limit=5
    )
    assert len(answer["tracks"]) == 5
    sizes = {
        (seed["type"], seed["id"]): (
            seed["initialPoolSize"] > 0,
            seed["afterFilteringSize"] > 0,
            seed["afterRelinkingSize"] > 0,
        )
        for seed in answer["seeds"]
    }
    nothing = (False, False, False)
    assert sizes == {
        ("TRACK", NATIVE_TRACK): (True, True, True),
        ("TRACK", unknown): nothing,
        ("ARTIST", unknown): nothing,
        ("GENRE", "polka"): nothing,
    }


@pytest.mark.parametrize("name", [*FEATURES, "popularity"])
def test_it_keeps_every_bound(sp: spotipy.Spotify, name: str) -> None:
    def values(answer: Any) -> list[float]:
        if name == "popularity":
            return [track["popularity"] for track in answer["tracks"]]
        return [sound[name] for sound in sp.audio_features([track["id"] for track in answer["tracks"]])]

    plain = sorted(values(sp.recommendations(seed_tracks=[NATIVE_TRACK], limit=40)))
    middle = plain[len(plain) // 2]
    over = sp.recommendations(seed_tracks=[NATIVE_TRACK], limit=20, **{f"min_{name}": middle})
    # popularity is shown in whole numbers
    slack = 0.5 if name == "popularity" else 1e-3 * (1 + abs(middle))
    assert over["tracks"]
    assert min(values(over)) >= middle - slack
    under = sp.recommendations(seed_tracks=[NATIVE_TRACK], limit=20, **{f"max_{name}": middle})
    assert under["tracks"]
    assert max(values(under)) <= middle + slack


@pytest.mark.parametrize("name", ["energy", "loudness", "tempo", "valence", "popularity"])
def test_it_moves_towards_a_target(sp: spotipy.Spotify, name: str) -> None:
    low, high = {"loudness": (-20, 0), "tempo": (70, 170), "popularity": (10, 90)}.get(name, (0.05, 0.95))

    def mean(target: float) -> float:
        near = sp.recommendations(seed_tracks=[NATIVE_TRACK], limit=20, **{f"target_{name}": target})
        if name == "popularity":
            values = [track["popularity"] for track in near["tracks"]]
        else:
            values = [sound[name] for sound in sp.audio_features([one["id"] for one in near["tracks"]])]
        return float(sum(values) / len(values))

    assert mean(low) < mean(high)


def test_it_fails_as_spotify_does(sp: spotipy.Spotify, stack: Stack) -> None:
    for call, status, said in (
        (lambda: sp.recommendations(limit=5), 400, "expected 1 to 5 seeds together"),
        (lambda: sp.recommendations(seed_genres=["rap"], limit=101), 400, "limit"),
        (lambda: sp.recommendations(seed_tracks=[NATIVE_TRACK], min_energy="x"), 400, "min_energy"),
        (lambda: sp.track("0" * 22), 404, "Non existing id"),
        (lambda: sp.recommendations(seed_tracks=["0" * 22]), 404, "none of the seeds"),
        (lambda: sp.artist(NATIVE_ARTIST), 404, ""),
    ):
        with pytest.raises(spotipy.SpotifyException) as failure:
            call()
        assert (failure.value.http_status, said in failure.value.msg) == (status, True), failure.value
    with pytest.raises(SpotifyOauthError) as refused:
        client_of(stack.url, "nobody.nothing").track(NATIVE_TRACK)
    assert refused.value.error == "invalid_client"
    stale = spotipy.Spotify(auth="old-token")
    stale.prefix = f"{stack.url}/v1/"
    with pytest.raises(spotipy.SpotifyException) as failure:
        stale.track(NATIVE_TRACK)
    assert failure.value.http_status == 401


def test_it_tells_spotipy_when_to_come_back(gateway_shelf: BundleStore, tmp_path: Any) -> None:
    with start_inside(tmp_path, gateway_shelf.channel_url, rate_limit_per_minute=3) as inside:
        sp = client_of(str(inside.client.base_url).rstrip("/"), inside.keys.made["read"])
        wait_for_room_in_the_minute()
        # asking for the token is one
        assert [sp.track(NATIVE_TRACK)["name"] for _ in range(2)] == ["Sinnerman"] * 2
        sp._session.adapters["http://"].max_retries.status_forcelist = ()
        with pytest.raises(spotipy.SpotifyException) as failure:
            sp.track(NATIVE_TRACK)
        assert failure.value.http_status == 429
        assert int(failure.value.headers["retry-after"]) >= 1
