"""Between calls on the wire and instances: V1, V2 and gRPC, in whatever form kserve hands them over."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from kserve import InferOutput, InferRequest, InferResponse
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.infer_type import deserialize_bytes_tensor

from segue.errors import RequestError
from segue.recommend.answer import Answer
from segue.recommend.request import Request
from serving.errors import BadRequest, as_refusal

__all__ = ["REQUEST", "RESPONSE", "Call", "Failure", "read_call"]

REQUEST, RESPONSE = "request", "response"


@dataclass(frozen=True)
class Failure:
    """What stands in the place of an answer, where answering that instance alone went wrong."""

    error: str


@dataclass(frozen=True)
class Call:
    """One call, read.

    Attributes
    ----------
    requests
        Its instances, checked.
    origin
        The V2 request that it came as; None for V1.
    position
        Where its one instance stood in the call that it was taken out of.
    """

    requests: list[Request]
    origin: InferRequest | None
    position: int | None = None

    def prefix(self, instance: int) -> str:
        """How an error names an instance; empty where the caller sent one."""
        if self.position is not None:
            return f"instances[{self.position}]"
        return f"instances[{instance}]" if len(self.requests) > 1 else ""

    def only(self, instance: int) -> Call:
        """One of its instances, as a call."""
        return Call([self.requests[instance]], self.origin, instance)

    def encode(self, answers: Sequence[Answer | Failure]) -> tuple[Any, dict[str, str]]:
        """The answers in the form that the call came in, and headers to send with them."""
        if self.origin is None:
            body = orjson.dumps({"predictions": answers}, option=orjson.OPT_SERIALIZE_NUMPY)
            return body, {"content-type": "application/json"}
        documents = [orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY) for answer in answers]
        return _encode_v2(self.origin, documents), {}


def read_call(body: Any, *, most: int) -> Call:
    """Read a call and check each of its instances.

    Parameters
    ----------
    body
        What kserve decoded: a dict or bytes (V1), or an InferRequest (V2, gRPC).
    most
        Most instances.

    Raises
    ------
    BadRequest
        Names the wrong field and, with several instances, which one.
    """
    if isinstance(body, InferRequest):
        texts = _texts(body)
        instances = [_loads(text, f"instances[{i}]") for i, text in enumerate(texts)]
        origin = body
    else:
        instances, origin = _v1_instances(body), None
    if not 1 <= len(instances) <= most:
        raise BadRequest(f"instances: expected 1 to {most}, got {len(instances)}", field="instances")
    requests = []
    for i, instance in enumerate(instances):
        prefix = f"instances[{i}]" if len(instances) > 1 else ""
        if not isinstance(instance, dict):
            name = f"instances[{i}]"
            raise BadRequest(f"{name}: expected an object, got {reprlib.repr(instance)}", field=name)
        try:
            requests.append(Request.parse(instance, prefix=prefix))
        except RequestError as error:
            raise as_refusal(error, prefix=prefix) from None
    return Call(requests, origin)


def _v1_instances(body: Any) -> list[Any]:
    if isinstance(body, bytes):  # kserve parses JSON only for exactly application/json
        body = _loads(body)
    if not isinstance(body, dict):
        raise BadRequest(
            f'the body: expected {{"instances": […]}}, got {type(body).__name__}', field="instances"
        )
    instances = body.get("instances")
    if not isinstance(instances, list):
        raise BadRequest(f"instances: expected a list, got {type(instances).__name__}", field="instances")
    return instances


def _loads(text: bytes | str, name: str = "body") -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        what = "the body" if name == "body" else name
        raise BadRequest(f"{what} is not JSON: {error}", field=name) from None


def _texts(request: InferRequest) -> list[bytes | str]:
    names = [tensor.name for tensor in request.inputs]
    if names != [REQUEST]:
        raise BadRequest(f"inputs: expected one tensor {REQUEST!r}, got {names}", field="inputs")
    tensor = request.inputs[0]
    if tensor.datatype != "BYTES":
        raise BadRequest(f"{REQUEST}: expected datatype BYTES, got {tensor.datatype}", field=REQUEST)
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


def _encode_v2(request: InferRequest, documents: list[bytes]) -> Any:
    if request.from_grpc:
        answer = pb.ModelInferResponse(id=request.id, model_name=request.model_name)
        output = answer.outputs.add(name=RESPONSE, datatype="BYTES", shape=[len(documents)])
        if request.use_binary_outputs:
            parts = [part for text in documents for part in (len(text).to_bytes(4, "little"), text)]
            answer.raw_output_contents.append(b"".join(parts))
        else:
            output.contents.bytes_contents.extend(documents)
        return answer
    if strange := {output.name for output in request.request_outputs or ()} - {RESPONSE}:
        raise BadRequest(f"outputs: {min(strange)!r} is not {RESPONSE!r}", field="outputs")
    tensor = InferOutput(RESPONSE, [len(documents)], "BYTES")
    tensor.set_data_from_numpy(np.array(documents, np.object_), binary_data=False)
    return InferResponse(
        request.id or "",
        request.model_name,
        [tensor],
        use_binary_outputs=request.use_binary_outputs,
        requested_outputs=request.request_outputs,
    )
