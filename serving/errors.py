"""What a request can be refused with: one tree, one map to HTTP, one JSON shape on every route.

::

    Refusal
    ├── BadRequest       400  INVALID_ARGUMENT     a field is wrong
    ├── NoSuchSeeds      404  NOT_FOUND            none of the seeds is known
    ├── TooLarge         413  RESOURCE_EXHAUSTED   the body is over the limit
    ├── Overloaded       503  RESOURCE_EXHAUSTED   more work than the bound; with Retry-After
    ├── NotReady         503  UNAVAILABLE          no bundle yet, or --strict and no predictor
    ├── OtherBundle      412  FAILED_PRECONDITION  the predictor lacks the bundle asked for
    └── Broken           500  INTERNAL             an error of the server's own
"""

from __future__ import annotations

from typing import Any, ClassVar

import orjson
from fastapi import Request, Response
from grpc import StatusCode
from grpc_interceptor.exceptions import GrpcException

from segue.errors import RequestError, UnknownSeeds
from serving.logs import request_id, take_request_id

__all__ = [
    "BadRequest",
    "Broken",
    "NoSuchSeeds",
    "NotReady",
    "OtherBundle",
    "Overloaded",
    "Refusal",
    "TooLarge",
    "answer_refusal",
    "as_refusal",
    "write_refusal",
]


class Refusal(GrpcException):
    """A request that gets no answer.

    Parameters
    ----------
    message
        One sentence for the caller.
    fields
        What else the JSON says beside ``error``.
    """

    http_status: ClassVar[int] = 500
    outcome: ClassVar[str] = "error"
    retry_after_seconds: ClassVar[int | None] = None

    def __init__(self, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.fields = fields


class BadRequest(Refusal):
    """A field is wrong."""

    status_code = StatusCode.INVALID_ARGUMENT
    http_status = 400
    outcome = "invalid"


class NoSuchSeeds(Refusal):
    """None of the seeds is in the catalogue."""

    status_code = StatusCode.NOT_FOUND
    http_status = 404
    outcome = "unknown_seeds"


class TooLarge(Refusal):
    """The body is over the limit."""

    status_code = StatusCode.RESOURCE_EXHAUSTED
    http_status = 413
    outcome = "too_large"


class Overloaded(Refusal):
    """More work than the bound."""

    status_code = StatusCode.RESOURCE_EXHAUSTED
    http_status = 503
    outcome = "overloaded"
    retry_after_seconds = 1


class NotReady(Refusal):
    """There is nothing to answer from."""

    status_code = StatusCode.UNAVAILABLE
    http_status = 503
    outcome = "not_ready"
    retry_after_seconds = 2


class OtherBundle(Refusal):
    """The predictor lacks the bundle that was asked for."""

    status_code = StatusCode.FAILED_PRECONDITION
    http_status = 412
    outcome = "other_bundle"


class Broken(Refusal):
    """An error of the server's own; its log has the stack."""

    status_code = StatusCode.INTERNAL

    def __init__(self) -> None:
        super().__init__(
            f"an error of the server's own; its log has it under the request id {request_id.get()}"
        )


# What a call that was refused counts as; "error" is a fault of ours.
OUTCOMES = tuple({Refusal.outcome: None, **{kind.outcome: None for kind in Refusal.__subclasses__()}})


def as_refusal(error: RequestError | UnknownSeeds, *, prefix: str = "") -> Refusal:
    """Say what the library said, in the form that a route answers with.

    Parameters
    ----------
    error
        What the library raised.
    prefix
        Which of several instances, for example ``instances[3]``; empty where there is one.
    """
    if isinstance(error, UnknownSeeds):
        return NoSuchSeeds(f"{prefix}: {error}" if prefix else str(error), unknown_seeds=list(error.seeds))
    text = str(error)
    if prefix and not text.startswith(prefix):
        text = f"{prefix}.{text}"
    return BadRequest(text, field=text.partition(":")[0] if error.field else prefix)


async def answer_refusal(request: Request | None, error: Exception) -> Response:
    """Answer a refused request, as web frameworks call it."""
    return write_refusal(request, error)


def write_refusal(request: Request | None, error: Exception) -> Response:
    """Write a refusal as HTTP: ``{"error": …}`` and what the kind adds."""
    status, fields, headers = 500, {}, {"content-type": "application/json"}
    if request is not None:
        # refused before the model saw it: the id is taken here
        headers["x-request-id"] = request_id.get() or take_request_id(request.headers)
    message = error.details if isinstance(error, GrpcException) else str(error)
    if isinstance(error, Refusal):
        status, fields = error.http_status, error.fields
        if error.retry_after_seconds is not None:
            headers["retry-after"] = str(error.retry_after_seconds)
    return Response(orjson.dumps({"error": message, **fields}), status_code=status, headers=headers)
