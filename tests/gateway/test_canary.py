"""Two pairs behind one gateway, each with a bundle of its own: sessions are split between them by weight."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from serving.gateway.split import is_challenged
from tests.gateway.conftest import NATIVE_TRACK, Stack, start_stack
from tests.serving.conftest import Family
from tests.serving.processes import Served, free_port, predictor, transformer

pytestmark = pytest.mark.live

SHARE = 0.3
SESSIONS = 200


@contextmanager
def second_pair(stack: Stack, digest: str, port: int) -> Iterator[Served]:
    bundle = f"{stack.bundle_store.root}/bundles/{digest}"
    ranking = predictor(stack.folder, bundle).start()
    serving = transformer(stack.folder, bundle, ranking, predictor_deadline_seconds="5")
    serving.http_port = port
    serving.start()
    try:
        for served in (ranking, serving):
            served.wait_ready()
        yield serving
    finally:
        for served in (serving, ranking):
            served.stop()


def digest_of(stack: Stack, session: str) -> str:
    reply = stack.recommend({"seeds": [NATIVE_TRACK], "k": 3}, headers={"x-session-id": session})
    assert reply.status == 200, reply.content
    return str(reply.json["digest"])


def test_it_splits_sessions_by_weight_and_keeps_each_where_it_is(
    gateway_families: list[Family], tmp_path: Path
) -> None:
    port = free_port()
    flags = {"challenger_url": f"http://127.0.0.1:{port}", "challenger_share": str(SHARE)}
    sessions = [f"listener-{number}" for number in range(SESSIONS)]
    with start_stack(tmp_path, gateway_families, **flags) as stack:
        champion = stack.bundle_store.channel.digest
        challenger = stack.bundle_store.publish(1, promote=False)
        assert champion != challenger
        with second_pair(stack, challenger, port) as serving:
            first = {session: digest_of(stack, session) for session in sessions}
            assert {session: digest_of(stack, session) for session in sessions} == first
            assert set(first.values()) == {champion, challenger}
            for session, digest in first.items():
                assert (digest == challenger) is is_challenged(session, SHARE)
            # four standard deviations of a share of 0.3 among 200
            assert abs(list(first.values()).count(challenger) / SESSIONS - SHARE) < 0.13
            serving.kill()
            # an experiment that is down costs its listeners nothing
            assert {digest_of(stack, session) for session in sessions[:50]} == {champion}
