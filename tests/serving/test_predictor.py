"""The predictor's tensors: what comes in, what goes out, and what is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import numpy as np
import pytest
from kserve import InferenceGRPCClient, InferInput, InferRequest

from tests.serving.conftest import Pair
from tests.serving.processes import call

INFER = "/v2/models/segue/infer"
PREDICT = "/v1/models/segue:predict"


@pytest.fixture(scope="module")
def matrix(pair: Pair) -> np.ndarray:
    """Some rows of the catalogue, one value missing."""
    pair.bundle_store.expected(pair.digest, {"seeds": ["id000001"]})
    rows = pair.bundle_store.recommenders[0][0].track_matrix(np.arange(40))
    rows[3, 2] = np.nan
    return rows


@pytest.fixture(scope="module")
def predicted(pair: Pair, matrix: np.ndarray) -> np.ndarray:
    return pair.bundle_store.recommenders[0][1].predict(matrix)["popularity"]


def ask(pair: Pair, tensor: InferInput, **parameters: Any) -> Any:
    """One gRPC call to the predictor."""

    async def asked() -> Any:
        client = InferenceGRPCClient(f"127.0.0.1:{pair.predictor.grpc_port}", retries=0)
        try:
            return await client.infer(InferRequest("segue", [tensor], parameters=parameters), timeout=20)
        finally:
            await client.close()

    return asyncio.run(asked())


def fp32(values: np.ndarray, *, raw: bool = True, name: str = "features") -> InferInput:
    tensor = InferInput(name, list(values.shape), "FP32")
    tensor.set_data_from_numpy(values.astype(np.float32), binary_data=raw)
    return tensor


@pytest.mark.parametrize("raw", [True, False])
def test_it_predicts_over_grpc_what_the_booster_predicts(
    pair: Pair, matrix: np.ndarray, predicted: np.ndarray, raw: bool
) -> None:
    response = ask(pair, fp32(matrix, raw=raw))
    output = response.get_output_by_name("predicted_popularity").as_numpy()
    np.testing.assert_array_equal(output.ravel(), predicted)
    assert response.parameters["bundle"].string_param == pair.digest
    assert response.parameters["digests"].string_param == pair.digest


def test_it_predicts_over_rest_with_null_as_missing(
    pair: Pair, matrix: np.ndarray, predicted: np.ndarray
) -> None:
    values = [None if np.isnan(value) else float(value) for value in matrix.ravel()]
    tensor = {"name": "features", "shape": list(matrix.shape), "datatype": "FP32", "data": values}
    reply = call(pair.predictor.http_port, "POST", INFER, {"inputs": [tensor]})
    assert reply.status == 200
    np.testing.assert_allclose(reply.json["outputs"][0]["data"], predicted, rtol=1e-6)
    assert reply.json["parameters"]["bundle"] == pair.digest


def test_it_predicts_rows_of_v1_as_lists_and_as_objects(
    pair: Pair, matrix: np.ndarray, predicted: np.ndarray
) -> None:
    columns = pair.bundle_store.families[0].steps.definition.ranking_columns
    row = [None if np.isnan(value) else float(value) for value in matrix[3]]
    named = {name: value for name, value in zip(columns, row, strict=True) if value is not None}
    reply = call(pair.predictor.http_port, "POST", PREDICT, {"instances": [row, named]})
    assert reply.status == 200
    for prediction in reply.json["predictions"]:
        assert prediction["predicted_popularity"] == pytest.approx(float(predicted[3]), rel=1e-6)


def test_it_adds_contributions_that_sum_to_the_prediction(
    pair: Pair, matrix: np.ndarray, predicted: np.ndarray
) -> None:
    response = ask(pair, fp32(matrix), contributions=True)
    values = response.get_output_by_name("contributions").as_numpy()
    assert values.shape == (40, matrix.shape[1] + 1)
    np.testing.assert_allclose(values.sum(axis=1), predicted, rtol=1e-4)


def test_it_answers_no_rows_with_no_rows(pair: Pair, matrix: np.ndarray) -> None:
    response = ask(pair, fp32(matrix[:0]))
    assert response.get_output_by_name("predicted_popularity").shape == [0]


def test_it_describes_its_tensors(pair: Pair, matrix: np.ndarray) -> None:
    described = call(pair.predictor.http_port, "GET", "/v2/models/segue").json
    assert described["inputs"] == [{"name": "features", "datatype": "FP32", "shape": [-1, matrix.shape[1]]}]
    assert described["outputs"] == [{"name": "predicted_popularity", "datatype": "FP32", "shape": [-1]}]


def test_it_refuses_a_bundle_that_it_lacks_and_says_what_it_has(pair: Pair, matrix: np.ndarray) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        ask(pair, fp32(matrix), bundle="f" * 64)
    assert refused.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    metadata = dict(refused.value.trailing_metadata() or ())
    assert metadata["segue-digests"].split(",") == [pair.digest]
    assert metadata["segue-instance"]
    # for a transformer of version 0.1
    assert f"instance={metadata['segue-instance']}; loaded={pair.digest}" in (refused.value.details() or "")
    reply = call(
        pair.predictor.http_port,
        "POST",
        PREDICT,
        {"instances": [[0.0] * matrix.shape[1]], "bundle": "f" * 64},
    )
    assert reply.status == 412


def wrong_tensors(width: int) -> dict[str, tuple[InferInput, str]]:
    short = InferInput("features", [2, width], "FP32")
    short.set_data_from_numpy(np.zeros((2, width), np.float32))
    short._raw_data = short._raw_data[:-4]
    integers = InferInput("features", [1, width], "INT64")
    integers.set_data_from_numpy(np.zeros((1, width), np.int64))
    infinite = np.zeros((2, width))
    infinite[1, 1] = np.inf
    return {
        "name": (fp32(np.zeros((1, width)), name="rows"), "inputs: expected one tensor 'features'"),
        "width": (fp32(np.zeros((1, width - 1))), f"features: expected shape [n, {width}]"),
        "rank": (fp32(np.zeros(width)), f"features: expected shape [n, {width}]"),
        "type": (integers, "features: expected datatype FP32, got INT64"),
        "bytes": (short, "features: shape"),
        "infinity": (fp32(infinite), "features[1].energy: expected a number or NaN, got inf"),
    }


@pytest.mark.parametrize("kind", ["name", "width", "rank", "type", "bytes", "infinity"])
def test_it_refuses_a_wrong_tensor_by_name(pair: Pair, matrix: np.ndarray, kind: str) -> None:
    tensor, said = wrong_tensors(matrix.shape[1])[kind]
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        ask(pair, tensor)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert (refused.value.details() or "").startswith(said)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"instances": 3}, "instances"),
        ({"instances": [[1, 2]]}, "instances[0]"),
        ({"instances": [{"loud": 1}]}, "'loud'"),
        ({"instances": [["x"] * 16]}, "instances"),
        ([], "body"),
    ],
)
def test_it_refuses_wrong_rows_of_v1(pair: Pair, body: Any, said: str) -> None:
    reply = call(pair.predictor.http_port, "POST", PREDICT, body)
    assert reply.status == 400
    assert said in reply.json["error"]


def test_it_refuses_wrong_json_tensors(pair: Pair, matrix: np.ndarray) -> None:
    width = matrix.shape[1]
    for data in (["x"] * width, [0.0] * (width + 1), [[0.0], [1.0, 2.0]]):
        tensor = {"name": "features", "shape": [1, width], "datatype": "FP32", "data": data}
        reply = call(pair.predictor.http_port, "POST", INFER, {"inputs": [tensor]})
        assert reply.status == 400, data
