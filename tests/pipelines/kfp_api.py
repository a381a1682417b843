"""A small Kubeflow Pipelines API over real HTTP: the v2beta1 endpoints that a client of ours uses."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PREFIX = "/apis/v2beta1"


class KfpApi:
    """State of the API, and every request that arrived.

    Attributes
    ----------
    experiments, runs, recurring
        What clients made, by id.
    requests
        Method, path, headers and body of every request, in order.
    token
        If set, requests without this bearer token get 401.
    page_size
        Most recurring runs a page.
    fail_deletes
        Deleting answers 500 while this is above 0, and counts down.
    state
        State of runs that are made.
    """

    def __init__(self) -> None:
        self.experiments: dict[str, dict[str, Any]] = {}
        self.runs: dict[str, dict[str, Any]] = {}
        self.recurring: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []
        self.token: str | None = None
        self.page_size = 2
        self.fail_deletes = 0
        self.state = "PENDING"
        self.url = ""
        self._ids = itertools.count(1)

    def answer(self, method: str, url: str, headers: dict[str, str], body: Any) -> tuple[int, Any]:
        parts = urlsplit(url)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.requests.append((method, parts.path, headers, body))
        if self.token and headers.get("authorization") != f"Bearer {self.token}":
            return 401, {"code": 16, "message": "Request not authenticated: the token is wrong"}
        kind, _, name = parts.path.removeprefix(PREFIX).strip("/").partition("/")
        if (method, kind) == ("GET", "healthz"):
            return 200, {"multi_user": True}
        if (method, kind) == ("DELETE", "recurringruns"):
            return self._delete(name)
        if method == "POST":
            return self._create(kind, body)
        if kind == "runs" and name in self.runs:
            return 200, self.runs[name]
        lists = {
            "experiments": lambda: {"experiments": _named(self.experiments, query)},
            "recurringruns": lambda: self._page(query),
            "runs": lambda: {"runs": _of_experiment(self.runs, query)},
        }
        return (200, lists[kind]()) if kind in lists else (404, {"message": f"no such endpoint: {url}"})

    def _create(self, kind: str, body: dict[str, Any]) -> tuple[int, Any]:
        table, key = {
            "experiments": (self.experiments, "experiment_id"),
            "runs": (self.runs, "run_id"),
            "recurringruns": (self.recurring, "recurring_run_id"),
        }[kind]
        made = {**body, key: f"{key.partition('_')[0]}-{next(self._ids)}"}
        if kind == "runs":
            made["state"] = self.state
        if kind == "recurringruns":
            made["status"] = {"ENABLE": "ENABLED"}.get(body["mode"], "DISABLED")
        table[made[key]] = made
        return 200, made

    def _delete(self, name: str) -> tuple[int, Any]:
        if self.fail_deletes:
            self.fail_deletes -= 1
            return 500, {"message": "the database is away"}
        del self.recurring[name]
        return 200, {}

    def _page(self, query: dict[str, str]) -> dict[str, Any]:
        found = _of_experiment(self.recurring, query)
        start = int(query.get("page_token") or 0)
        after = start + self.page_size
        return {
            "recurringRuns": found[start:after],
            "next_page_token": str(after) if after < len(found) else "",
        }


def _named(table: dict[str, Any], query: dict[str, str]) -> list[dict[str, Any]]:
    predicates = json.loads(query.get("filter") or "{}").get("predicates", [])
    wanted = [predicate.get("stringValue") or predicate.get("string_value") for predicate in predicates]
    return [row for row in table.values() if all(row["display_name"] == name for name in wanted)]


def _of_experiment(table: dict[str, Any], query: dict[str, str]) -> list[dict[str, Any]]:
    return [row for row in _named(table, query) if row["experiment_id"] == query.get("experiment_id")]


@contextmanager
def serving() -> Iterator[KfpApi]:
    """Serve the API on a free port of this machine."""
    api = KfpApi()

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, answer = api.answer(self.command, self.path, headers, body)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = _do

        def log_message(self, format: str, *args: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
