"""The transformer's model: the library's steps, with the predictor in place of local boosters."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from segue.recommend.answer import Answer
from segue.recommend.request import Request
from segue.recommend.rerank import Predictions
from segue.recommend.retrieve import Candidates
from serving import metrics
from serving.bundles import Version
from serving.errors import BundleNotLoaded, InternalError, NotReady, Overloaded, ServiceError
from serving.logs import request_id
from serving.served_model import ServedModel
from serving.settings import TransformerSettings
from serving.transformer.instances import Call, Failure, read_call
from serving.transformer.predictor_client import PredictorClient, PredictorFailed
from serving.transformer.served_bundles import ServedBundle, ServedBundles
from serving.transformer.stages import RERANK, Floats, finish, is_light, prepare
from serving.wire import REQUEST, RESPONSE

__all__ = ["Transformer"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

# How much of a failed instance is logged: a caller may send megabytes of names.
_LOGGED_CHARACTERS = 4_000


class Transformer(ServedModel):
    """FAISS on KServe, and the client of the predictor."""

    def __init__(self, settings: TransformerSettings, bundles: ServedBundles) -> None:
        super().__init__(settings, bundles.versions)
        self.settings = settings
        self.bundles = bundles
        self.client = PredictorClient(settings)
        self._free_threads = asyncio.Semaphore(settings.workers)
        self._degraded_reason = ""

    @property
    def waiting_for(self) -> str:
        """Why the model can't answer yet."""
        if self.versions.is_ready:
            return "waiting for the predictor, because of --strict"
        return super().waiting_for

    async def healthy(self) -> bool:
        """Whether the model can answer; with --strict, only with a predictor."""
        return self.versions.is_ready and (not self.settings.strict or await self.client.is_ready())

    def get_input_types(self) -> list[dict[str, Any]]:
        """One tensor: instances as JSON."""
        return [{"name": REQUEST, "datatype": "BYTES", "shape": [-1]}]

    def get_output_types(self) -> list[dict[str, Any]]:
        """One tensor: answers as JSON."""
        return [{"name": RESPONSE, "datatype": "BYTES", "shape": [-1]}]

    def read(self, body: Any) -> tuple[Call, int]:
        """Read a call and validate its instances."""
        call = read_call(body, max_instances=self.settings.max_instances)
        return call, len(call.requests)

    async def answer(self, call: Call) -> tuple[Any, dict[str, str], str]:
        """Answer all instances of a call."""
        answers = await self._answer_each(call)
        return *call.encode(answers), _outcome(answers)

    async def _answer_each(self, call: Call) -> Sequence[Answer | Failure]:
        """Answer all instances; a fault in one of several never fails the others.

        Raises `ServiceError` if the call can't be answered: `InternalError` if all its instances met a
        fault of this process.
        """
        try:
            return await self._answer_together(call)
        except ServiceError:
            raise
        except Exception as error:
            if len(call.requests) == 1:
                raise self._internal_error(call.requests[0]) from error
        answers: list[Answer | Failure] = []
        for i in range(len(call.requests)):
            try:
                answers += await self._answer_together(call.only(i))
            except ServiceError:
                raise
            except Exception:
                failed = self._internal_error(call.requests[i])
                answers.append(Failure(failed.detail))
        if all(isinstance(answer, Failure) for answer in answers):
            raise failed
        return answers

    def _internal_error(self, request: Request) -> InternalError:
        """Log the exception that is being handled, with its request."""
        instance = request.model_dump_json(exclude_defaults=True)[:_LOGGED_CHARACTERS]
        logger.exception("an instance could not be answered", extra={"fields": {"instance": instance}})
        identity = request_id.get()
        return InternalError(f"an error of the server's own; its log has it under the request id {identity}")

    async def _answer_together(self, call: Call) -> list[Answer]:
        """Answer from one bundle: the channel's if the predictor has loaded it, else the one before."""
        versions = {version.digest: version for version in self.versions.preferred()}
        chosen = self.client.choose(versions)
        if chosen is None:
            raise NotReady(f"not ready: {self.waiting_for}")
        try:
            return await self._answer_from(versions[chosen], call)
        except BundleNotLoaded as error:
            shared = [digest for digest in versions if digest in error.loaded and digest != chosen]
        metrics.RECOMPUTED.inc()
        try:
            if shared:
                return await self._answer_from(versions[shared[0]], call)
        except BundleNotLoaded:
            chosen = shared[0]
        failed = PredictorFailed("no_shared_bundle", "the predictor has none of the bundles loaded here")
        return await self._answer_from(versions[chosen], call, failed)

    async def _answer_from(
        self, version: Version[ServedBundle], call: Call, failed: PredictorFailed | None = None
    ) -> list[Answer]:
        """Answer from one bundle, degraded if the predictor has failed.

        Raises `BundleNotLoaded` if the predictor has not loaded it.
        """
        recommender = version.value.recommender
        light = is_light(call.requests)
        pools = await self._run(light, lambda: prepare(recommender, call))
        started = time.perf_counter()
        predictions: list[Predictions] = []
        if failed is None:
            try:
                predictions = await self._rank(version, pools)
            except PredictorFailed as error:
                failed = error
        RERANK.observe(time.perf_counter() - started)
        self._note_degraded(failed)
        contributions = [
            await self._contributions(version, request, pool, prediction)
            for request, pool, prediction in zip(call.requests, pools, predictions, strict=False)
        ]
        answers = await self._run(
            light, lambda: finish(recommender, call.requests, pools, predictions, contributions)
        )
        # called once the response is on its way, so that no caller waits for it
        asyncio.get_running_loop().call_soon(self.bundles.count, version.value, pools, answers)
        return answers

    async def _run(self, light: bool, work: Callable[[], T]) -> T:
        """Run light work here and other work in a thread; refuse it if no thread is free soon enough."""
        if light:
            return work()
        try:
            async with asyncio.timeout(self.settings.max_wait_seconds):
                await self._free_threads.acquire()
        except TimeoutError:
            raise Overloaded(f"no thread came free within {self.settings.max_wait_seconds:g} s") from None
        try:
            return await asyncio.get_running_loop().run_in_executor(self.pool, work)
        finally:
            self._free_threads.release()

    async def _rank(self, version: Version[ServedBundle], pools: Sequence[Candidates]) -> list[Predictions]:
        """Get the predictions for the candidates of all instances in one call to the predictor."""
        if not any(len(pool.rows) for pool in pools):
            return [{"popularity": np.zeros(0, np.float32)} for _ in pools]
        matrix = version.value.recommender.matrix(pools)
        predicted = await self.client.predict(version.digest, matrix, is_alone=self.inflight == len(pools))
        if len(pools) == 1:
            return [predicted]
        ends = np.cumsum([len(pool.rows) for pool in pools])[:-1]
        parts = {name: np.split(values, ends) for name, values in predicted.items()}
        return [{name: values[i] for name, values in parts.items()} for i in range(len(pools))]

    async def _contributions(
        self, version: Version[ServedBundle], request: Request, pool: Candidates, prediction: Predictions
    ) -> Floats | None:
        """Contributions for the returned rows alone: 200 rows would take 600 ms."""
        if not request.explain:
            return None
        recommender = version.value.recommender
        positions = recommender.choose(request, pool, prediction).positions
        if not len(positions):
            return None
        matrix = recommender.matrix([pool], positions)
        try:
            return await self.client.contributions(version.digest, matrix)
        except (PredictorFailed, BundleNotLoaded) as error:
            logger.warning("explained without LightGBM's contributions: %s", error)
            return None

    def _note_degraded(self, failed: PredictorFailed | None) -> None:
        """Count a degraded answer, and log when answers begin or cease to be degraded.

        Raises `NotReady` if settings do not allow degraded answers.
        """
        reason = failed.reason if failed else ""
        is_new, self._degraded_reason = reason != self._degraded_reason, reason
        if failed is None:
            if is_new:
                logger.info("answers are no longer degraded")
            return
        metrics.DEGRADED.labels(reason).inc()
        if is_new:
            logger.warning("answers are degraded: %s", failed)
        if self.settings.strict:
            raise NotReady(f"the predictor did not answer, and --strict allows no degraded answer: {failed}")


def _outcome(answers: Sequence[Answer | Failure]) -> str:
    """Label of an answered call in the metrics: that of its worst instance."""
    if any(isinstance(answer, Failure) for answer in answers):
        return InternalError.outcome
    return "degraded" if any(isinstance(answer, Answer) and answer.degraded for answer in answers) else "ok"
