"""The kserve server of the transformer and the predictor."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
from collections.abc import Callable
from functools import partial
from typing import Any

import kserve
import orjson
from kserve import model_server
from kserve.model_repository import ModelRepository
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.rest.server import RESTServer

from serving import metrics
from serving.body_limit import BodyLimit
from serving.coalesced_writes import CoalescedWrites
from serving.errors import PAIR_ERRORS, BadRequest, NotReady, ServiceError, TooLarge
from serving.fast_path import FastPath
from serving.grpc_server import GRPCServer
from serving.pair_errors import answer_error, write_error
from serving.settings import ServingSettings
from serving.wire import predict_path

__all__ = ["Server"]

logger = logging.getLogger(__name__)


class _DataPlane(DataPlane):  # type: ignore[misc]
    """kserve's data plane. A model that is not ready gives the reason, and is never loaded by a request."""

    async def ready(self) -> bool:
        """Whether all models are ready."""
        models = list(self.model_registry.get_models().values())
        return bool(models) and all([await model.healthy() for model in models])

    async def model_ready(self, model_name: str, disable_predictor_health_check: bool = False) -> bool:
        """Whether a model is ready. Inference calls, which pass True, are refused with the reason."""
        model = self.get_model_from_registry(model_name)
        if await model.healthy():
            return True
        if disable_predictor_health_check:
            raise NotReady(f"not ready: {model.waiting_for}")
        return False

    async def get_model(self, name: str) -> Any:
        """The model; raises if it is not ready."""
        await self.model_ready(name, True)
        return self.get_model_from_registry(name)

    def decode(self, body: Any, headers: Any, *args: Any, **kwargs: Any) -> Any:
        """Decode a request; raises `BadRequest` for any exception of the decoder."""
        try:
            return super().decode(body, headers, *args, **kwargs)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadRequest(f"the body can't be read: {error}") from None


class _RESTServer(RESTServer):  # type: ignore[misc]
    """kserve's REST server, in other middleware: `wrap` puts it around the application, outside of FastAPI's.

    kserve's own reads the CPU time from the kernel twice a request for a trace line, which takes an eighth
    of the transformer's time.
    """

    def __init__(self, *arguments: Any, wrap: Callable[[Any], Any], **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._wrap = wrap

    def create_application(self) -> None:
        """Make kserve's application, and wrap it."""
        super().create_application()
        self.config.app = self._wrap(model_server.app)
        self.config.http = CoalescedWrites
        # the address of a client is not used
        self.config.proxy_headers = False

    def _add_middlewares(self, app: Any) -> None:
        """Add none of kserve's."""


class _Models(ModelRepository):  # type: ignore[misc]
    """kserve's models, which its repository API can't unload: only the channel decides what is loaded."""

    def load(self, name: str) -> bool:
        """Do nothing: the channel is followed."""
        return name in self.models

    def unload(self, name: str) -> None:
        """Refuse."""
        raise BadRequest(f"{name} is unloaded by its channel, not by a call")


class Server(kserve.ModelServer):  # type: ignore[misc]
    """A kserve server that keeps its models after SIGTERM until the last request is answered.

    kserve's own removes the models first, so that requests on open connections get 404.
    """

    def __init__(self, settings: ServingSettings) -> None:
        super().__init__(
            http_port=settings.http_port,
            grpc_port=settings.grpc_port,
            workers=1,
            max_threads=2,
            registered_models=_Models(),
            enable_latency_logging=False,
            grace_period=int(settings.drain_seconds),
        )
        model_server.args.grpc_max_receive_message_length = settings.max_body_bytes
        model_server.GRPCServer = GRPCServer
        model_server.RESTServer = partial(_RESTServer, wrap=self._wrap)
        self.dataplane = _DataPlane(model_registry=self.registered_models)
        model_server.app.add_exception_handler(ServiceError, answer_error)
        self._name = settings.model_name
        self._max_bytes = settings.max_body_bytes
        for outcome in ("ok", "degraded", *(kind.outcome for kind in PAIR_ERRORS)):
            metrics.REQUESTS.labels(outcome)  # at 0 from the start: a rate ignores the first sample

    def _wrap(self, app: Any) -> BodyLimit:
        return BodyLimit(
            FastPath(app, path=predict_path(self._name), answer=self._v1),
            max_bytes=self._max_bytes,
            refuse=lambda _, message: write_error(TooLarge(message)),
        )

    async def _v1(self, body: bytes, headers: dict[str, str]) -> tuple[bytes, dict[str, str]]:
        """Answer a V1 call as kserve's own route does; the models decode the body themselves."""
        answer, extra = await self.dataplane.infer(self._name, body, headers)
        if isinstance(answer, bytes):
            return answer, extra
        return orjson.dumps(answer), {"content-type": "application/json", **extra}

    def start(self, models: Any) -> None:
        """Serve until a signal."""
        # kserve leaves the choice of the event loop to uvicorn, which is started too late for it
        with contextlib.suppress(ImportError):
            import uvloop

            asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
            asyncio.set_event_loop(asyncio.new_event_loop())
        # exempts what was imported so far from full collections
        gc.collect()
        gc.freeze()
        # a request makes a few hundred objects and no cycles, so collections can be 20 times rarer
        gc.set_threshold(20_000, 20, 20)
        super().start(models)

    def stop(self, sig: int) -> None:
        """Stop gRPC with the same grace period as uvicorn."""
        logger.info("stopping on signal %s", signal.Signals(sig).name)

        async def shutdown() -> None:
            if self._grpc_server:
                await self._grpc_server.stop(sig)

        # kept, or the garbage collector may take the task before it is done
        self._shutdown = asyncio.get_running_loop().create_task(shutdown())
