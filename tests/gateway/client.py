"""A client that keeps its connection, checks each answer against the library's own, and notes what it saw."""

from __future__ import annotations

import http.client
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from serving.gateway.aliases import alias_of, is_native
from tests.gateway.conftest import NATIVE_TRACK, Stack
from tests.serving.processes import Reply

SEEDS = [NATIVE_TRACK, *(f"id{number:06d}" for number in range(100, 1_300, 100))]
K = 10


def expected_lists(stack: Stack) -> dict[str, dict[str, Any]]:
    """What the library answers to each seed."""
    digest = stack.bundle_store.channel.digest
    assert digest is not None
    return {seed: stack.bundle_store.expected(digest, {"seeds": [seed], "k": K}) for seed in SEEDS}


@dataclass
class Client:
    """One application with a key of its own.

    Attributes
    ----------
    lists
        The tracks of each list that was answered, by impression.
    events
        Feedback that was taken.
    codes
        How often each status came.
    wrong
        Answers that are not what they should be.
    """

    stack: Stack
    key: str
    expected: Mapping[str, Mapping[str, Any]]
    turn: int = 0
    lists: dict[UUID, Sequence[str]] = field(default_factory=dict)
    events: list[UUID] = field(default_factory=list)
    codes: Counter[int] = field(default_factory=Counter)
    refused: list[Reply] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    _connection: http.client.HTTPConnection | None = None

    def run(self, calls: int) -> None:
        """Make so many calls: two lists out of five, a search, a track, feedback."""
        steps = (self._native, self._spotify, self._search, self._track, self._like)
        for _ in range(calls):
            steps[self.turn % len(steps)](SEEDS[self.turn // len(steps) % len(SEEDS)])
            self.turn += 1

    def ask_for_lists(self, calls: int) -> None:
        """Make so many calls, all for lists."""
        for _ in range(calls):
            self._native(SEEDS[self.turn % len(SEEDS)])
            self.turn += 1

    def _native(self, seed: str) -> None:
        reply = self._call("POST", "/api/recommendations", {"seeds": [seed], "k": K})
        if reply.status != 200:
            return
        answer = reply.json
        impression = UUID(answer.pop("impression_id"))
        self._check(answer == self.expected[seed], reply)
        self.lists[impression] = [item["track_id"] for item in answer["items"]]

    def _spotify(self, seed: str) -> None:
        reply = self._call("GET", f"/v1/recommendations?seed_tracks={public(seed)}&limit={K}")
        if reply.status != 200:
            return
        tracks = [item["track_id"] for item in self.expected[seed]["items"]]
        self._check([track["id"] for track in reply.json["tracks"]] == [public(one) for one in tracks], reply)
        self.lists[UUID(reply.headers["x-impression-id"])] = tracks

    def _search(self, _: str) -> None:
        reply = self._call("GET", "/api/search?q=sinnerman&limit=5")
        if reply.status == 200:
            self._check([item["track_id"] for item in reply.json["items"]] == [NATIVE_TRACK], reply)

    def _track(self, seed: str) -> None:
        reply = self._call("GET", f"/v1/tracks/{public(seed)}")
        if reply.status == 200:
            self._check(reply.json["id"] == public(seed), reply)

    def _like(self, _: str) -> None:
        impression, tracks = next(reversed(self.lists.items()))
        event = {"impression_id": str(impression), "track_id": tracks[0], "event": "like"}
        event["feedback_id"] = str(uuid4())
        reply = self._call("POST", "/api/feedback", event)
        if reply.status == 202:
            self.events.append(UUID(event["feedback_id"]))

    def _check(self, is_right: bool, reply: Reply) -> None:
        if not is_right:
            self.wrong.append(reply.content[:500].decode())

    def _call(self, method: str, path: str, body: Any = None) -> Reply:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(
                "127.0.0.1", self.stack.gateway.http_port, timeout=60
            )
        content = None if body is None else json.dumps(body).encode()
        headers = {**self.stack.keys.header(self.key), "x-session-id": self.key}
        self._connection.request(method, path, content, {"content-type": "application/json", **headers})
        answer = self._connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        reply = Reply(answer.status, found, answer.read())
        self.codes[reply.status] += 1
        if reply.status not in (200, 202):
            self.refused.append(reply)
        return reply


def public(track_id: str) -> str:
    """A track's id on the API shaped like Spotify's."""
    return track_id if is_native(track_id) else alias_of("track", track_id)
