"""kserve's gRPC server without its interceptors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import Any

import grpc
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import (
    GRPCInferenceServiceServicer,
    add_GRPCInferenceServiceServicer_to_server,
)
from kserve.protocol.grpc.interceptors import ExceptionToStatusInterceptor
from kserve.protocol.grpc.server import GRPCServer as KServeGRPCServer
from kserve.protocol.grpc.servicer import InferenceServicer

from serving.errors import ServiceError
from serving.pair_errors import abort

__all__ = ["GRPCServer"]

_Method = Callable[[Any, Any, Any], Awaitable[Any]]

_INTERCEPTOR = ExceptionToStatusInterceptor()


def _with_status(method: _Method) -> _Method:
    """Give a method's errors their status: our own, or the one that kserve's interceptor gives them."""

    @wraps(method)
    async def answer(servicer: Any, request: Any, context: Any) -> Any:
        try:
            return await method(servicer, request, context)
        except ServiceError as error:
            return await abort(context, error)
        except Exception as error:
            return await _INTERCEPTOR.handle_exception(error, request, context, method.__name__)

    return answer


class Servicer(InferenceServicer):  # type: ignore[misc]
    """kserve's methods, each converting its errors as an interceptor would."""


for _name in vars(GRPCInferenceServiceServicer):
    if not _name.startswith("_"):
        setattr(Servicer, _name, _with_status(getattr(InferenceServicer, _name)))


class GRPCServer(KServeGRPCServer):  # type: ignore[misc]
    """kserve's server without interceptors, for which gRPC makes a new handler at each call.

    One of kserve's logs the name of each method, the other converts errors to a status as `Servicer` does.
    """

    async def start(self, max_workers: int) -> None:
        """Serve until stopped."""
        names = ("grpc_max_send_message_length", "grpc_max_receive_message_length")
        self._server = grpc.aio.server(
            ThreadPoolExecutor(max_workers=max_workers),
            options=[(name.replace("_", ".", 1), self._kwargs.get(name)) for name in names],
        )
        servicer = Servicer(self._data_plane, self._model_repository_extension)
        add_GRPCInferenceServiceServicer_to_server(servicer, self._server)
        self._server.add_insecure_port(f"[::]:{self._port}")
        await self._server.start()
        await self._server.wait_for_termination()
