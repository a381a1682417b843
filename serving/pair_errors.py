"""How the transformer and the predictor write an error, over HTTP and gRPC, and read one of each other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NoReturn

import grpc
import orjson
from fastapi import Request, Response

from serving import wire
from serving.errors import BundleNotLoaded, ServiceError
from serving.logs import request_id, take_request_id

__all__ = ["abort", "answer_error", "read_bundle_not_loaded", "write_error"]

# Predictors before the trailing metadata give their bundles in the message alone; to be removed in 0.3.
_LOADED = re.compile(r"instance=(?P<instance>[\w-]+); loaded=(?P<digests>[0-9a-f,]*)")


async def answer_error(request: Request, error: Exception) -> Response:
    """Answer with an error, as FastAPI calls a handler."""
    return write_error(error, request.headers)


def write_error(error: Exception, headers: Mapping[str, str] | None = None) -> Response:
    """Write an error as HTTP: ``{"error": …}`` and the error's further fields; 500 for one of another kind.

    `headers` are those of a request that no model has seen, for its id.
    """
    status, fields, written = 500, {}, {"content-type": "application/json"}
    if isinstance(error, ServiceError):
        status, fields = error.status, error.fields
        written |= error.headers
    if headers is not None:
        written[wire.REQUEST_ID] = request_id.get() or take_request_id(headers)
    return Response(orjson.dumps({wire.ERROR: str(error), **fields}), status_code=status, headers=written)


async def abort(context: Any, error: ServiceError) -> NoReturn:
    """End a gRPC call with the error's status; the trailing metadata helps the client to choose a bundle."""
    metadata: tuple[tuple[str, str], ...] = ()
    if isinstance(error, BundleNotLoaded):
        metadata = (
            (wire.METADATA_INSTANCE, error.instance),
            (wire.METADATA_DIGESTS, wire.join_digests(error.loaded)),
        )
    await context.abort(grpc.StatusCode[error.grpc_status], error.detail, metadata)
    raise AssertionError("abort raises")


def read_bundle_not_loaded(error: grpc.aio.AioRpcError) -> BundleNotLoaded:
    """Read the predictor's FAILED_PRECONDITION."""
    detail = error.details() or ""
    metadata = dict(error.trailing_metadata() or ())
    instance, digests = metadata.get(wire.METADATA_INSTANCE), metadata.get(wire.METADATA_DIGESTS, "")
    if instance is None and (found := _LOADED.search(detail)):
        instance, digests = found["instance"], found["digests"]
    return BundleNotLoaded(detail, instance=instance or "", loaded=wire.split_digests(digests))
