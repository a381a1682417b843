"""Connections that are kept: to the transformer, and from a client."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.gateway.conftest import NATIVE_TRACK, start_inside
from tests.serving.conftest import BundleStore

CALLS = 30


@contextmanager
def transformer(answer: dict[str, object]) -> Iterator[tuple[int, list[tuple[str, int]]]]:
    """A transformer that gives one answer; its port, and the addresses from which lists were asked for."""
    callers: list[tuple[str, int]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            callers.append(self.client_address)
            content = json.dumps({"predictions": [answer]}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_address[1], callers
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_it_keeps_the_connections_of_a_client_and_to_the_transformer(
    gateway_shelf: BundleStore, tmp_path: Path
) -> None:
    digest = gateway_shelf.channel.digest
    assert digest is not None
    instance = {"seeds": [NATIVE_TRACK], "k": 3}
    answer = gateway_shelf.expected(digest, instance)
    with (
        transformer(answer) as (port, callers),
        start_inside(
            tmp_path, gateway_shelf.channel_url, transformer_url=f"http://127.0.0.1:{port}"
        ) as inside,
    ):
        connection = http.client.HTTPConnection("127.0.0.1", inside.client.base_url.port, timeout=20)
        connection.auto_open = 0
        connection.connect()
        headers = {**inside.keys.header("read"), "content-type": "application/json"}
        for _ in range(CALLS):
            connection.request("POST", "/api/recommendations", json.dumps(instance), headers)
            reply = connection.getresponse()
            assert json.loads(reply.read())["items"] == answer["items"]
            assert reply.status == 200
        connection.close()
        assert len(callers) == CALLS
        assert len(set(callers)) == 1
