"""The client of the predictor: raw tensors over gRPC, one retry, and the bundles that it has loaded.

kserve's own client takes no channel options, only whole seconds as a timeout, and logs a stack per failure.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Iterable
from typing import NoReturn

import grpc
import numpy as np
import numpy.typing as npt
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from serving import metrics, wire
from serving.logs import request_id
from serving.pair_errors import read_bundle_not_loaded
from serving.settings import TransformerSettings

__all__ = ["PredictorClient", "PredictorFailed", "grpc_target"]

Floats = npt.NDArray[np.float32]

# Statuses of a pod that is shutting down; another pod may answer.
_GOING_AWAY = frozenset((grpc.StatusCode.CANCELLED, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNAVAILABLE))
# How long a predictor's report of its bundles is used.
_REPORT_SECONDS = 5.0
# Rows that the deadline is meant for; for more rows it grows in proportion.
_DEADLINE_ROWS = 2_000
# Outputs by name on the wire; others, of a newer predictor, are ignored.
_NAMES = {
    **{output: booster for booster, output in wire.BOOSTER_OUTPUTS.items()},
    wire.CONTRIBUTIONS: wire.CONTRIBUTIONS,
}
_OPTIONS = (
    # every pod behind a headless service, in turn
    ("grpc.service_config", '{"loadBalancingConfig":[{"round_robin":{}}]}'),
    # channels that share connections find no new pods
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    # two minutes by default, during which answers would stay degraded after an outage
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # saves every call a second lookup of a service config
    ("grpc.enable_retries", 0),
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.max_send_message_length", 64 << 20),
)


class PredictorFailed(Exception):
    """The predictor is unreachable, too slow, overloaded or failing; the reason is a label of metrics."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def grpc_target(host: str) -> str:
    """A gRPC target: ``host`` means port 8081; a target with a scheme stays as it is."""
    if re.match(r"(dns|ipv4|ipv6|unix|unix-abstract|xds):", host):
        return host
    host = host.removeprefix("http://").rstrip("/")
    return f"dns:///{host if re.search(r':[0-9]+$', host) else f'{host}:8081'}"


class PredictorClient:
    """A client of all replicas of the predictor, for one event loop."""

    def __init__(self, settings: TransformerSettings) -> None:
        self._settings = settings
        self._target = grpc_target(settings.predictor_host)
        self._channel: grpc.aio.Channel | None = None
        self._stub: GRPCInferenceServiceStub | None = None
        self._opened = -float("inf")
        # by the predictor's instance: the digests that it has loaded, and when it reported them
        self._reports: dict[str, tuple[frozenset[str], float]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def choose(self, digests: Iterable[str]) -> str | None:
        """The first digest that all predictors with a recent report have loaded; else the first of all."""
        wanted = list(digests)
        oldest = time.monotonic() - _REPORT_SECONDS
        self._reports = {name: report for name, report in self._reports.items() if report[1] > oldest}
        for digest in wanted:
            if all(digest in loaded for loaded, _ in self._reports.values()):
                return digest
        return wanted[0] if wanted else None

    async def predict(self, digest: str, matrix: Floats, *, is_alone: bool = False) -> dict[str, Floats]:
        """Predict for the rows of a matrix, float32 [m, f]; returns float32 [m] by booster name.

        If this process makes no other call now (`is_alone`), the predictor may use all its CPUs.

        Raises
        ------
        BundleNotLoaded
            The predictor has not loaded the bundle.
        PredictorFailed
            No answer within the deadline and one retry, or one of the wrong shape.
        """
        deadline = self._settings.predictor_deadline_seconds * max(1.0, len(matrix) / _DEADLINE_ROWS)
        request = _request(self._settings.model_name, digest, matrix)
        if is_alone:
            request.parameters[wire.ALONE].bool_param = True
        answer = await self._infer(request, deadline)
        if "popularity" not in answer or any(values.shape != (len(matrix),) for values in answer.values()):
            shapes = {name: values.shape for name, values in answer.items()}
            raise PredictorFailed("misfit", f"{len(matrix)} rows were sent, and {shapes} came back")
        return answer

    async def contributions(self, digest: str, matrix: Floats) -> Floats:
        """LightGBM's contributions for some rows, float32 [rows, f + 1]; raises as `predict` does."""
        request = _request(self._settings.model_name, digest, matrix)
        request.parameters[wire.CONTRIBUTIONS].bool_param = True
        answer = await self._infer(request, self._settings.explain_deadline_seconds)
        values = answer.get(wire.CONTRIBUTIONS)
        if values is None or len(values) != len(matrix):
            raise PredictorFailed("misfit", "the predictor sent no contributions")
        return values

    async def is_ready(self) -> bool:
        """Whether a predictor reports its model as ready."""
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

    async def _infer(self, request: pb.ModelInferRequest, deadline: float) -> dict[str, Floats]:
        ends = time.monotonic() + deadline
        for is_last in (False, True):
            try:
                response = await self._open().ModelInfer(
                    request,
                    timeout=max(ends - time.monotonic(), 0.001),
                    metadata=((wire.REQUEST_ID, request_id.get()),),
                )
            except grpc.aio.AioRpcError as error:
                if is_last or error.code() not in _GOING_AWAY:
                    self._fail(error)
                metrics.PREDICTOR_CALLS.labels("retried").inc()
                continue
            metrics.PREDICTOR_CALLS.labels("ok").inc()
            given = response.parameters
            self._note(
                given[wire.INSTANCE].string_param, wire.split_digests(given[wire.DIGESTS].string_param)
            )
            return _tensors(response)
        raise AssertionError("the last attempt returns or raises")

    def _fail(self, error: grpc.aio.AioRpcError) -> NoReturn:
        """Count and raise the error of a call."""
        code = error.code()
        if code == grpc.StatusCode.FAILED_PRECONDITION:
            not_loaded = read_bundle_not_loaded(error)
            metrics.PREDICTOR_CALLS.labels(not_loaded.outcome).inc()
            if not_loaded.instance:
                self._note(not_loaded.instance, frozenset(not_loaded.loaded))
            raise not_loaded from None
        reason = code.name.lower()
        metrics.PREDICTOR_CALLS.labels(reason).inc()
        raise PredictorFailed(reason, f"{code.name}: {(error.details() or '')[:300]}") from None

    def _note(self, instance: str, digests: frozenset[str]) -> None:
        self._reports[instance] = digests, time.monotonic()

    def _open(self) -> GRPCInferenceServiceStub:
        """The stub, on a channel that is reopened regularly, since an open channel finds no new pods."""
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
    request.inputs.add(name=wire.FEATURES, datatype="FP32", shape=matrix.shape)
    request.parameters[wire.BUNDLE].string_param = digest
    return request


def _tensors(response: pb.ModelInferResponse) -> dict[str, Floats]:
    return {
        _NAMES[output.name]: np.frombuffer(raw, np.float32).reshape(output.shape)
        for output, raw in zip(response.outputs, response.raw_output_contents, strict=True)
        if output.name in _NAMES
    }
