"""Every error has the shape of its API, whoever raised it; every route asks for a key."""

from __future__ import annotations

import inspect
from typing import Any

import httpx
import pytest
from starlette.exceptions import HTTPException

from segue.errors import (
    BundleError,
    ChannelPinned,
    DatabaseUnavailable,
    NoSuchChannel,
    RequestError,
    StoreUnavailable,
    UnknownSeeds,
)
from serving import errors
from serving.errors import ServiceError
from serving.gateway import schemas
from serving.gateway.access import OPEN_PATHS
from serving.gateway.error_responses import as_service_error, write_error
from tests.gateway.conftest import NATIVE_TRACK, Inside


def kinds() -> list[ServiceError]:
    """One of every class of the tree."""
    made: list[ServiceError] = []
    for name in errors.__all__:
        kind = getattr(errors, name)
        if inspect.isclass(kind) and issubclass(kind, ServiceError):
            more: dict[str, Any] = {"retry_after_seconds": 3} if name == "TooManyRequests" else {}
            made.append(kind("what was seen", **more))
    return made


def check_native(reply: httpx.Response) -> None:
    assert reply.headers["content-type"] == "application/problem+json"
    problem = schemas.Problem.model_validate(reply.json())
    assert problem.status == reply.status_code
    assert problem.type.startswith("urn:segue:")
    assert problem.detail
    assert problem.request_id == reply.headers["x-request-id"]


def check_spotify(reply: httpx.Response) -> None:
    assert reply.headers["content-type"] == "application/json"
    assert list(reply.json()) == ["error"]
    assert list(reply.json()["error"]) == ["status", "message"]
    assert reply.json()["error"]["status"] == reply.status_code
    assert reply.json()["error"]["message"]


def check_oauth(reply: httpx.Response) -> None:
    assert reply.headers["content-type"] == "application/json"
    assert list(reply.json()) == ["error", "error_description"]
    assert all(isinstance(value, str) and value for value in reply.json().values())


def test_it_writes_every_kind_in_the_shape_of_its_api() -> None:
    assert len(kinds()) >= 13
    for error in kinds():
        native = {"type", "title", "status", "detail", "instance", "request_id", *error.fields}
        for path, keys in (
            ("/api/search", native),
            ("/v1/search", {"error"}),
            ("/api/token", {"error", "error_description"}),
        ):
            response = write_error(path, error)
            reply = httpx.Response(response.status_code, content=bytes(response.body))
            assert reply.status_code == error.status
            assert set(reply.json()) == keys
    retry = {error.status for error in kinds() if "retry-after" in error.headers}
    assert retry == {429, 503}
    assert {error.status for error in kinds() if "www-authenticate" in error.headers} == {401}


@pytest.mark.parametrize(
    ("raised", "status"),
    [
        (RequestError("k", "wrong"), 400),
        (UnknownSeeds(["a"]), 404),
        (BundleError("gone"), 404),
        (ChannelPinned("pinned"), 409),
        (NoSuchChannel("no such channel"), 404),
        (StoreUnavailable("away"), 503),
        (DatabaseUnavailable("away"), 503),
        (HTTPException(404), 404),
        (HTTPException(405), 405),
        (HTTPException(418), 500),
        (KeyError("a bug"), 500),
    ],
)
def test_it_knows_what_the_library_raises(raised: Exception, status: int) -> None:
    refused = as_service_error(raised)
    assert refused.status == status
    assert "a bug" not in refused.detail


def test_it_keeps_the_shape_for_what_the_framework_refuses(inside: Inside) -> None:
    for path in ("/api/nothing", "/nothing", "/api/bundles/xyz/report", "/api/search?limit=x", "/api/tracks"):
        reply = inside.get(path)
        assert 400 <= reply.status_code < 500, path
        check_native(reply)
    for path in ("/api/recommendation", "/v1/artists/x"):
        assert "there is no such path; see /docs" in inside.get(path).text
    for path in ("/v1/nothing", "/v1/search", "/v1/search?q=a&limit=0", "/v1/tracks"):
        reply = inside.get(path)
        assert 400 <= reply.status_code < 500, path
        check_spotify(reply)
    for path, check in (("/api/search", check_native), ("/v1/search", check_spotify)):
        reply = inside.post(path)
        assert (reply.status_code, "GET" in reply.headers["allow"]) == (405, True)
        assert "this path takes only GET" in reply.text
        check(reply)
    for form in ({}, {"grant_type": "password"}, {"grant_type": "client_credentials"}):
        check_oauth(inside.post("/api/token", key=None, data=form))
    check_oauth(inside.get("/api/token"))


def test_it_keeps_the_shape_for_a_body_over_the_limit(inside: Inside) -> None:
    reply = inside.post("/api/recommendations", content=b" " * 1_100_000)
    assert reply.status_code == 413
    check_native(reply)

    def endless() -> Any:
        for _ in range(20):
            yield b" " * 100_000

    reply = inside.post("/api/recommendations", content=endless())
    assert reply.status_code == 413
    check_native(reply)
    reply = inside.post("/api/token", content=b"a" * 1_100_000)
    assert reply.status_code == 413
    check_oauth(reply)


def test_it_answers_a_fault_of_its_own_without_telling_it(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("the secret of the house")

    monkeypatch.setattr(type(inside.gateway.catalogue.search), "search", broken)
    for path, check in (("/api/search?q=a", check_native), ("/v1/search?q=a", check_spotify)):
        reply = inside.get(path)
        assert reply.status_code == 500
        check(reply)
        assert "secret" not in reply.text


def operations(inside: Inside) -> list[tuple[str, str]]:
    paths = inside.get("/openapi.json", key=None).json()["paths"]
    return [(method, path) for path, item in paths.items() for method in item]


def test_it_lets_nobody_in_without_a_key(inside: Inside) -> None:
    seen = operations(inside)
    assert len(seen) >= 25
    for method, path in seen:
        if path in OPEN_PATHS:
            continue
        for headers in ({}, {"authorization": "Bearer nobody.nothing"}, {"authorization": "Basic eDp5"}):
            reply = inside.client.request(method, path, headers=headers)
            assert reply.status_code == 401, (method, path)
            assert reply.headers["www-authenticate"].startswith("Bearer ")
            (check_spotify if path.startswith("/v1/") else check_native)(reply)
    # nor is anybody told what exists
    assert inside.get("/api/nothing", key=None).status_code == 401


@pytest.mark.parametrize("key", ["read", "feedback", "admin"])
def test_it_asks_each_route_for_its_own_scope(inside: Inside, key: str) -> None:
    move = {"reason": "test", "digest": "0" * 64}
    for method, path in operations(inside):
        if path in OPEN_PATHS:
            continue
        wanted = "read"
        if path == "/api/feedback":
            wanted = "feedback"
        elif method == "post" and path != "/api/recommendations":
            wanted = "admin"
        # nothing may happen: the bundle is unknown, the bodies are wrong
        url = path.replace("{digest}", "0" * 64)
        body = {"json": move if path.endswith("promote") else {}} if method == "post" else {}
        reply = inside.client.request(method, url, headers=inside.keys.header(key), **body)
        assert (reply.status_code == 403) == (wanted != key), (method, path, reply.text)
        if reply.status_code == 403:
            assert f'scope="{wanted}"' in reply.headers["www-authenticate"]


def test_it_describes_every_route_with_its_errors_and_examples(inside: Inside) -> None:
    document = inside.get("/openapi.json", key=None).json()
    assert document["openapi"].startswith("3.1")
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert operation["summary"], (method, path)
            if path not in OPEN_PATHS:
                assert {"4XX", "5XX"} <= set(operation["responses"]), (method, path)
                assert operation["security"] == [{"bearer": []}]
    body = document["paths"]["/api/recommendations"]["post"]["requestBody"]["content"]["application/json"]
    assert len(body["examples"]) == 3
    assert NATIVE_TRACK in str(body["examples"]["tracks"])
    schema = document["components"]["schemas"]["RecommendationRequest"]
    assert {"seeds", "features", "k", "filters", "target", "explain"} <= set(schema["properties"])
