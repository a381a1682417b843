"""An error in answering one instance fails that one alone, whatever way the call came in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.serving.conftest import Family, Pair, start_pair, with_faulty_track
from tests.serving.processes import call

FAULTY = "id000007"
GOOD = {"seeds": ["id000500"], "k": 3}
# what is explained is read from the faulty track
BAD = {"seeds": [FAULTY], "k": 3, "explain": True}


@pytest.fixture(scope="module")
def faulty(families: list[Family], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("faulty")
    family = with_faulty_track(families[0], folder, FAULTY)
    with start_pair(folder, [family, family]) as pair:
        yield pair


def test_it_answers_the_other_instances_of_a_batch(faulty: Pair) -> None:
    alone = faulty.transformer.predict(GOOD).json["predictions"][0]
    errors = faulty.transformer.metric("segue_requests_total", outcome="error")
    reply = faulty.transformer.predict(GOOD, BAD, GOOD)
    assert reply.status == 200
    first, failed, last = reply.json["predictions"]
    assert first == last == alone
    assert list(failed) == ["error"]
    assert reply.headers["x-request-id"] in failed["error"]
    assert "IndexError" not in failed["error"]
    assert faulty.transformer.metric("segue_requests_total", outcome="error") == errors + 1


def test_it_logs_the_error_with_the_instance_that_met_it(faulty: Pair) -> None:
    before = len(faulty.transformer.lines("could not be answered"))
    headers = {"x-request-id": "who-did-it"}
    faulty.transformer.predict(GOOD, BAD, headers=headers)
    (line,) = faulty.transformer.lines("could not be answered")[before:]
    assert line["request_id"] == "who-did-it"
    assert "IndexError" in line["error"]
    assert json.loads(line["instance"])["seeds"] == [{"track_id": FAULTY}]


def test_it_answers_500_where_no_instance_can_be_answered(faulty: Pair) -> None:
    for instances in ([BAD], [BAD, BAD]):
        reply = faulty.transformer.predict(*instances)
        assert reply.status == 500
        assert reply.json["error"].startswith("an error of the server's own")
        assert "predictions" not in reply.json


def test_it_still_refuses_a_whole_call_for_a_wrong_instance_beside_it(faulty: Pair) -> None:
    wrong: dict[str, Any] = {"seeds": ["id000500"], "target": {"loudness": 1}, "features": {"loud": 1}}
    reply = faulty.transformer.predict(BAD, wrong)
    assert reply.status == 400
    assert reply.json["field"] == "instances[1].features.loud"
    reply = faulty.transformer.predict(BAD, {"seeds": ["nobody"]})
    assert reply.status == 404
    assert reply.json["error"].startswith("instances[1]: ")


def test_it_answers_the_others_over_v2_too(faulty: Pair) -> None:
    data = [json.dumps(GOOD), json.dumps(BAD)]
    body = {"inputs": [{"name": "request", "shape": [2], "datatype": "BYTES", "data": data}]}
    reply = call(faulty.transformer.http_port, "POST", "/v2/models/segue/infer", body)
    assert reply.status == 200
    good, failed = map(json.loads, reply.json["outputs"][0]["data"])
    assert len(good["items"]) == 3
    assert list(failed) == ["error"]
