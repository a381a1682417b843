"""The pair as two processes: every way in, every field, every row of the table of errors."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import grpc
import numpy as np
import pytest
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest
from kserve.inference_client import RESTConfig

from tests.numbers import FEW_EDGES, PLACES
from tests.serving.conftest import Pair
from tests.serving.processes import call

INFER = "/v2/models/segue/infer"
PREDICT = "/v1/models/segue:predict"

INSTANCES: dict[str, dict[str, Any]] = {
    "one seed": {"seeds": ["id000001"]},
    "several seeds, one weighted": {"seeds": ["id000001", {"track_id": "id000002", "weight": 0.5}]},
    "a negative seed": {"seeds": ["id000001", {"track_id": "id000003", "weight": -0.5}]},
    "an artist": {"seeds": [{"artist": "ARTIST 7"}]},
    "a genre": {"seeds": [{"genre": "metal"}]},
    "raw features": {"seeds": [], "features": {"energy": 0.9, "tempo": 170, "genre": "metal", "key": None}},
    "k and candidates": {"seeds": ["id000001"], "k": 3, "candidates": 40},
    "filters": {
        "seeds": ["id000001"],
        "filters": {
            "genres": ["rap", "metal"],
            "year": [1980, 2010],
            "min": {"energy": 0.3},
            "max": {"tempo": 150},
            "explicit": False,
            "exclude_artists": ["Artist 5"],
            "exclude_tracks": ["id000004"],
        },
    },
    "a target": {"seeds": ["id000001"], "target": {"valence": 0.9}},
    "popularity alone": {"seeds": ["id000001"], "popularity_weight": 1.0},
    "diversity": {"seeds": ["id000001"], "diversity": 0.7},
    "one track an artist": {"seeds": ["id000001"], "max_per_artist": 1},
    "explained": {"seeds": ["id000001"], "k": 4, "explain": True},
    "an unknown seed beside a known one": {"seeds": ["id000001", "nobody"]},
    "nothing passes": {"seeds": ["id000001"], "filters": {"genres": ["polka"]}},
}


@pytest.mark.parametrize("name", INSTANCES)
def test_it_answers_what_the_library_answers(pair: Pair, name: str) -> None:
    reply = pair.transformer.predict(INSTANCES[name])
    assert reply.status == 200
    answer = reply.json["predictions"][0]
    assert answer == pair.bundle_store.expected(pair.digest, INSTANCES[name])
    assert answer["degraded"] is False


def test_it_answers_several_instances_as_one_by_one(pair: Pair) -> None:
    answers = pair.transformer.predict(*INSTANCES.values()).json["predictions"]
    for instance, answer in zip(INSTANCES.values(), answers, strict=True):
        assert answer == pair.bundle_store.expected(pair.digest, instance)


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "application/x-www-form-urlencoded", "text/plain", ""]
)
def test_it_takes_v1_with_any_content_type(pair: Pair, content_type: str) -> None:
    body = json.dumps({"instances": [{"seeds": ["id000001"]}]}).encode()
    headers = {"content-type": content_type}
    reply = call(pair.transformer.http_port, "POST", PREDICT, body, headers=headers)
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    assert len(reply.json["predictions"][0]["items"]) == 10


def bytes_request(*instances: dict[str, Any], raw: bool) -> InferRequest:
    texts = [json.dumps(instance) for instance in instances]
    tensor = InferInput("request", [len(texts)], "BYTES")
    tensor.set_data_from_numpy(np.array([text.encode() for text in texts], np.object_), binary_data=raw)
    return InferRequest("segue", [tensor], request_id="call-1")


@pytest.mark.parametrize("raw", [True, False])
def test_it_answers_kserves_rest_client(pair: Pair, raw: bool) -> None:
    async def ask() -> Any:
        client = InferenceRESTClient(RESTConfig(protocol="v2", timeout=20))
        base = f"http://127.0.0.1:{pair.transformer.http_port}"
        assert await client.is_server_ready(base)
        assert await client.is_model_ready(base, "segue")
        instances = (INSTANCES["one seed"], INSTANCES["filters"])
        return await client.infer(base, bytes_request(*instances, raw=raw), model_name="segue")

    response = asyncio.run(ask())
    output = response.get_output_by_name("response")
    assert output.shape == [2]
    answers = [json.loads(text) for text in output.data]
    assert answers[0] == pair.bundle_store.expected(pair.digest, INSTANCES["one seed"])
    assert answers[1] == pair.bundle_store.expected(pair.digest, INSTANCES["filters"])


@pytest.mark.parametrize("raw", [True, False])
def test_it_answers_kserves_grpc_client(pair: Pair, raw: bool) -> None:
    async def ask() -> Any:
        client = InferenceGRPCClient(f"127.0.0.1:{pair.transformer.grpc_port}")
        try:
            assert await client.is_server_ready()
            assert await client.is_model_ready("segue")
            return await client.infer(bytes_request(INSTANCES["one seed"], raw=raw), timeout=20)
        finally:
            await client.close()

    response = asyncio.run(ask())
    assert response.id == "call-1"
    texts = response.get_output_by_name("response").as_numpy().ravel()
    assert json.loads(texts[0]) == pair.bundle_store.expected(pair.digest, INSTANCES["one seed"])


def test_it_describes_its_tensors(pair: Pair) -> None:
    described = call(pair.transformer.http_port, "GET", "/v2/models/segue").json
    assert described["inputs"] == [{"name": "request", "datatype": "BYTES", "shape": [-1]}]
    assert described["outputs"] == [{"name": "response", "datatype": "BYTES", "shape": [-1]}]


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "k too large": ({"seeds": ["id000001"], "k": 101}, "k"),
    "k too small": ({"seeds": ["id000001"], "k": 0}, "k"),
    "a string for a number": ({"seeds": ["id000001"], "k": "ten"}, "k"),
    "an unknown field": ({"seeds": ["id000001"], "size": 10}, "size"),
    "no seeds": ({"seeds": []}, "seeds"),
    "a year that ends before it begins": (
        {"seeds": ["id000001"], "filters": {"year": [1999, 1990]}},
        "filters.year",
    ),
    "a bound on no column": ({"seeds": ["id000001"], "filters": {"min": {"loud": 1}}}, "filters.min"),
    "a feature that is none": ({"seeds": [], "features": {"loud": 1}}, "features.loud"),
}


@pytest.mark.parametrize("name", WRONG)
def test_it_names_the_wrong_field(pair: Pair, name: str) -> None:
    instance, field = WRONG[name]
    reply = pair.transformer.predict(instance)
    assert reply.status == 400
    assert reply.json["error"].startswith(f"{field}:")
    assert reply.json["field"] == field


NESTED = "[" * 990 + "]" * 990


@pytest.mark.parametrize("instance", ["null", "1e-320", "[]", '"id000001"', NESTED])
def test_it_names_an_instance_that_is_no_object(pair: Pair, instance: str) -> None:
    good = json.dumps({"seeds": ["id000001"]})
    body = f'{{"instances": [{good}, {instance}]}}'.encode()
    reply = call(pair.transformer.http_port, "POST", PREDICT, body)
    assert reply.status == 400
    assert reply.json["field"] == "instances[1]"
    tensor = {"name": "request", "shape": [2], "datatype": "BYTES", "data": [good, instance]}
    reply = call(pair.transformer.http_port, "POST", INFER, {"inputs": [tensor]})
    assert (reply.status, reply.json["field"]) == (400, "instances[1]")


def test_it_names_the_element_of_a_tensor_that_is_not_json(pair: Pair) -> None:
    data = [json.dumps({"seeds": ["id000001"]}), '{"k": 1e400}']
    tensor = {"name": "request", "shape": [2], "datatype": "BYTES", "data": data}
    reply = call(pair.transformer.http_port, "POST", INFER, {"inputs": [tensor]})
    assert (reply.status, reply.json["field"]) == (400, "instances[1]")


def test_it_names_a_field_that_is_nested_deeper_than_python_can_write(pair: Pair) -> None:
    body = f'{{"instances": [{{"seeds": ["id000001"], "features": {{"energy": {NESTED}}}}}]}}'.encode()
    reply = call(pair.transformer.http_port, "POST", PREDICT, body)
    assert (reply.status, reply.json["field"]) == (400, "features.energy")


KNOWN = {"track_id": "id000001", "artist": "Artist 7", "genre": "metal"}


@pytest.mark.parametrize("name", PLACES)
def test_it_answers_any_number_or_names_its_field(pair: Pair, name: str) -> None:
    place = PLACES[name]
    for number in FEW_EDGES:
        reply = pair.transformer.predict({"explain": True, "k": 3, **place.instance(number, KNOWN)})
        if reply.status == 400:
            field = reply.json["field"]
            assert field.startswith(place.field) or place.field.startswith(field), (number, reply.json)
        else:
            assert reply.status == 200, (number, reply.content)
            (answer,) = reply.json["predictions"]
            assert not answer["degraded"], number
            assert all(item["score"] is not None for item in answer["items"]), (number, answer)


@pytest.mark.parametrize("number", [b"1e400", b"-1e400", b"1" * 400, b"NaN", b"Infinity", b"0x10", b"01"])
@pytest.mark.parametrize("field", ["popularity_weight", "k"])
def test_it_refuses_a_number_that_is_not_one_of_jsons(pair: Pair, field: str, number: bytes) -> None:
    body = b'{"instances": [{"seeds": ["id000001"], "%s": %s}]}' % (field.encode(), number)
    reply = call(pair.transformer.http_port, "POST", PREDICT, body)
    assert reply.status == 400, reply.content


@pytest.mark.parametrize("name", WRONG)
def test_it_names_the_wrong_instance_and_refuses_the_whole_call(pair: Pair, name: str) -> None:
    instance, field = WRONG[name]
    reply = pair.transformer.predict({"seeds": ["id000001"]}, instance)
    assert reply.status == 400
    assert reply.json["error"].startswith(f"instances[1].{field}:")
    assert "predictions" not in reply.json


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "the body"),
        (b"[1]", "instances"),
        (b"{}", "instances"),
        (b'{"instances": {}}', "instances"),
        (b'{"instances": []}', "instances"),
        (b'{"instances": [3]}', "instance"),
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
def test_it_refuses_what_is_no_call(pair: Pair, body: bytes, said: str, content_type: str) -> None:
    headers = {"content-type": content_type}
    reply = call(pair.transformer.http_port, "POST", PREDICT, body, headers=headers)
    assert reply.status == 400
    assert said.lower() in reply.json["error"].lower()


@pytest.mark.parametrize(
    "tensor",
    [
        {"name": "features", "shape": [1], "datatype": "BYTES", "data": ["{}"]},
        {"name": "request", "shape": [1], "datatype": "FP32", "data": [1.0]},
        {"name": "request", "shape": [2], "datatype": "BYTES", "data": ["{}"]},
        {"name": "request", "shape": [1], "datatype": "BYTES", "data": ["{"]},
        {"name": "request", "shape": [1], "datatype": "BYTES", "data": ['{"seeds": 3}']},
    ],
)
def test_it_refuses_a_wrong_tensor(pair: Pair, tensor: dict[str, Any]) -> None:
    assert call(pair.transformer.http_port, "POST", INFER, {"inputs": [tensor]}).status == 400


def test_it_lists_unknown_seeds_beside_an_answer(pair: Pair) -> None:
    answer = pair.transformer.predict({"seeds": ["id000001", "x", {"artist": "nobody"}]}).json["predictions"][
        0
    ]
    assert answer["unknown_seeds"] == ["x", "artist:nobody"]
    assert len(answer["items"]) == 10


def test_it_answers_404_with_the_ids_where_all_seeds_are_unknown(pair: Pair) -> None:
    reply = pair.transformer.predict({"seeds": ["x", "y"]})
    assert reply.status == 404
    assert reply.json["unknown_seeds"] == ["x", "y"]


def test_it_says_why_a_list_is_empty(pair: Pair) -> None:
    reply = pair.transformer.predict({"seeds": ["id000001"], "filters": {"genres": ["polka"]}})
    assert reply.status == 200
    answer = reply.json["predictions"][0]
    assert (answer["items"], answer["reason"], answer["degraded"]) == (
        [],
        "no track passes the filters",
        False,
    )


def test_it_refuses_a_body_over_the_limit(pair: Pair) -> None:
    body = json.dumps({"instances": [{"seeds": ["x" * 70_000]}]}).encode()
    assert call(pair.transformer.http_port, "POST", PREDICT, body).status == 413
    assert call(pair.transformer.http_port, "POST", INFER, body).status == 413


@pytest.mark.parametrize("path", [PREDICT, INFER])
def test_it_refuses_a_long_body_that_declares_no_length(pair: Pair, path: str) -> None:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", pair.transformer.http_port, timeout=10)
    headers = {"content-type": "application/json"}
    parts = (b"x" * 20_000 for _ in range(5))
    connection.request("POST", path, parts, headers, encode_chunked=True)
    answer = connection.getresponse()
    assert answer.status == 413
    assert "65536" in json.loads(answer.read())["error"]


def test_it_says_unknown_seeds_and_wrong_fields_over_grpc(pair: Pair) -> None:
    async def ask(instance: dict[str, Any]) -> tuple[grpc.StatusCode, str]:
        client = InferenceGRPCClient(f"127.0.0.1:{pair.transformer.grpc_port}", retries=0)
        try:
            await client.infer(bytes_request(instance, raw=True), timeout=20)
        except grpc.aio.AioRpcError as error:
            return error.code(), error.details() or ""
        finally:
            await client.close()
        raise AssertionError("the call was answered")

    code, details = asyncio.run(ask({"seeds": ["x"]}))
    assert code == grpc.StatusCode.NOT_FOUND
    assert "x" in details
    code, details = asyncio.run(ask({"seeds": ["id000001"], "k": 0}))
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert details.startswith("k:")


def test_it_answers_404_for_another_model(pair: Pair) -> None:
    reply = call(pair.transformer.http_port, "POST", "/v1/models/other:predict", {"instances": []})
    assert reply.status == 404


def test_it_is_not_unloaded_by_a_call(pair: Pair) -> None:
    for served in (pair.transformer, pair.predictor):
        assert call(served.http_port, "POST", "/v2/repository/models/segue/unload").status == 400
        assert call(served.http_port, "POST", "/v2/repository/models/segue/load").status == 200
        assert served.ready


def test_it_keeps_a_request_id_and_makes_one_where_it_is_not_plain(pair: Pair) -> None:
    reply = pair.transformer.predict({"seeds": ["id000001"]}, headers={"x-request-id": "abc-1"})
    assert reply.headers["x-request-id"] == "abc-1"
    made = pair.transformer.predict({"seeds": ["id000001"]}, headers={"x-request-id": "a b"})
    assert len(made.headers["x-request-id"]) == 32
    wrong = pair.transformer.predict({"seeds": []}, headers={"x-request-id": "abc-2"})
    assert wrong.headers["x-request-id"] == "abc-2"
    answered = {line["request_id"]: line["outcome"] for line in pair.transformer.lines("answered")}
    assert answered["abc-1"] == "ok"
    assert answered["abc-2"] == "invalid"


def test_it_counts_what_was_asked_and_answered(pair: Pair) -> None:
    served = pair.transformer
    names = ("segue_instances_total", "segue_unknown_seeds_total", "segue_empty_answers_total")
    before = [served.metric(name) for name in names]
    whole = served.metric("segue_query_bin_total", feature="energy")
    lists = served.metric("segue_output_bin_total", output="score")
    served.predict({"seeds": ["id000001", "x"]}, {"seeds": ["id000001"], "filters": {"genres": ["polka"]}})
    after = [served.metric(name) for name in names]
    assert [now - then for now, then in zip(after, before, strict=True)] == [2, 1, 1]
    assert served.metric("segue_query_bin_total", feature="energy") == whole + 2
    assert served.metric("segue_output_bin_total", output="score") == lists + 10
    assert served.metric("segue_reference_ratio", feature="energy") == pytest.approx(1, abs=1e-3)
    assert served.metric("segue_bundle_info", digest=pair.digest, generation="1") == 1
    assert served.metric("segue_requests_total", outcome="ok") >= 1
    assert 0.9 < served.metric("segue_live_recall", digest=pair.digest) <= 1.0
