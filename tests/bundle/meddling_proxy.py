"""A proxy in front of a real MinIO that does what networks and lesser stores do.

It forwards bytes and the Host header as they are, so signatures hold; a test arms it with a rule.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Rule = Callable[[str, str], str]
"""(method, path) → "pass", "lose answer", "busy", "timeout", "html" or "no conditions"."""


@dataclass
class Proxy:
    """Where it listens, what it does, and what it saw as (method, path, what it did)."""

    endpoint: str
    rule: Rule = field(default=lambda _method, _path: "pass")
    seen: list[tuple[str, str, str]] = field(default_factory=list)


_ERROR = b'<?xml version="1.0"?><Error><Code>%s</Code><Message>from the proxy</Message></Error>'
_ANSWERS = {
    "busy": (503, "application/xml", _ERROR % b"SlowDown"),
    "timeout": (400, "application/xml", _ERROR % b"RequestTimeout"),
    "html": (502, "text/html", b"<h1>Bad gateway</h1>"),
    "no conditions": (501, "application/xml", _ERROR % b"NotImplemented"),
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: Proxy
    upstream: str

    def do_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        action = self.proxy.rule(self.command, self.path)
        self.proxy.seen.append((self.command, self.path.partition("?")[0], action))
        is_conditional = "If-Match" in self.headers or "If-None-Match" in self.headers
        if action in _ANSWERS and (action != "no conditions" or is_conditional):
            self._answer(*_ANSWERS[action])
        else:
            self._forward(body, loses_answer=action == "lose answer")

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = do_any

    def _forward(self, body: bytes, *, loses_answer: bool) -> None:
        connection = http.client.HTTPConnection(self.upstream, timeout=10)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        if loses_answer:
            self.close_connection = True
            return
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(data))
        self.send_header("Content-Length", length or "0")
        self.end_headers()
        self.wfile.write(data)

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def running(upstream: str) -> Iterator[Proxy]:
    """A proxy to host:port, on a port of its own."""

    class Handler(_Handler):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy = Handler.proxy = Proxy(f"127.0.0.1:{server.server_address[1]}")
    Handler.upstream = upstream
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
