"""A server that speaks Spotify's token and tracks endpoints, and fails when a test asks it to."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

CREDENTIALS = ("client-1", "s3cret/+")


@dataclass
class SpotifyServer:
    """What it knows, and what it was asked.

    Attributes
    ----------
    covers
        Address of the cover by track id; a track that is not here is null in the answer.
    fail_with
        Status and headers of every answer while it is set.
    seconds
        How long it takes over tracks.
    """

    covers: dict[str, str] = field(default_factory=dict)
    fail_with: tuple[int, dict[str, str]] | None = None
    seconds: float = 0.0
    tokens: int = 0
    asked: list[list[str]] = field(default_factory=list)
    port: int = 0

    @property
    def settings(self) -> dict[str, str]:
        base = f"http://127.0.0.1:{self.port}"
        return {
            "spotify_client_id": CREDENTIALS[0],
            "spotify_client_secret": CREDENTIALS[1],
            "spotify_api_url": f"{base}/v1",
            "spotify_token_url": f"{base}/api/token",
        }


def track_of(identity: str, url: str | None) -> dict[str, object] | None:
    if url is None:
        return None
    images = [{"url": f"{url}?{size}", "width": size, "height": size} for size in (640, 300, 64)]
    return {"id": identity, "album": {"images": images}}


def handler_of(state: SpotifyServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
            expected = "Basic " + base64.b64encode(":".join(CREDENTIALS).encode()).decode()
            if self.headers["authorization"] != expected or form["grant_type"] != ["client_credentials"]:
                self.answer(400, {"error": "invalid_client"})
                return
            state.tokens += 1
            self.answer(200, {"access_token": f"t{state.tokens}", "token_type": "Bearer", "expires_in": 3600})

        def do_GET(self) -> None:
            if self.headers["authorization"] != f"Bearer t{state.tokens}":
                self.answer(401, {"error": {"status": 401, "message": "Invalid access token"}})
                return
            ids = parse_qs(urlsplit(self.path).query)["ids"][0].split(",")
            state.asked.append(ids)
            time.sleep(state.seconds)
            self.answer(200, {"tracks": [track_of(identity, state.covers.get(identity)) for identity in ids]})

        def answer(self, status: int, value: object) -> None:
            headers: dict[str, str] = {}
            if state.fail_with is not None:
                status, headers = state.fail_with
            content = json.dumps(value).encode()
            self.send_response(status)
            for name, text in {"content-length": str(len(content)), **headers}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def spotify_server() -> Iterator[SpotifyServer]:
    state = SpotifyServer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(state))
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
