"""Asking the predictor: raw tensors over gRPC, one retry for a pod going away, and what it has loaded.

kserve's own client takes no channel options, whole seconds of timeout alone, and logs a stack per failure.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass

import grpc
import numpy as np
import numpy.typing as npt
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from serving import metrics
from serving.logs import request_id
from serving.settings import TransformerSettings

__all__ = ["OtherBundleLoaded", "PredictorClient", "PredictorLost", "grpc_target"]

Floats = npt.NDArray[np.float32]

# A pod that is going away answers with one of these; another may be there.
_GOING_AWAY = frozenset((grpc.StatusCode.CANCELLED, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNAVAILABLE))
# What a predictor was heard to have is believed this long.
_BELIEVED_SECONDS = 5.0
# One call's rows that the deadline is meant for; it grows with what is above.
_ROWS_A_DEADLINE = 2_000
_LOADED = re.compile(r"instance=(?P<instance>[\w-]+); loaded=(?P<digests>[0-9a-f,]*)")
_NAMES = {"predicted_popularity": "popularity", "relevance": "relevance", "contributions": "contributions"}
_OPTIONS = (
    # every pod behind a headless service, in turn
    ("grpc.service_config", '{"loadBalancingConfig":[{"round_robin":{}}]}'),
    # channels share connections else, and a new channel would find no new pods
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    # two minutes by default: after an outage a transformer would go on answering degraded
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # on every call a second lookup of a service config; there is none
    ("grpc.enable_retries", 0),
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.max_send_message_length", 64 << 20),
)


class PredictorLost(Exception):
    """No answer: unreachable, too slow, overloaded or failing. `reason` is a metric's label."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class OtherBundleLoaded(Exception):
    """The predictor that was asked lacks the bundle; it has `digests`."""

    def __init__(self, digests: frozenset[str]) -> None:
        super().__init__("the predictor has other bundles")
        self.digests = digests


@dataclass(frozen=True)
class _Heard:
    digests: frozenset[str]
    at: float


def grpc_target(host: str) -> str:
    """A gRPC target: ``host`` means port 8081; a target with a scheme stays as it is."""
    if re.match(r"(dns|ipv4|ipv6|unix|unix-abstract|xds):", host):
        return host
    host = host.removeprefix("http://").rstrip("/")
    return f"dns:///{host if re.search(r':[0-9]+$', host) else f'{host}:8081'}"


class PredictorClient:
    """A client of all replicas of the predictor. Belongs to one event loop.

    Parameters
    ----------
    settings
        Address, deadlines, and how often the channel is opened anew.
    """

    def __init__(self, settings: TransformerSettings) -> None:
        self._settings = settings
        self._target = grpc_target(settings.predictor_host)
        self._channel: grpc.aio.Channel | None = None
        self._stub: GRPCInferenceServiceStub | None = None
        self._opened = -float("inf")
        self._heard: dict[str, _Heard] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def choose(self, digests: Iterable[str]) -> str | None:
        """The first digest that every predictor heard of lately has; the very first where none was heard."""
        wanted = list(digests)
        lately = time.monotonic() - _BELIEVED_SECONDS
        self._heard = {name: heard for name, heard in self._heard.items() if heard.at > lately}
        for digest in wanted:
            if all(digest in heard.digests for heard in self._heard.values()):
                return digest
        return wanted[0] if wanted else None

    async def predict(self, digest: str, matrix: Floats, *, is_alone: bool = False) -> dict[str, Floats]:
        """Predict for the rows of a matrix.

        Parameters
        ----------
        digest
            The bundle to predict with.
        matrix
            float32 [m, f].
        is_alone
            Nothing else is under way here, so the predictor may spread the work over its CPUs.

        Returns
        -------
        float32 [m] by booster name.

        Raises
        ------
        OtherBundleLoaded
            The predictor lacks the bundle.
        PredictorLost
            No answer within the deadline and one retry, or one that does not fit.
        """
        deadline = self._settings.predictor_deadline_seconds * max(1.0, len(matrix) / _ROWS_A_DEADLINE)
        request = _request(self._settings.model_name, digest, matrix)
        if is_alone:
            request.parameters["alone"].bool_param = True
        answer = await self._ask(request, deadline)
        if "popularity" not in answer or any(values.shape != (len(matrix),) for values in answer.values()):
            shapes = {name: values.shape for name, values in answer.items()}
            raise PredictorLost("misfit", f"{len(matrix)} rows were sent, and {shapes} came back")
        return answer

    async def contributions(self, digest: str, matrix: Floats) -> Floats:
        """LightGBM's contributions for some rows, float32 [rows, f + 1]; raises as `predict` does."""
        request = _request(self._settings.model_name, digest, matrix)
        request.parameters["contributions"].bool_param = True
        answer = await self._ask(request, self._settings.explain_deadline_seconds)
        if "contributions" not in answer or len(answer["contributions"]) != len(matrix):
            raise PredictorLost("misfit", "the predictor sent no contributions")
        return answer["contributions"]

    async def is_ready(self) -> bool:
        """Whether a predictor answers that its model is ready."""
        try:
            answer = await self._open().ModelReady(
                pb.ModelReadyRequest(name=self._settings.model_name),
                timeout=self._settings.predictor_deadline_seconds,
            )
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.ready)

    async def close(self) -> None:
        """Close the channel."""
        if self._channel is not None:
            await self._channel.close()

    async def _ask(self, request: pb.ModelInferRequest, deadline: float) -> dict[str, Floats]:
        ends = time.monotonic() + deadline
        for is_last in (False, True):
            try:
                response = await self._open().ModelInfer(
                    request,
                    timeout=max(ends - time.monotonic(), 0.001),
                    metadata=(("x-request-id", request_id.get()),),
                )
            except grpc.aio.AioRpcError as error:
                outcome = self._failed(error, is_last)
                metrics.PREDICTOR_CALLS.labels(outcome).inc()
                continue
            metrics.PREDICTOR_CALLS.labels("ok").inc()
            self._listen(
                response.parameters["instance"].string_param, response.parameters["digests"].string_param
            )
            return _tensors(response)
        raise AssertionError("the last attempt returns or raises")

    def _failed(self, error: grpc.aio.AioRpcError, is_last: bool) -> str:
        """Name the outcome of a failed attempt, ``retried``; or raise, where there is no other attempt."""
        code, details = error.code(), error.details() or ""
        if code == grpc.StatusCode.FAILED_PRECONDITION:
            metrics.PREDICTOR_CALLS.labels("other_bundle").inc()
            found = _LOADED.search(details)
            if found is None:
                raise OtherBundleLoaded(frozenset()) from None
            self._listen(found["instance"], found["digests"])
            raise OtherBundleLoaded(frozenset(found["digests"].split(",")) - {""}) from None
        if code in _GOING_AWAY and not is_last:
            return "retried"
        reason = code.name.lower()
        metrics.PREDICTOR_CALLS.labels(reason).inc()
        raise PredictorLost(reason, f"{code.name}: {details[:300]}") from None

    def _listen(self, instance: str, digests: str) -> None:
        self._heard[instance] = _Heard(frozenset(digests.split(",")), time.monotonic())

    def _open(self) -> GRPCInferenceServiceStub:
        """The stub, on a channel that is opened anew now and then: only so are pods found that came later."""
        now = time.monotonic()
        if self._stub is None or now - self._opened > self._settings.channel_seconds:
            old, self._opened = self._channel, now
            self._channel = grpc.aio.insecure_channel(self._target, options=_OPTIONS)
            self._stub = GRPCInferenceServiceStub(self._channel)
            if old is not None:
                task = asyncio.get_running_loop().create_task(self._retire(old))
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)
        return self._stub

    async def _retire(self, channel: grpc.aio.Channel) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await channel.close(grace=self._settings.explain_deadline_seconds)


def _request(model: str, digest: str, matrix: Floats) -> pb.ModelInferRequest:
    request = pb.ModelInferRequest(model_name=model, raw_input_contents=[matrix.tobytes()])
    request.inputs.add(name="features", datatype="FP32", shape=matrix.shape)
    request.parameters["bundle"].string_param = digest
    return request


def _tensors(response: pb.ModelInferResponse) -> dict[str, Floats]:
    return {
        _NAMES[output.name]: np.frombuffer(raw, np.float32).reshape(output.shape)
        for output, raw in zip(response.outputs, response.raw_output_contents, strict=True)
        if output.name in _NAMES
    }
