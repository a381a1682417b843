"""KServe's V1 and V2 protocols, as far as the transformer and the predictor read and write them alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from kserve import InferInput, InferOutput, InferRequest, InferResponse

from serving.errors import BadRequest
from serving.wire import INSTANCES

__all__ = ["only_tensor", "parse_json", "read_v1", "write_v2"]


def parse_json(text: bytes | str, name: str = "body") -> Any:
    """Parse JSON; `name` is the field that an error names."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        what = "the body" if name == "body" else name
        raise BadRequest(f"{what} is not JSON: {error}", field=name) from None


def read_v1(body: Any) -> tuple[dict[str, Any], list[Any]]:
    """Read a V1 call: the body, and the instances in it."""
    # kserve parses JSON only if the content type is exactly application/json
    value = parse_json(body) if isinstance(body, bytes) else body
    if not isinstance(value, dict):
        message = f'the body: expected {{"{INSTANCES}": […]}}, got {type(value).__name__}'
        raise BadRequest(message, field=INSTANCES)
    instances = value.get(INSTANCES)
    if not isinstance(instances, list):
        raise BadRequest(f"{INSTANCES}: expected a list, got {type(instances).__name__}", field=INSTANCES)
    return value, instances


def only_tensor(request: InferRequest, name: str, datatype: str) -> InferInput:
    """The only input of a V2 call; raises `BadRequest` for other inputs or another type."""
    names = [tensor.name for tensor in request.inputs]
    if names != [name]:
        raise BadRequest(f"inputs: expected one tensor {name!r}, got {names}", field="inputs")
    tensor = request.inputs[0]
    if tensor.datatype != datatype:
        raise BadRequest(f"{name}: expected datatype {datatype}, got {tensor.datatype}", field=name)
    return tensor


def write_v2(
    request: InferRequest,
    outputs: Mapping[str, npt.NDArray[Any]],
    datatype: str,
    parameters: Mapping[str, str] | None = None,
) -> InferResponse:
    """Write a V2 response that kserve converts to JSON or gRPC.

    Raises `BadRequest` if the call asks for an output that there is not.
    """
    requested = {output.name for output in request.request_outputs or ()}
    if unknown := requested - set(outputs):
        raise BadRequest(f"outputs: {min(unknown)!r} is not one of {sorted(outputs)}", field="outputs")
    tensors = []
    for name, values in outputs.items():
        tensor = InferOutput(name, list(values.shape), datatype)
        tensor.set_data_from_numpy(np.asarray(values), binary_data=False)
        tensors.append(tensor)
    return InferResponse(
        request.id or "",
        request.model_name,
        tensors,
        parameters=dict(parameters) if parameters else None,
        use_binary_outputs=request.use_binary_outputs,
        requested_outputs=request.request_outputs,
    )
