"""Convert between tensors on the wire and arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from kserve import InferRequest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from serving.errors import BadRequest
from serving.protocol import only_tensor, write_v2
from serving.wire import FEATURES, INSTANCES

__all__ = ["encode", "parameter", "read_instances", "read_tensor"]

Floats = npt.NDArray[np.float32]


def parameter(request: InferRequest, name: str) -> str | bool | None:
    """A parameter of a request, from a protobuf map (gRPC) or a dict (REST); None if it is not given."""
    given = request.parameters
    if not given or name not in given:
        return None
    value = given[name]
    if isinstance(value, pb.InferParameter):
        value = getattr(value, value.WhichOneof("parameter_choice") or "string_param")
    if not isinstance(value, str | bool):
        raise BadRequest(f"parameters.{name}: expected a string or a boolean, got {value!r}", field=name)
    return value


def read_tensor(request: InferRequest, columns: Sequence[str]) -> Floats:
    """The tensor ``features``, FP32 [n, f].

    NaN is a missing value, which every feature may have. Raises `BadRequest` for another name, type, shape
    or number of bytes, and for an infinite value, by its row and column.
    """
    tensor = only_tensor(request, FEATURES, "FP32")
    shape = list(tensor.shape)
    if len(shape) != 2 or shape[0] < 0 or shape[1] != len(columns):
        raise BadRequest(f"{FEATURES}: expected shape [n, {len(columns)}], got {shape}", field=FEATURES)
    try:
        flat = (
            np.frombuffer(tensor._raw_data, np.float32)
            if tensor._raw_data is not None
            else np.array(tensor.data, np.float32).ravel()
        )
    except (ValueError, TypeError) as error:
        raise BadRequest(f"{FEATURES}: not a tensor of numbers: {error}", field=FEATURES) from None
    if flat.size != shape[0] * shape[1]:
        raise BadRequest(f"{FEATURES}: shape {shape} does not fit {flat.size} values", field=FEATURES)
    return _finite(flat.reshape(shape), columns)


def read_instances(instances: Sequence[Any], columns: Sequence[str]) -> Floats:
    """Rows of a V1 call: lists in the order of the columns, or objects by column; null is a missing value."""
    rows = [_row(instance, f"{INSTANCES}[{i}]", columns) for i, instance in enumerate(instances)]
    try:
        matrix = np.array(rows, np.float32).reshape(len(rows), len(columns))
    except (ValueError, TypeError) as error:
        raise BadRequest(f"{INSTANCES}: not numbers: {error}", field=INSTANCES) from None
    return _finite(matrix, columns)


def _row(instance: Any, name: str, columns: Sequence[str]) -> list[Any]:
    row = instance
    if isinstance(instance, Mapping):
        if unknown := set(instance).difference(columns):
            raise BadRequest(f"{name}: {min(unknown)!r} is not a column", field=name)
        row = [instance.get(column) for column in columns]
    if not isinstance(row, list) or len(row) != len(columns):
        raise BadRequest(f"{name}: expected {len(columns)} values", field=name)
    return row


def _finite(matrix: Floats, columns: Sequence[str]) -> Floats:
    infinite = np.isinf(matrix)
    if infinite.any():
        row, column = np.argwhere(infinite)[0]
        where = f"{FEATURES}[{row}].{columns[column]}"
        raise BadRequest(f"{where}: expected a number or NaN, got {matrix[row, column]}", field=where)
    return matrix


def encode(request: InferRequest, outputs: Mapping[str, Floats], parameters: Mapping[str, str]) -> Any:
    """A response in the form that the request came in: raw for raw, JSON for JSON."""
    if not (request.from_grpc and request.use_binary_outputs):
        return write_v2(request, outputs, "FP32", parameters)
    return pb.ModelInferResponse(
        id=request.id,
        model_name=request.model_name,
        parameters={name: pb.InferParameter(string_param=value) for name, value in parameters.items()},
        outputs=[
            pb.ModelInferResponse.InferOutputTensor(name=name, datatype="FP32", shape=values.shape)
            for name, values in outputs.items()
        ],
        raw_output_contents=[values.tobytes() for values in outputs.values()],
    )
