"""Keys, tokens, rates, and a database that is not there."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY

from segue.keys import Scope, revoke_key
from serving.errors import TooManyRequests
from serving.gateway.access import Limits
from tests.gateway.conftest import Inside, make_keys, start_inside
from tests.serving.conftest import BundleStore, Family
from tests.serving.processes import Served, call, gateway, wait_for


@pytest.fixture(params=[{}])
def own(gateway_shelf: BundleStore, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Inside]:
    """A gateway of this test's own, with settings of its own."""
    with start_inside(tmp_path, gateway_shelf.channel_url, **request.param) as inside:
        yield inside


def token(inside: Inside, credential: str, *, in_form: bool = False) -> httpx.Response:
    client, _, secret = credential.partition(".")
    form = {"grant_type": "client_credentials"}
    if in_form:
        return inside.client.post("/api/token", data={**form, "client_id": client, "client_secret": secret})
    return inside.client.post("/api/token", data=form, auth=(client, secret))


@pytest.mark.parametrize("in_form", [False, True])
def test_it_gives_a_token_for_a_keys_id_and_secret(inside: Inside, in_form: bool) -> None:
    reply = token(inside, inside.keys.made["read"], in_form=in_form)
    assert reply.status_code == 200
    assert reply.headers["cache-control"] == "no-store"
    value = reply.json()
    assert (value["token_type"], value["expires_in"]) == ("Bearer", 3600)
    bearer = {"authorization": f"Bearer {value['access_token']}"}
    assert inside.client.get("/api/genres", headers=bearer).status_code == 200
    # it can do what its key can
    assert inside.client.post("/api/feedback", headers=bearer, json={}).status_code == 403


def test_it_refuses_a_wrong_secret_as_oauth_does(inside: Inside) -> None:
    key_id = inside.keys.made["read"].partition(".")[0]
    for credential in (f"{key_id}.wrong", "nobody.secret"):
        reply = token(inside, credential)
        assert (reply.status_code, reply.json()["error"]) == (401, "invalid_client")
        assert reply.headers["www-authenticate"].startswith("Basic ")
    reply = inside.client.post("/api/token", data={"grant_type": "client_credentials"})
    assert (reply.status_code, reply.json()["error"]) == (401, "invalid_client")
    reply = inside.client.post("/api/token", data={"grant_type": "authorization_code"})
    assert (reply.status_code, reply.json()["error"]) == (400, "unsupported_grant_type")
    many = {"grant_type": "client_credentials", **{f"field{number}": "x" for number in range(30)}}
    reply = inside.client.post("/api/token", data=many)
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("own", [{"keys_ttl_seconds": 3600.0}], indirect=True)
def test_it_takes_a_key_that_was_made_a_moment_ago(own: Inside) -> None:
    own.keys.make("new", Scope.READ)
    assert own.get("/api/genres", key="new").status_code == 200
    own.keys.make("newer", Scope.READ)
    # somebody who tries keys must not make the database work
    own.get("/api/genres", headers={"authorization": "Bearer nobody.nothing"}, key=None)
    wait_for(lambda: own.get("/api/genres", key="newer").status_code == 200, "the second key", seconds=5)


@pytest.mark.parametrize("own", [{"keys_ttl_seconds": 0.2}], indirect=True)
def test_it_ends_a_revoked_key_and_its_tokens(own: Inside) -> None:
    bearer = {"authorization": f"Bearer {token(own, own.keys.made['read']).json()['access_token']}"}
    assert own.client.get("/api/genres", headers=bearer).status_code == 200
    revoke_key(own.keys.engine, own.keys.made["read"].partition(".")[0])
    wait_for(lambda: own.get("/api/genres", key="read").status_code == 401, "the key to end", seconds=5)
    assert own.client.get("/api/genres", headers=bearer).status_code == 401
    assert own.get("/api/genres", key="all").status_code == 200


@pytest.mark.parametrize("own", [{"auth": "off"}], indirect=True)
def test_it_asks_for_nothing_where_authentication_is_off(own: Inside) -> None:
    assert own.client.get("/api/genres").status_code == 200
    assert own.client.post("/api/bundles/pin", json={"reason": "test"}).json()["by"] == "anonymous"
    # clients that log in before anything else still work
    given = token(own, "any.thing").json()["access_token"]
    assert own.client.get("/v1/search?q=a", headers={"authorization": f"Bearer {given}"}).status_code == 200


def wait_for_room_in_the_minute() -> None:
    """Windows begin with the minute: what is counted on both sides of that moment weighs less."""
    wait_for(lambda: time.time() % 60 < 57, "the next minute")


@pytest.mark.parametrize("own", [{"rate_limit_per_minute": 5}], indirect=True)
def test_it_bounds_the_rate_of_each_key(own: Inside) -> None:
    def refusals() -> float:
        return REGISTRY.get_sample_value("segue_gateway_rate_limited_total") or 0.0

    before = refusals()
    wait_for_room_in_the_minute()
    codes = [own.get("/api/genres", key="read").status_code for _ in range(7)]
    assert codes == [200] * 5 + [429] * 2
    refused = own.get("/v1/search?q=a", key="read")
    assert refused.json()["error"]["status"] == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 61
    assert own.get("/api/genres", key="all").status_code == 200
    assert own.get("/healthz", key=None).status_code == 200
    assert refusals() == before + 3


@pytest.mark.parametrize("own", [{"rate_limit_per_minute": 5}], indirect=True)
def test_it_bounds_guesses_at_a_secret_and_not_the_one_who_has_it(own: Inside) -> None:
    wait_for_room_in_the_minute()
    key_id = own.keys.made["read"].partition(".")[0]
    codes = [token(own, f"{key_id}.guess{number}").status_code for number in range(8)]
    assert codes == [401] * 5 + [429] * 3
    assert token(own, own.keys.made["read"]).status_code == 200
    assert [own.get("/api/genres", key="read").status_code for _ in range(5)] == [200] * 4 + [429]


def test_it_lets_a_key_go_on_once_its_minute_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = Limits(2)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    limits.take("a")
    limits.take("a")
    with pytest.raises(TooManyRequests) as refused:
        limits.take("a")
    now += int(refused.value.headers["retry-after"]) + 60
    limits.take("a")


@pytest.mark.parametrize("own", [{"cors_origins": "https://page.example"}], indirect=True)
def test_it_lets_pages_of_named_origins_call(own: Inside) -> None:
    asked = {"origin": "https://page.example", "access-control-request-method": "POST"}
    preflight = own.client.options("/api/recommendations", headers=asked)
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (
        200,
        "https://page.example",
    )
    other = own.get("/api/genres", headers={"origin": "https://other.example"})
    assert "access-control-allow-origin" not in other.headers


def test_it_lets_no_page_call_unless_told(inside: Inside) -> None:
    reply = inside.get("/api/genres", headers={"origin": "https://page.example"})
    assert "access-control-allow-origin" not in reply.headers


def test_it_lives_without_a_database_and_says_so_until_it_comes(
    gateway_shelf: BundleStore, tmp_path: Path
) -> None:
    away = tmp_path / "away"
    away.mkdir()
    # a folder where the file should be: SQLite can't open it
    (away / "segue.db").mkdir()
    served = gateway(away, gateway_shelf.channel_url, keys_ttl_seconds="0.2").start()
    try:
        wait_for(lambda: served.live, "the gateway", about=served.tail)
        missing = state(served)["missing"]
        assert {"database", "keys"} <= set(missing), missing
        headers = {"authorization": "Bearer a.b"}
        reply = call(served.http_port, "GET", "/api/genres", headers=headers)
        assert (reply.status, "database" in reply.json["detail"]) == (503, True)
        (away / "segue.db").rmdir()
        # the bundle and the database are looked for each at its own pace
        wait_for(
            lambda: set(state(served)["missing"]) == {"transformer"},
            "the database, the keys and the bundle",
            about=served.tail,
        )
        assert call(served.http_port, "GET", "/api/genres", headers=headers).status == 401
    finally:
        assert served.stop() == 0


def test_it_lives_without_a_bundle_and_says_so_until_it_comes(
    gateway_families: list[Family], tmp_path: Path
) -> None:
    bundle_store, keys = BundleStore(tmp_path / "store", gateway_families), make_keys(tmp_path)
    served = gateway(tmp_path, bundle_store.channel_url, poll_seconds="0.1").start()
    try:
        wait_for(lambda: served.live, "the gateway", about=served.tail)
        wait_for(lambda: set(state(served)["missing"]) == {"bundle", "transformer"}, "database and keys")
        waiting = f"waiting for the first bundle in {bundle_store.channel_url}"
        assert state(served)["missing"]["bundle"] == waiting
        for path in ("/api/genres", "/api/search?q=a", "/v1/search?q=a"):
            reply = call(served.http_port, "GET", path, headers=keys.header("read"))
            assert (reply.status, waiting in reply.content.decode()) == (503, True), path
            assert int(reply.headers["retry-after"]) >= 1
        digest = bundle_store.publish(0)
        wait_for(lambda: state(served)["digest"] == digest, "the bundle", about=served.tail)
        assert set(state(served)["missing"]) == {"transformer"}
        assert call(served.http_port, "GET", "/api/genres", headers=keys.header("read")).status == 200
    finally:
        keys.engine.dispose()
        assert served.stop() == 0


def state(served: Served) -> Any:
    return call(served.http_port, "GET", "/readyz").json


@pytest.mark.parametrize("own", [{"keys_ttl_seconds": 0.2}], indirect=True)
def test_it_locks_nobody_out_while_the_database_is_away(own: Inside, tmp_path: Path) -> None:
    database = tmp_path / "segue.db"
    with sqlite3.connect(database) as connection:
        connection.execute("ALTER TABLE api_keys RENAME TO gone")
    assert own.gateway.keys is not None
    ring = own.gateway.keys.ring
    wait_for(lambda: ring.age_seconds > 0.6, "keys that could not be read again")
    assert own.get("/api/genres", key="read").status_code == 200
    assert own.get("/readyz", key=None).json()["missing"].keys() == {"transformer"}
    assert own.get("/api/stats", key="read").status_code == 200


def test_it_reads_unknown_keys_once_for_all_who_wait(inside: Inside) -> None:
    keys = inside.gateway.keys
    assert keys is not None

    async def ask() -> None:
        await asyncio.gather(*(keys.look_for(f"nobody{number}.x") for number in range(50)))

    before = time.monotonic()
    asyncio.run(ask())
    assert time.monotonic() - before < 2
