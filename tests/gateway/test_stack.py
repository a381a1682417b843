"""The gateway in front of the real pair, each a process of its own."""

from __future__ import annotations

import gzip
import json
import sqlite3
import uuid

import pytest

from serving.gateway import schemas
from tests.gateway.conftest import NATIVE_TRACK, Stack
from tests.serving.processes import call, wait_for


def rows(stack: Stack, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(stack.folder / "segue.db") as database:
        return database.execute(query).fetchall()


def test_it_answers_what_the_library_answers(stack: Stack) -> None:
    digest = stack.bundle_store.channel.digest
    assert digest is not None
    instance = {"seeds": [NATIVE_TRACK, {"artist": "Кино"}], "k": 7, "explain": True}
    reply = stack.recommend(instance)
    assert reply.status == 200
    answer = reply.json
    assert uuid.UUID(answer.pop("impression_id"))
    assert answer == stack.bundle_store.expected(digest, instance)


@pytest.mark.parametrize(
    ("instance", "status", "said"),
    [
        ({"seeds": ["no-such-track"]}, 404, {"unknown_seeds": ["no-such-track"]}),
        ({"seeds": [NATIVE_TRACK], "k": 101}, 400, {"field": "k"}),
        ({"seeds": [NATIVE_TRACK], "filters": {"year": [2000, 1990]}}, 400, {"field": "filters.year"}),
        # only the bundle knows its features
        ({"features": {"loudnes": 1.0}}, 400, {"field": "features.loudnes"}),
    ],
)
def test_it_refuses_in_one_shape_whoever_refused(
    stack: Stack, instance: dict[str, object], status: int, said: dict[str, object]
) -> None:
    reply = stack.recommend(instance)
    assert reply.status == status
    assert reply.headers["content-type"] == "application/problem+json"
    problem = reply.json
    assert problem["status"] == status
    assert said.items() <= problem.items(), problem
    assert schemas.Problem.model_validate(problem).instance == "/api/recommendations"


def test_it_answers_with_an_empty_list_and_the_reason(stack: Stack) -> None:
    reply = stack.recommend({"seeds": [NATIVE_TRACK], "filters": {"min": {"popularity": 100.5}}})
    assert reply.status == 200
    assert (reply.json["items"], reply.json["reason"]) == ([], "no track passes the filters")
    assert schemas.Recommendations.model_validate(reply.json)


def test_it_logs_what_was_shown_and_what_a_listener_did_with_it(stack: Stack) -> None:
    # the stack is shared: others may have listened before
    before = stack.call("GET", "/api/stats?hours=1").json
    shown = stack.recommend(
        {"seeds": [NATIVE_TRACK], "k": 5}, headers={"x-session-id": "evening-1", "x-request-id": "abc"}
    )
    assert shown.headers["x-request-id"] == "abc"
    impression, items = shown.json["impression_id"], shown.json["items"]
    event = {"impression_id": impression, "track_id": items[1]["track_id"], "event": "like"}
    event["feedback_id"] = str(uuid.uuid4())
    for _ in range(2):
        reply = stack.call("POST", "/api/feedback", event, headers={"x-session-id": "evening-1"})
        assert (reply.status, reply.json) == (202, {"feedback_id": event["feedback_id"]})
    wait_for(lambda: rows(stack, "SELECT 1 FROM feedback WHERE event = 'like'"), "the feedback")
    stats = stack.call("GET", "/api/stats?hours=1").json
    assert schemas.StatsAnswer.model_validate(stats)
    logged = next(one for one in stats["recent"] if one["impression_id"] == impression)
    assert (logged["api"], logged["seeds"], logged["k"], logged["list_size"]) == (
        "native",
        [NATIVE_TRACK],
        5,
        5,
    )
    assert 0 < logged["list_diversity"] < 3
    assert logged["avg_popularity"] == pytest.approx(
        sum(item["popularity"] for item in items) / len(items), abs=0.01
    )
    assert stats["feedback"] == {**before["feedback"], "like": before["feedback"].get("like", 0) + 1}
    assert stats["totals"]["sessions"] == before["totals"]["sessions"] + 1
    assert sum(share["share"] for share in stats["genres"]) == pytest.approx(1, abs=0.01)


def test_it_logs_lists_of_the_spotify_shaped_api_too(stack: Stack) -> None:
    reply = stack.call("GET", f"/v1/recommendations?seed_tracks={NATIVE_TRACK}&limit=4")
    assert reply.status == 200
    impression = reply.headers["x-impression-id"]

    def seen() -> list[str]:
        recent = stack.call("GET", "/api/stats?hours=1").json["recent"]
        return [one["api"] for one in recent if one["impression_id"] == impression]

    wait_for(seen, "the impression")
    assert seen() == ["spotify"]


def test_it_compresses_for_clients_that_take_it(stack: Stack) -> None:
    plain = stack.recommend({"seeds": [NATIVE_TRACK], "k": 50})
    packed = stack.recommend({"seeds": [NATIVE_TRACK], "k": 50}, headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed.content))["items"] == plain.json["items"]
    assert len(packed.content) < len(plain.content) / 2


def test_it_names_the_calls_it_made_in_its_metrics(stack: Stack) -> None:
    def made() -> float:
        return stack.gateway.metric("segue_gateway_transformer_calls_total", outcome="ok")

    before = made()
    assert stack.recommend({"seeds": [NATIVE_TRACK]}).status == 200
    assert made() == before + 1
    refused = stack.gateway.metric("segue_gateway_requests_total", route="/api/recommendations", status="4xx")
    stack.recommend({"seeds": []})
    assert (
        stack.gateway.metric("segue_gateway_requests_total", route="/api/recommendations", status="4xx")
        == refused + 1
    )


def test_it_follows_the_channel(stack: Stack) -> None:
    first = stack.call("GET", "/api/genres").json["digest"]
    second = stack.bundle_store.publish(2)
    wait_for(lambda: stack.call("GET", "/api/genres").json["digest"] == second, "the new bundle")
    wait_for(lambda: stack.recommend({"seeds": [NATIVE_TRACK]}).json["digest"] == second, "the pair")
    listed = {bundle["digest"]: bundle for bundle in stack.call("GET", "/api/bundles").json["items"]}
    assert (listed[second]["in_service"], listed[first]["in_service"]) == (True, False)
    move = {"reason": "as it was"}
    back = stack.call("POST", "/api/bundles/rollback", move)
    assert (back.status, back.json["digest"], back.json["pinned"], back.json["by"]) == (
        200,
        first,
        True,
        "all",
    )
    wait_for(lambda: stack.call("GET", "/api/genres").json["digest"] == first, "the old bundle")
    refused = stack.call("POST", "/api/bundles/promote", {"digest": second, **move})
    assert (refused.status, "pinned" in refused.json["detail"]) == (409, True)
    assert stack.call("POST", "/api/bundles/unpin", move).json["pinned"] is False


def test_it_answers_probes_and_documentation_without_a_key(stack: Stack) -> None:
    for path in ("/healthz", "/readyz", "/metrics", "/docs", "/openapi.json"):
        assert call(stack.gateway.http_port, "GET", path).status == 200, path


def test_it_writes_its_log_as_json_and_never_a_secret(stack: Stack) -> None:
    wait_for(stack.gateway.lines, "a line of the log")
    assert stack.keys.made["all"].partition(".")[2] not in stack.gateway.log.read_text(encoding="utf-8")
