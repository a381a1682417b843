"""Read the instances of a call and write their answers: V1, V2 and gRPC, in the forms that kserve uses."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from kserve import InferRequest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.infer_type import deserialize_bytes_tensor

from segue.errors import RequestError
from segue.recommend.answer import Answer
from segue.recommend.request import Request
from serving.errors import BadRequest, invalid_request
from serving.protocol import only_tensor, parse_json, read_v1, write_v2
from serving.wire import INSTANCES, PREDICTIONS, REQUEST, RESPONSE

__all__ = ["Call", "Failure", "read_call"]


@dataclass(frozen=True)
class Failure:
    """The answer to an instance that met a fault of this process."""

    error: str


@dataclass(frozen=True)
class Call:
    """One call, read: its instances, validated, and the V2 request that it came as, None for V1.

    `position` is that of its one instance in the call that it is part of; None for a whole call.
    """

    requests: list[Request]
    origin: InferRequest | None
    position: int | None = None

    def prefix(self, instance: int) -> str:
        """How an error names an instance; empty if the caller sent only one."""
        if self.position is not None:
            return _name(self.position)
        return _name(instance) if len(self.requests) > 1 else ""

    def only(self, instance: int) -> Call:
        """A call with one of the instances."""
        return Call([self.requests[instance]], self.origin, instance)

    def encode(self, answers: Sequence[Answer | Failure]) -> tuple[Any, dict[str, str]]:
        """The answers in the form that the call came in, and headers of the response."""
        if self.origin is None:
            body = orjson.dumps({PREDICTIONS: answers}, option=orjson.OPT_SERIALIZE_NUMPY)
            return body, {"content-type": "application/json"}
        documents = [orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY) for answer in answers]
        if self.origin.from_grpc:
            return _write_grpc(self.origin, documents), {}
        return write_v2(self.origin, {RESPONSE: np.array(documents, np.object_)}, "BYTES"), {}


def read_call(body: Any, *, max_instances: int) -> Call:
    """Read a call, as kserve decoded it, and validate each of its instances.

    Raises `BadRequest`, which names the wrong field and, with several instances, which one.
    """
    origin = body if isinstance(body, InferRequest) else None
    if origin is None:
        _, instances = read_v1(body)
    else:
        instances = [parse_json(text, _name(i)) for i, text in enumerate(_texts(origin))]
    if not 1 <= len(instances) <= max_instances:
        message = f"{INSTANCES}: expected 1 to {max_instances}, got {len(instances)}"
        raise BadRequest(message, field=INSTANCES)
    requests = []
    for i, instance in enumerate(instances):
        if not isinstance(instance, dict):
            raise BadRequest(f"{_name(i)}: expected an object, got {reprlib.repr(instance)}", field=_name(i))
        try:
            requests.append(Request.parse(instance, prefix=_name(i) if len(instances) > 1 else ""))
        except RequestError as error:
            raise invalid_request(error) from None
    return Call(requests, origin)


def _name(instance: int) -> str:
    return f"{INSTANCES}[{instance}]"


def _texts(request: InferRequest) -> list[bytes | str]:
    tensor = only_tensor(request, REQUEST, "BYTES")
    if tensor._raw_data is not None:
        try:
            texts = list(deserialize_bytes_tensor(tensor._raw_data))
        except Exception:  # struct.error, from a length that runs past the end
            raise BadRequest(f"{REQUEST}: the bytes are not a BYTES tensor", field=REQUEST) from None
    else:
        texts = [text for part in tensor.data or () for text in (part if isinstance(part, list) else [part])]
    if int(np.prod(tensor.shape)) != len(texts) or not all(isinstance(text, str | bytes) for text in texts):
        raise BadRequest(f"{REQUEST}: shape {list(tensor.shape)}, {len(texts)} elements", field=REQUEST)
    return texts


def _write_grpc(request: InferRequest, documents: list[bytes]) -> pb.ModelInferResponse:
    response = pb.ModelInferResponse(id=request.id, model_name=request.model_name)
    output = response.outputs.add(name=RESPONSE, datatype="BYTES", shape=[len(documents)])
    if request.use_binary_outputs:
        parts = [part for text in documents for part in (len(text).to_bytes(4, "little"), text)]
        response.raw_output_contents.append(b"".join(parts))
    else:
        output.contents.bytes_contents.extend(documents)
    return response
