"""Numbers that mean harm, through the whole: an answer or a 400 that names the field; nobody else is hurt."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pyarrow.parquet as pq
import pytest

from serving.gateway.spotify.tuning import TUNABLE
from tests.gateway.conftest import NATIVE_TRACK, Stack, start_stack
from tests.numbers import FEW_EDGES, PLACES
from tests.serving.conftest import Family, with_faulty_track
from tests.serving.processes import wait_for

pytestmark = pytest.mark.live

KNOWN = {"track_id": NATIVE_TRACK, "artist": "Nina Simone", "genre": "metal"}
TEXTS = (
    "1e-320",
    "-1e-320",
    "3.5e38",
    "1e308",
    "1e400",
    "nan",
    "-inf",
    "9" * 400,
    "0x1",
    "",
    "1_0",
    "١٢",
    "-0",
)
FAULTY = "id000042"


@pytest.mark.parametrize("name", PLACES)
def test_it_answers_any_number_or_names_its_field(stack: Stack, name: str) -> None:
    place = PLACES[name]
    for number in FEW_EDGES:
        reply = stack.recommend({"k": 3, **place.instance(number, KNOWN)})
        if reply.status == 400:
            field = reply.json["field"]
            assert field.startswith(place.field) or place.field.startswith(field), (number, reply.json)
        else:
            assert reply.status == 200, (number, reply.content)
            assert reply.json["items"] or reply.json["reason"], number
    assert stack.gateway.metric("segue_gateway_breaker_open", target="transformer") == 0


@pytest.mark.parametrize("prefix", ["min", "max", "target"])
def test_it_answers_any_number_in_the_spotify_shape_or_names_the_parameter(stack: Stack, prefix: str) -> None:
    for name in TUNABLE:
        for text in TEXTS:
            parameter = f"{prefix}_{name}"
            path = f"/v1/recommendations?seed_tracks={NATIVE_TRACK}&limit=3&{parameter}={quote(text)}"
            reply = stack.call("GET", path)
            if reply.status == 400:
                assert parameter in reply.json["error"]["message"], (text, reply.json)
            else:
                assert reply.status == 200, (parameter, text, reply.content)


@pytest.mark.parametrize(
    "path",
    [
        "/api/stats?bucket_seconds={}",
        "/api/stats?hours={}",
        "/api/search?q=a&limit={}",
        "/v1/search?q=a&type=track&limit={}",
        "/v1/search?q=a&type=track&offset={}",
        f"/v1/recommendations?seed_tracks={NATIVE_TRACK}&limit={{}}",
    ],
)
def test_it_refuses_a_number_out_of_range_in_any_query(stack: Stack, path: str) -> None:
    for text in ("0", "-1", str(10**20), str(2**63), "9" * 5000, "1e308", "1e-320", "nan"):
        assert stack.call("GET", path.format(text)).status in (200, 400), (path, text[:30])


def test_it_logs_every_list_that_was_asked_for_with_such_numbers(stack: Stack) -> None:
    instance = {"seeds": [NATIVE_TRACK], "k": 3, "popularity_weight": 5e-324, "target": {"energy": 3.4e38}}
    assert stack.recommend(instance).status == 200
    wait_for(lambda: not stack.gateway.metric("segue_log_spooled_total"), "nothing in the spool")


def test_it_hurts_none_of_a_thousand_beside_requests_that_mean_harm(
    gateway_families: list[Family], tmp_path: Path
) -> None:
    family = with_faulty_track(gateway_families[0], tmp_path, FAULTY)
    harmful = [
        {"seeds": [{"genre": "metal", "weight": 1e-320}]},
        {"seeds": [NATIVE_TRACK], "filters": {"min": {"energy": 1e308}}},
        # an error of the server's own, each time
        {"seeds": [FAULTY], "explain": True},
    ]
    ids = pq.read_table(family.parts["tracks.parquet"], columns=["track_id"])["track_id"].to_pylist()
    found: Counter[int] = Counter()
    ended = threading.Event()

    with start_stack(tmp_path, [family, family]) as stack:

        def harm() -> None:
            while not ended.is_set():
                for instance in harmful:
                    found[stack.recommend(instance).status] += 1

        def ask(track_id: str) -> int:
            return stack.recommend({"seeds": [track_id], "k": 5}).status

        thread = threading.Thread(target=harm)
        thread.start()
        try:
            with ThreadPoolExecutor(4) as pool:
                statuses = Counter(pool.map(ask, ids[:1_000]))
        finally:
            ended.set()
            thread.join()
        assert stack.gateway.metric("segue_gateway_breaker_open", target="transformer") == 0
    assert statuses == {200: 1_000}
    assert set(found) == {400, 502}
    assert found[502] >= 20
