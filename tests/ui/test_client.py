"""The client against a server that sends what gateways, proxies and networks send."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import sleep
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr

from serving.ui import faults
from serving.ui.client import GatewayClient
from tests.live_services import free_port

PROBLEM = {"type": "urn:segue:x", "title": "x", "detail": "what the gateway says.", "request_id": "r-1"}


class Answers(BaseHTTPRequestHandler):
    """Answers what the test has set; notes what it was asked."""

    protocol_version = "HTTP/1.1"
    status, headers_out, body, seconds = 200, {}, b"{}", 0.0  # type: ignore[var-annotated]
    seen: ClassVar[list[tuple[str, dict[str, str]]]] = []

    def do_GET(self) -> None:
        kind = type(self)
        kind.seen.append((self.path, dict(self.headers)))
        sleep(kind.seconds)
        self.send_response(kind.status)
        for name, value in {"content-length": str(len(kind.body)), **kind.headers_out}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(kind.body)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def server() -> Iterator[tuple[type[Answers], str]]:
    kind = type("Here", (Answers,), {"seen": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,))
        thread.start()
        yield kind, f"http://127.0.0.1:{running.server_address[1]}/"
        running.shutdown()
        thread.join()


def client(url: str, key: str | None = "id.secret", seconds: float = 2.0) -> GatewayClient:
    return GatewayClient(url, SecretStr(key) if key else None, timeout_seconds=seconds)


def test_it_sends_its_key_and_reads_an_answer_that_says_more_than_it_knows(server: Any) -> None:
    answers, url = server
    answers.body = json.dumps({"items": [{"genre": "jazz", "tracks": 3, "new": 1}], "digest": "d"}).encode()
    assert [item.genre for item in client(url).genres()] == ["jazz"]
    path, headers = answers.seen[0]
    assert path == "/api/genres"
    assert {name.lower(): value for name, value in headers.items()}["authorization"] == "Bearer id.secret"


@pytest.mark.parametrize(
    ("status", "more", "kind"),
    [
        (400, {}, faults.GatewayRefused),
        (401, {}, faults.KeyRefused),
        (403, {}, faults.ScopeMissing),
        (404, {}, faults.NothingThere),
        (404, {"unknown_seeds": ["a", "b"]}, faults.SeedsUnknown),
        (409, {}, faults.GatewayRefused),
        (429, {}, faults.GatewayBusy),
        (500, {}, faults.GatewayBroken),
        (502, {}, faults.GatewayBroken),
        (503, {}, faults.GatewayBusy),
        (504, {}, faults.GatewayBroken),
    ],
)
def test_it_tells_refusals_apart(server: Any, status: int, more: dict[str, Any], kind: type) -> None:
    answers, url = server
    answers.status, answers.headers_out = status, {"retry-after": "7"}
    answers.body = json.dumps({**PROBLEM, **more}).encode()
    with pytest.raises(faults.GatewayFault) as caught:
        client(url).genres()
    assert type(caught.value) is kind
    assert caught.value.values["detail"] == "what the gateway says."
    assert caught.value.values.get("seconds", "7") == "7"
    if more:
        assert caught.value.values["seeds"] == "a, b"


def test_it_says_that_it_has_no_key(server: Any) -> None:
    answers, url = server
    answers.status = 401
    with pytest.raises(faults.NoKey):
        client(url, key=None).genres()


@pytest.mark.parametrize("body", [b"<html>Bad Gateway</html>", b"[]", b"\xff\xfe", b""])
def test_it_does_not_trip_over_what_a_proxy_sends(server: Any, body: bytes) -> None:
    answers, url = server
    answers.body = body
    with pytest.raises(faults.GatewayStrange, match="/api/genres"):
        client(url).genres()
    answers.status = 502
    with pytest.raises(faults.GatewayBroken):
        client(url).genres()


def test_it_says_that_the_gateway_is_slow_or_away(server: Any) -> None:
    answers, url = server
    answers.seconds = 1.0
    with pytest.raises(faults.GatewaySlow, match=r"within 0\.2 s"):
        client(url, seconds=0.2).genres()
    nowhere = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(faults.GatewayAway, match=nowhere):
        client(nowhere).genres()


def test_it_hands_on_where_a_cover_is_but_no_script(server: Any) -> None:
    answers, url = server
    answers.status, answers.headers_out = 307, {"location": "https://img.example/a.jpg"}
    assert client(url).image("/api/tracks/a/image") == "https://img.example/a.jpg"
    answers.headers_out, answers.body = {"location": "javascript:alert(1)"}, b""
    with pytest.raises(faults.GatewayStrange):
        client(url).image("/api/tracks/a/image")
    answers.headers_out = {"location": "ftp://img.example/a.jpg"}
    assert client(url).image("/api/tracks/a/image").startswith("data:image/svg+xml;base64,")
    answers.status, answers.headers_out, answers.body = 200, {"content-type": "image/svg+xml"}, b"<svg/>"
    assert client(url).image("/api/tracks/a/image") == "data:image/svg+xml;base64,PHN2Zy8+"


def test_it_asks_for_many_tracks_in_lists_and_keeps_their_order(server: Any) -> None:
    answers, url = server
    answers.body = json.dumps({"items": [None] * 100, "digest": "d"}).encode()
    ids = [f"id{number}" for number in range(200)]
    assert client(url).tracks([*ids, "with,comma"]) == [None] * 201
    assert len(answers.seen) == 2
    assert "with" not in answers.seen[1][0]


@pytest.mark.parametrize(
    "kind",
    [
        one
        for one in vars(faults).values()
        if isinstance(one, type) and issubclass(one, faults.GatewayFault) and one is not faults.GatewayFault
    ],
)
def test_it_has_words_for_every_fault(kind: type[faults.GatewayFault]) -> None:
    from serving.ui.words import LANGUAGES, say_in

    values = {"url": "u", "seconds": "3", "detail": "d", "seeds": "s", "request_id": "r"}
    for code in LANGUAGES:
        assert all(say_in(code, name, **values) for name in kind.words)
