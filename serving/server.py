"""One kserve server with what both processes of the pair need beside kserve's own.

kserve reads argv when it is imported, so `__main__` parses the flags first and empties argv.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

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

__all__ = ["ServedModel", "Server"]

logger = logging.getLogger(__name__)


class ServedModel(Protocol):
    """What `Server` asks of a model."""

    name: str

    async def healthy(self) -> bool:
        """Whether an answer can be given."""
        ...

    @property
    def waiting_for(self) -> str:
        """Why not."""
        ...


class _DataPlane(DataPlane):  # type: ignore[misc]
    """kserve's data plane; a model that is not ready says why, and never loads inside a request."""

    async def ready(self) -> bool:
        """Readiness of the server is that of its models."""
        models = list(self.model_registry.get_models().values())
        return bool(models) and all([await model.healthy() for model in models])

    async def model_ready(self, model_name: str, disable_predictor_health_check: bool = False) -> bool:
        """Readiness of a model; an inference call, which is what passes True, is refused with the reason."""
        model = self.get_model_from_registry(model_name)
        if await model.healthy():
            return True
        if disable_predictor_health_check:
            raise NotReady(f"not ready: {model.waiting_for}")
        return False

    async def get_model(self, name: str) -> Any:
        """The model, refused with the reason where it is not ready."""
        await self.model_ready(name, True)
        return self.get_model_from_registry(name)

    def decode(self, body: Any, headers: Any, *args: Any, **kwargs: Any) -> Any:
        """Decode a request; what can't be decoded is a refusal, whatever the decoder stumbled over."""
        try:
            return super().decode(body, headers, *args, **kwargs)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadRequest(f"the body can't be read: {error}") from None


class _RESTServer(RESTServer):  # type: ignore[misc]
    """kserve's REST server without its clock around each request, and with layers of our own.

    The clock asks the kernel for CPU times twice a request, for a trace line that nothing here reads: an
    eighth of what the transformer does.

    Parameters
    ----------
    around
        Puts layers around the application, outside of all that FastAPI puts there.
    """

    def __init__(self, *arguments: Any, around: Callable[[Any], Any], **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._around = around

    def create_application(self) -> None:
        """Make kserve's application, and put the layers around it."""
        super().create_application()
        self.config.app = self._around(model_server.app)
        self.config.http = CoalescedWrites
        # whose address a call came from is nothing that the pair asks
        self.config.proxy_headers = False

    def _add_middlewares(self, app: Any) -> None:
        """None of kserve's."""


class _Models(ModelRepository):  # type: ignore[misc]
    """kserve's models; its repository API would let anybody unload ours, which the channel alone decides."""

    def load(self, name: str) -> bool:
        """Nothing to do: the channel is followed."""
        return name in self.models

    def unload(self, name: str) -> None:
        """Refused."""
        raise BadRequest(f"{name} is unloaded by its channel, not by a call")


class Server(kserve.ModelServer):  # type: ignore[misc]
    """A kserve server that drains: after SIGTERM models stay until the last request has its answer.

    kserve's own takes the models away first, so requests on open connections would get 404.
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
        model_server.RESTServer = partial(_RESTServer, around=self._around)
        self.dataplane = _DataPlane(model_registry=self.registered_models)
        model_server.app.add_exception_handler(ServiceError, answer_error)
        self._name = settings.model_name
        self._most_bytes = settings.max_body_bytes
        for outcome in ("ok", "degraded", *(kind.outcome for kind in PAIR_ERRORS)):
            metrics.REQUESTS.labels(outcome)  # at 0 from the start: a rate ignores the first sample

    def _around(self, app: Any) -> BodyLimit:
        return BodyLimit(
            FastPath(app, path=predict_path(self._name), answer=self._v1),
            most_bytes=self._most_bytes,
            refuse=lambda _, message: write_error(TooLarge(message)),
        )

    async def _v1(self, body: bytes, headers: dict[str, str]) -> tuple[bytes, dict[str, str]]:
        """Answer a V1 call as kserve's own route does; a model takes bytes as well as what they say."""
        answer, extra = await self.dataplane.infer(self._name, body, headers)
        if isinstance(answer, bytes):
            return answer, extra
        return orjson.dumps(answer), {"content-type": "application/json", **extra}

    def start(self, models: Any) -> None:
        """Serve until a signal."""
        # kserve leaves the choice of a loop to uvicorn, which comes too late to make it.
        with contextlib.suppress(ImportError):
            import uvloop

            asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
            asyncio.set_event_loop(asyncio.new_event_loop())
        # What was imported so far is set aside, or each full collection walks it.
        gc.collect()
        gc.freeze()
        # A request makes a few hundred objects and no cycles: looking for those 20 times less is enough.
        gc.set_threshold(20_000, 20, 20)
        super().start(models)

    def stop(self, sig: int) -> None:
        """Stop gRPC with the same grace that uvicorn gave REST."""
        logger.info("stopping on signal %s", signal.Signals(sig).name)

        async def shutdown() -> None:
            if self._grpc_server:
                await self._grpc_server.stop(sig)

        # kept, or the garbage collector may take the task before it is done
        self._shutdown = asyncio.get_running_loop().create_task(shutdown())
