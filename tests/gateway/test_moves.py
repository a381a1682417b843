"""Moving a channel over HTTP: promotion, pins, and what refuses them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from segue.bundle.channel import Channel
from tests.gateway.conftest import Inside, start_inside
from tests.serving.conftest import BundleStore


@dataclass
class Moves:
    """A gateway on a channel with a champion and a challenger."""

    inside: Inside
    bundle_store: BundleStore
    champion: str
    challenger: str

    def ask(self, action: str, **body: Any) -> httpx.Response:
        return self.inside.post(f"/api/bundles/{action}", key="admin", json={"reason": "a test", **body})

    @property
    def channel(self) -> Channel:
        return self.bundle_store.channel


@pytest.fixture
def moves(gateway_shelf: BundleStore, tmp_path: Path) -> Iterator[Moves]:
    champion = gateway_shelf.channel.digest
    assert champion is not None
    challenger = gateway_shelf.publish(1, promote=False)
    with start_inside(tmp_path, gateway_shelf.channel_url) as inside:
        yield Moves(inside, gateway_shelf, champion, challenger)


def test_it_promotes_and_says_who_and_why(moves: Moves) -> None:
    reply = moves.ask("promote", digest=moves.challenger, reason="heard it, liked it")
    assert reply.status_code == 200
    moved = moves.channel
    assert reply.json() == moved.model_dump(mode="json")
    assert (moved.digest, moved.previous) == (moves.challenger, (moves.champion,))
    assert (moved.by, moved.reason, moved.pinned) == ("admin", "heard it, liked it", False)


def test_it_keeps_a_pinned_channel_unless_forced(moves: Moves) -> None:
    pinned = moves.ask("pin", reason="a holiday")
    assert (pinned.status_code, pinned.json()["pinned"], pinned.json()["reason"]) == (200, True, "a holiday")
    refused = moves.ask("promote", digest=moves.challenger)
    assert (refused.status_code, "pinned" in refused.json()["detail"]) == (409, True)
    assert moves.channel.digest == moves.champion
    forced = moves.ask("promote", digest=moves.challenger, force=True)
    assert (forced.status_code, moves.channel.digest) == (200, moves.challenger)


def test_it_refuses_who_saw_an_older_channel(moves: Moves) -> None:
    seen = moves.channel.generation
    assert moves.ask("pin").status_code == 200
    late = moves.ask("promote", digest=moves.challenger, force=True, expected_generation=seen)
    assert late.status_code == 409
    assert moves.channel.digest == moves.champion
    now = moves.channel.generation
    assert moves.ask("promote", digest=moves.challenger, force=True, expected_generation=now).is_success


def test_it_refuses_a_bundle_that_is_not_there_or_not_whole(moves: Moves) -> None:
    missing = moves.ask("promote", digest="0" * 64)
    assert (missing.status_code, missing.json()["type"]) == (404, "urn:segue:not-found")
    broken = moves.bundle_store.root / "bundles" / moves.challenger / "popularity.txt"
    broken.write_bytes(broken.read_bytes() + b"\n")
    assert 400 <= moves.ask("promote", digest=moves.challenger).status_code < 500
    assert moves.channel.digest == moves.champion


def test_it_makes_no_channel_of_a_name_that_is_not_there(moves: Moves) -> None:
    for action in ("pin", "unpin", "rollback"):
        reply = moves.ask(action, channel="champoin")
        assert (reply.status_code, reply.json()["type"]) == (404, "urn:segue:not-found")
        assert "has no channel champoin: it has champion" in reply.json()["detail"]
    assert [path.name for path in (moves.bundle_store.root / "channels").iterdir()] == ["champion.json"]
    made = moves.ask("promote", channel="canary", digest=moves.challenger)
    assert (made.status_code, moves.ask("pin", channel="canary").status_code) == (200, 200)


def test_it_leaves_the_channel_where_a_move_says_too_little_or_too_much(moves: Moves) -> None:
    before = moves.channel
    for action, body in (
        ("pin", {"reason": ""}),
        ("rollback", {"digest": moves.challenger}),
        ("promote", {}),
        ("promote", {"digest": "champion"}),
    ):
        reply = moves.ask(action, **body)
        assert 400 <= reply.status_code < 500, (action, body, reply.text)
    # nothing came before the first bundle
    assert moves.ask("rollback").status_code == 409
    assert moves.channel == before
