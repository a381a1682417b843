"""A catalogue with names and ids of all sorts, the gateway in this process, and the whole as processes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest
import uvicorn
from sqlalchemy import Engine

from segue.bundle.reader import open_bundle
from segue.database import migrate, open_engine
from segue.database.settings import DatabaseSettings
from segue.keys import Scope, create_key
from segue.log.settings import LogSettings
from serving.gateway.app import build_app
from serving.gateway.catalogue import FILES
from serving.gateway.gateway import Gateway
from serving.gateway.served_catalogue import ServedCatalogue
from serving.settings import GatewaySettings
from tests.serving.conftest import BundleStore, Family, make_family
from tests.serving.processes import (
    Reply,
    Served,
    call,
    free_port,
    gateway,
    predictor,
    transformer,
    wait_for,
)
from tests.small_catalogue import make_tracks

ROWS = 1_500
NATIVE_TRACK = "53QF56cjZA9RTuuMZDrSA6"
NATIVE_ARTIST = "7G1GBhoKtEPnP86X2PvEYO"
NATIVE_ALBUM = "0sB3KMRPTERZkTgsTJKtqx"
SLASHED = "folder/track 1?"
# values of the first rows; the rest stay as make_tracks has them: ids like id000042, no album, no image
FIRST: list[dict[str, Any]] = [
    {
        "track_id": NATIVE_TRACK,
        "track_name": "Sinnerman",
        "artist_name": "Nina Simone",
        "artist_id": NATIVE_ARTIST,
        "album_name": "Pastel Blues",
        "album_id": NATIVE_ALBUM,
        "image_url": "https://img.example/pastel.jpg",
        "preview_url": "https://p.example/sinnerman.mp3",
        "popularity": 100.0,
        "year": 1965,
        "explicit": False,
    },
    {"track_name": "봄날", "artist_name": "방탄소년단", "popularity": 99.0},
    {"track_name": "夜に駆ける", "artist_name": "YOASOBI", "popularity": 98.0},
    {"track_name": "Группа крови", "artist_name": "Кино", "popularity": 97.0},
    {"track_name": "Feeling Good", "artist_name": "Nina Simone", "popularity": 96.0, "explicit": None},
    {"track_id": SLASHED, "track_name": '<Script> & "Quotes"', "image_url": "javascript:alert(1)"},
]


def gateway_tracks() -> pa.Table:
    tracks = make_tracks(ROWS)
    columns = {name: tracks[name].to_pylist() for name in tracks.column_names}
    for row, values in enumerate(FIRST):
        for name, value in values.items():
            columns[name][row] = value
    return pa.table(
        [pa.array(columns[name.name]).cast(name.type) for name in tracks.schema], schema=tracks.schema
    )


@pytest.fixture(scope="session")
def gateway_families(tmp_path_factory: pytest.TempPathFactory) -> list[Family]:
    """One family, under both numbers: versions differ in their digest alone."""
    family = make_family(gateway_tracks(), tmp_path_factory.mktemp("gateway"))
    return [family, family]


@pytest.fixture
def gateway_shelf(gateway_families: list[Family], tmp_path: Path) -> BundleStore:
    """A store with one bundle in service."""
    bundle_store = BundleStore(tmp_path / "store", gateway_families)
    bundle_store.publish(0)
    return bundle_store


@pytest.fixture(scope="session")
def served(gateway_families: list[Family], tmp_path_factory: pytest.TempPathFactory) -> ServedCatalogue:
    """The bundle, as the gateway opens it."""
    bundle_store = BundleStore(tmp_path_factory.mktemp("served") / "store", gateway_families)
    bundle_store.publish(0)
    return ServedCatalogue(open_bundle(bundle_store.channel_url, need=FILES))


@dataclass
class Keys:
    """Keys of a database, by name."""

    engine: Engine
    made: dict[str, str] = field(default_factory=dict)

    def make(self, name: str, *scopes: Scope) -> str:
        self.made[name] = create_key(self.engine, name=name, scopes=scopes)[1]
        return self.made[name]

    def header(self, name: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.made[name]}"}


def make_keys(folder: Path, url: str = "") -> Keys:
    """A database, in the folder unless told, with a key for each scope, and one with all."""
    url = url or f"sqlite:///{folder}/segue.db"
    migrate(url)
    keys = Keys(open_engine(url))
    for scope in Scope:
        keys.make(scope.value, scope)
    keys.make("all", *Scope)
    return keys


@dataclass
class Inside:
    """The gateway in a thread of this process, and a client of it with a key that may do anything."""

    client: httpx.Client
    keys: Keys
    gateway: Gateway

    def get(self, path: str, key: str | None = "all", **options: Any) -> httpx.Response:
        headers = {**(self.keys.header(key) if key else {}), **options.pop("headers", {})}
        return self.client.get(path, headers=headers, **options)

    def post(self, path: str, key: str | None = "all", **options: Any) -> httpx.Response:
        headers = {**(self.keys.header(key) if key else {}), **options.pop("headers", {})}
        return self.client.post(path, headers=headers, **options)


@contextmanager
def start_inside(folder: Path, bundle: str, **settings: Any) -> Iterator[Inside]:
    keys = make_keys(folder)
    ours = {
        "transformer_url": "http://127.0.0.1:9",
        "rate_limit_per_minute": 0,
        "poll_seconds": 0.1,
        "breaker_failures": 1000,
        # of the machine that tests run on nothing is known
        "search_deadline_seconds": 20,
    }
    given = GatewaySettings(bundle=bundle, **{**ours, **settings})
    database = DatabaseSettings(url=f"sqlite:///{folder}/segue.db")
    app = build_app(given, database, LogSettings(spool=folder / "spool", flush_seconds=0.02))
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_for(lambda: server.started, "the gateway")
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            inside = Inside(client, keys, app.state.gateway)
            # each comes at its own@throttle
            wait_for(lambda: inside.gateway.versions.is_ready, "the bundle")
            wait_for(lambda: inside.gateway.database.waiting_for is None, "the database")
            wait_for(lambda: inside.gateway.keys is None or inside.gateway.keys.ring.is_loaded, "the keys")
            yield inside
    finally:
        server.should_exit = True
        thread.join(timeout=30)
        keys.engine.dispose()


@pytest.fixture(scope="module")
def inside(gateway_families: list[Family], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    """The gateway in this process, without a transformer, for tests that leave it as it is."""
    folder = tmp_path_factory.mktemp("inside")
    bundle_store = BundleStore(folder / "store", gateway_families)
    bundle_store.publish(0)
    with start_inside(folder, bundle_store.channel_url) as inside:
        yield inside


@dataclass
class Stack:
    """Gateway, transformer and predictor as processes, on one channel."""

    folder: Path
    bundle_store: BundleStore
    keys: Keys
    predictor: Served
    transformer: Served
    gateway: Served

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.gateway.http_port}"

    def call(self, method: str, path: str, body: Any = None, *, key: str = "all", **options: Any) -> Reply:
        headers = {**self.keys.header(key), **options.pop("headers", {})}
        return call(self.gateway.http_port, method, path, body, headers=headers, **options)

    def recommend(self, instance: dict[str, Any], **options: Any) -> Reply:
        return self.call("POST", "/api/recommendations", instance, **options)


@contextmanager
def start_stack(
    folder: Path, families: list[Family], *, database_url: str = "", **flags: str
) -> Iterator[Stack]:
    bundle_store = BundleStore(folder / "store", families)
    bundle_store.publish(0)
    keys = make_keys(folder, database_url)
    ranking = predictor(folder, bundle_store.channel_url, poll_seconds="0.2").start()
    # of the machine that tests run on nothing is known: a deadline that it can keep
    serving = transformer(folder, bundle_store.channel_url, ranking, predictor_deadline_seconds="5").start()
    patient = {"poll_seconds": "0.2", "search_deadline_seconds": "20"}
    front = gateway(folder, bundle_store.channel_url, serving, **{**patient, **flags})
    if database_url:
        front.environment["SEGUE_DATABASE_URL"] = database_url
    front.start()
    try:
        for served in (ranking, serving, front):
            served.wait_ready()
        yield Stack(folder, bundle_store, keys, ranking, serving, front)
    finally:
        codes = [served.stop() for served in (front, serving, ranking)]
        keys.engine.dispose()
    assert codes == [0, 0, 0]


@pytest.fixture(scope="session")
def stack(gateway_families: list[Family], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole, for tests that leave it as it is; started once, since that takes seconds."""
    with start_stack(tmp_path_factory.mktemp("stack"), gateway_families) as stack:
        yield stack
