"""Covers: the catalogue's, Spotify's, drawn."""

from __future__ import annotations

import asyncio
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pytest

from serving.gateway.artwork import spotify_images
from serving.gateway.artwork.covers import draw_cover
from serving.gateway.artwork.spotify_images import SpotifyImages
from serving.settings import GatewaySettings
from tests.gateway.conftest import NATIVE_TRACK, ROWS, SLASHED, Inside, start_inside
from tests.gateway.spotify_server import SpotifyServer, spotify_server
from tests.serving.conftest import BundleStore
from tests.serving.processes import wait_for

IDS = [f"{number:022d}" for number in range(120)]


@pytest.fixture
def server() -> Iterator[SpotifyServer]:
    with spotify_server() as server:
        server.covers = {identity: f"https://i.example/{identity}" for identity in IDS[:100]}
        yield server


def settings_of(server: SpotifyServer, **more: str) -> GatewaySettings:
    return GatewaySettings(bundle="/x/channels/y", **{**server.settings, **more})  # type: ignore[arg-type]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.02)


def test_it_leads_to_the_catalogues_cover(inside: Inside) -> None:
    reply = inside.get(f"/api/tracks/{NATIVE_TRACK}/image")
    assert (reply.status_code, reply.headers["location"]) == (302, "https://img.example/pastel.jpg")


def test_it_draws_a_cover_that_is_always_the_same(inside: Inside) -> None:
    [track] = inside.get("/api/search", params={"q": "봄날"}).json()["items"][:1]
    reply = inside.get(track["image"])
    assert (reply.status_code, reply.headers["content-type"]) == (200, "image/svg+xml")
    assert reply.content == draw_cover(track["track_id"], "봄날", "방탄소년단")
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert inside.get("/api/tracks/nobody/image").status_code == 404


def test_it_never_sends_a_browser_to_a_script(inside: Inside) -> None:
    # its image_url is javascript:, its name is full of markup
    reply = inside.get(f"/api/tracks/{quote(SLASHED, safe='')}/image")
    assert reply.status_code == 200
    root = ET.fromstring(reply.text)
    assert (root.get("aria-label") or "").startswith('<Script> & "Quotes"')
    assert {element.tag.rpartition("}")[2] for element in root.iter()} == {
        "svg",
        "defs",
        "linearGradient",
        "stop",
        "rect",
        "text",
    }


@pytest.mark.parametrize(
    ("artist", "letters"),
    [
        ("Nina Simone", "NS"),
        ("방탄소년단", "방"),
        ("!!!", "!"),
        ("the the the", "TT"),
        (" ", "?"),
        ("<b>", "<"),
    ],
)
def test_it_writes_initials(artist: str, letters: str) -> None:
    root = ET.fromstring(draw_cover("id", "title", artist))
    assert "".join(root.itertext()) == letters


def test_it_looks_covers_up_in_the_background_and_keeps_them(server: SpotifyServer) -> None:
    async def scenario() -> None:
        images = SpotifyImages(settings_of(server))
        running = asyncio.create_task(images.run())
        assert [images.find(identity) for identity in IDS] == [None] * len(IDS)
        assert images.find("not-an-id-of-spotify") is None
        await until(lambda: all(images.is_settled(identity) for identity in IDS))
        # the middle size; Spotify does not know the last twenty
        assert images.find(IDS[0]) == f"https://i.example/{IDS[0]}?300"
        assert [images.find(identity) for identity in IDS[100:]] == [None] * 20
        running.cancel()
        assert [len(ids) for ids in server.asked] == [50, 50, 20]
        assert server.tokens == 1

    asyncio.run(scenario())


def test_it_does_not_ask_again_while_it_waits_for_an_answer(server: SpotifyServer) -> None:
    server.seconds = 0.5

    async def scenario() -> None:
        images = SpotifyImages(settings_of(server))
        running = asyncio.create_task(images.run())
        images.find(IDS[0])
        await until(lambda: server.asked)
        images.find(IDS[0])
        images.find(IDS[1])
        await until(lambda: images.is_settled(IDS[0]) and images.is_settled(IDS[1]))
        running.cancel()
        assert server.asked == [[IDS[0]], [IDS[1]]]

    asyncio.run(scenario())


# a day is what Spotify asks of those who went on asking
@pytest.mark.parametrize("seconds", [100, 86_400])
def test_it_leaves_spotify_alone_as_long_as_it_asks(server: SpotifyServer, seconds: int) -> None:
    now = 1_000.0

    async def scenario() -> None:
        nonlocal now
        images = SpotifyImages(settings_of(server), clock=lambda: now)
        running = asyncio.create_task(images.run())
        server.fail_with = (429, {"retry-after": str(seconds)})
        images.find(IDS[0])
        await until(lambda: images.is_resting)
        server.fail_with = None
        now += seconds - 1
        images.find(IDS[0])
        await asyncio.sleep(0.5)
        assert (images.is_resting, server.asked) == (True, [])
        now += 2
        images.find(IDS[0])
        await until(lambda: images.find(IDS[0]))
        running.cancel()

    asyncio.run(scenario())


@pytest.mark.parametrize("trouble", ["credentials", "nobody there", "no json"])
def test_it_draws_where_spotify_is_of_no_use(server: SpotifyServer, trouble: str) -> None:
    async def scenario() -> None:
        wrong = {
            "credentials": {"spotify_client_secret": "wrong"},
            "nobody there": {"spotify_token_url": "http://127.0.0.1:9/token"},
            "no json": {"spotify_api_url": f"http://127.0.0.1:{server.port}/v1"},
        }[trouble]
        if trouble == "no json":
            server.fail_with = (200, {"content-type": "text/html"})
            server.covers.clear()
        images = SpotifyImages(settings_of(server, **wrong))
        running = asyncio.create_task(images.run())
        images.find(IDS[0])
        if trouble == "no json":
            await until(lambda: images.is_settled(IDS[0]) or images.is_resting)
        else:
            await until(lambda: images.is_resting)
        assert images.find(IDS[0]) is None
        running.cancel()

    asyncio.run(scenario())


def test_it_takes_a_new_token_when_the_old_one_is_refused(server: SpotifyServer) -> None:
    now = 1_000.0

    async def scenario() -> None:
        nonlocal now
        images = SpotifyImages(settings_of(server), clock=lambda: now)
        running = asyncio.create_task(images.run())
        images.find(IDS[0])
        await until(lambda: images.find(IDS[0]))
        server.tokens += 1  # the one given out is no more
        images.find(IDS[1])
        await until(lambda: images.is_resting)
        now += 31
        images.find(IDS[1])
        await until(lambda: images.find(IDS[1]))
        running.cancel()

    asyncio.run(scenario())


def test_it_keeps_a_bounded_number(server: SpotifyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spotify_images, "_MAX_KEPT", 10)
    monkeypatch.setattr(spotify_images, "_MAX_WAITING", 60)

    async def scenario() -> None:
        images = SpotifyImages(settings_of(server))
        for identity in IDS:
            images.find(identity)
        running = asyncio.create_task(images.run())
        await until(lambda: len(server.asked) == 2)
        await until(lambda: images.is_settled(IDS[59]))
        assert sum(images.is_settled(identity) for identity in IDS) == 10
        running.cancel()

    asyncio.run(scenario())


def test_it_shows_looked_up_covers_on_both_apis(
    server: SpotifyServer, gateway_shelf: BundleStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.covers[NATIVE_TRACK] = "https://i.example/sinner"
    with start_inside(tmp_path, gateway_shelf.channel_url, **server.settings) as inside:
        path = f"/api/tracks/{NATIVE_TRACK}/image"
        # the catalogue's own comes first, and Spotify is not even asked; nor is it about ids that are not its
        assert inside.get(path).headers["location"] == "https://img.example/pastel.jpg"
        [track] = inside.get("/api/search", params={"q": "봄날"}).json()["items"][:1]
        assert inside.get(track["image"]).headers["cache-control"] == "private, max-age=86400"
        alias = inside.get("/v1/search", params={"q": "봄날"}).json()["tracks"]["items"][0]["id"]
        assert inside.get(f"/v1/tracks/{alias}").json()["album"]["images"] == []
        assert server.asked == []
        # a catalogue without covers
        columns = inside.gateway.catalogue.columns
        monkeypatch.setitem(columns, "image_url", pa.nulls(ROWS, pa.string()))
        drawn = inside.get(path)
        assert (drawn.status_code, drawn.headers["cache-control"]) == (200, "private, max-age=30")
        wait_for(lambda: inside.get(path).status_code == 302, "the cover")
        cover = "https://i.example/sinner?300"
        assert inside.get(path).headers["location"] == cover
        assert inside.get(f"/api/tracks/{NATIVE_TRACK}").json()["image_url"] == cover
        for reply in (
            inside.get(f"/v1/tracks/{NATIVE_TRACK}").json(),
            inside.get("/v1/search", params={"q": "sinnerman"}).json()["tracks"]["items"][0],
        ):
            assert [image["url"] for image in reply["album"]["images"]] == [cover]
        # an alias has the shape of Spotify's ids, and is none
        assert server.asked == [[NATIVE_TRACK]]
