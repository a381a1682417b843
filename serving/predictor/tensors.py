"""Between tensors on the wire and arrays: what may come in, and what goes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from kserve import InferOutput, InferRequest, InferResponse
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from serving.errors import BadRequest

__all__ = ["FEATURES", "encode", "parameter", "read_instances", "read_tensor"]

Floats = npt.NDArray[np.float32]

FEATURES = "features"


def parameter(request: InferRequest, name: str) -> str | bool | None:
    """A parameter of a request: a protobuf map over gRPC, a dict over REST; None if it is not given."""
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

    NaN is a missing value, which any feature of a catalogue may be; infinity is none.

    Raises
    ------
    BadRequest
        Another name, type, shape or number of bytes; or an infinite value, by its row and column.
    """
    names = [tensor.name for tensor in request.inputs]
    if names != [FEATURES]:
        raise BadRequest(f"inputs: expected one tensor {FEATURES!r}, got {names}", field="inputs")
    tensor = request.inputs[0]
    if tensor.datatype != "FP32":
        raise BadRequest(f"{FEATURES}: expected datatype FP32, got {tensor.datatype}", field=FEATURES)
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


def read_instances(instances: Any, columns: Sequence[str]) -> Floats:
    """Rows of a V1 call: lists in the order of the columns, or objects by column; null is missing."""
    if not isinstance(instances, list):
        raise BadRequest(f"instances: expected a list, got {type(instances).__name__}", field="instances")
    known = set(columns)
    rows = []
    for i, instance in enumerate(instances):
        if isinstance(instance, Mapping):
            if strange := set(instance) - known:
                raise BadRequest(f"instances[{i}]: {min(strange)!r} is not a column", field=f"instances[{i}]")
            row = [instance.get(column) for column in columns]
        else:
            row = instance
        if not isinstance(row, list) or len(row) != len(columns):
            raise BadRequest(f"instances[{i}]: expected {len(columns)} values", field=f"instances[{i}]")
        rows.append(row)
    try:
        matrix = np.array(rows, np.float32).reshape(len(rows), len(columns))
    except (ValueError, TypeError) as error:
        raise BadRequest(f"instances: not numbers: {error}", field="instances") from None
    return _finite(matrix, columns)


def _finite(matrix: Floats, columns: Sequence[str]) -> Floats:
    infinite = np.isinf(matrix)
    if infinite.any():
        row, column = np.argwhere(infinite)[0]
        where = f"{FEATURES}[{row}].{columns[column]}"
        raise BadRequest(f"{where}: expected a number or NaN, got {matrix[row, column]}", field=where)
    return matrix


def encode(request: InferRequest, outputs: Mapping[str, Floats], parameters: Mapping[str, str]) -> Any:
    """An answer in the form that the request came in: raw for raw, JSON for JSON."""
    if request.from_grpc and request.use_binary_outputs:
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
    wanted = [output.name for output in request.request_outputs or ()]
    if strange := set(wanted) - set(outputs):
        raise BadRequest(f"outputs: {min(strange)!r} is not one of {sorted(outputs)}", field="outputs")
    tensors = []
    for name, values in outputs.items():
        tensor = InferOutput(name, list(values.shape), "FP32")
        tensor.set_data_from_numpy(values, binary_data=False)
        tensors.append(tensor)
    return InferResponse(
        request.id or "",
        request.model_name,
        tensors,
        parameters=dict(parameters),
        use_binary_outputs=request.use_binary_outputs,
        requested_outputs=request.request_outputs,
    )
