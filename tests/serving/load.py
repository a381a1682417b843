"""Clients that never stop asking, and check each answer against the library's own."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.serving.conftest import BundleStore
from tests.serving.processes import Served

SEEDS = [f"id{number:06d}" for number in range(1, 13)]


@dataclass
class Load:
    """Threads that call one of the transformers, go to the next when one hangs up, and note what happens."""

    bundle_store: BundleStore
    transformers: Sequence[Served]
    clients: int = 4
    digests: Counter[str] = field(default_factory=Counter)
    degraded: int = 0
    answered: int = 0
    failures: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: list[threading.Thread] = field(default_factory=list)
    _known: dict[tuple[str, str], Any] = field(default_factory=dict)

    def __enter__(self) -> Load:
        self._threads = [threading.Thread(target=self._run, args=(i,)) for i in range(self.clients)]
        for thread in self._threads:
            thread.start()
        self.go_on(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=60)

    def go_on(self, calls: int, *, seconds: float = 60) -> None:
        """Wait until so many more calls were made."""
        ends, goal = time.monotonic() + seconds, self.calls + calls
        while self.calls < goal and time.monotonic() < ends:
            time.sleep(0.02)
        assert self.calls >= goal, (self.calls, goal, self.failures[-3:])

    @property
    def calls(self) -> int:
        return self.answered + len(self.failures)

    def _run(self, number: int) -> None:
        turn = number
        connection: http.client.HTTPConnection | None = None
        served = self.transformers[0]
        while not self._stop.is_set():
            is_reused = connection is not None
            if connection is None:
                served = self.transformers[turn % len(self.transformers)]
                connection = http.client.HTTPConnection("127.0.0.1", served.http_port, timeout=20)
            seed = SEEDS[turn % len(SEEDS)]
            turn += 1
            answer = None
            try:
                body = json.dumps({"instances": [{"seeds": [seed]}]})
                connection.request(
                    "POST", "/v1/models/segue:predict", body, {"content-type": "application/json"}
                )
                answer = connection.getresponse()
                self._note(answer.status, answer.read(), seed)
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                connection = None
                # a server may close a connection that is idle: every client tries that again elsewhere
                # (a broken pipe or a reset says the same: it was closed before the request was sent, or read)
                is_unread = isinstance(error, ConnectionResetError | BrokenPipeError) and answer is None
                is_idle = is_reused and is_unread
                # no more in the list of those in service: it was chosen a moment too early
                is_gone = isinstance(error, ConnectionRefusedError) and served not in self.transformers
                if not (is_idle or is_gone):
                    self._fail(f"{type(error).__name__}: {error}")

    def _fail(self, what: str) -> None:
        with self._lock:
            self.failures.append(what)
        time.sleep(0.02)

    def _note(self, status: int, content: bytes, seed: str) -> None:
        if status != 200:
            self._fail(f"{status}: {content[:200]!r}")
            return
        answer = json.loads(content)["predictions"][0]
        with self._lock:
            self.answered += 1
            self.digests[answer["digest"]] += 1
            self.degraded += answer["degraded"]
            if answer["degraded"]:
                return
            key = (answer["digest"], seed)
            if key not in self._known:
                self._known[key] = self.bundle_store.expected(answer["digest"], {"seeds": [seed]})
            if answer != self._known[key]:
                self.mixed.append(f"{seed} {answer['digest'][:12]}")
