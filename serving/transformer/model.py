"""The transformer's model: what the library does, with a predictor asked in the middle."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import kserve
import numpy as np
import numpy.typing as npt

from segue.errors import RequestError, UnknownSeeds
from segue.recommend.answer import Answer
from segue.recommend.recommender import Recommender
from segue.recommend.request import Request
from segue.recommend.rerank import Predictions
from segue.recommend.retrieve import Candidates
from serving import metrics
from serving.bundles import Version
from serving.errors import Broken, NotReady, Overloaded, Refusal, as_refusal
from serving.logs import take_request_id
from serving.settings import TransformerSettings
from serving.transformer.instances import Call, Failure, read_call
from serving.transformer.predictor_client import OtherBundleLoaded, PredictorClient, PredictorLost
from serving.transformer.served_bundles import ServedBundle, ServedBundles

__all__ = ["Transformer"]

logger = logging.getLogger(__name__)

Floats = npt.NDArray[np.float32]
T = TypeVar("T")

# One plain instance takes about a millisecond: on the event loop that costs least. More goes to a thread,
# so that probes never wait long.
_INLINE_INSTANCES = 3
_INLINE_CANDIDATES = 1_000
# Of an instance that met an error: a caller may send megabytes of names.
_LOGGED_CHARACTERS = 4_000
_RESOLVE, _RETRIEVE, _RERANK, _FINISH = (
    metrics.STAGE_SECONDS.labels(stage) for stage in ("resolve", "retrieve", "rerank", "finish")
)


@dataclass(frozen=True)
class _Contributions:
    """Contributions that the predictor has sent, where the library asks for them."""

    values: Floats

    def contributions(self, matrix: Floats) -> Floats:  # noqa: ARG002 - a Contributor is given the rows
        """What was sent."""
        return self.values


class Transformer(kserve.Model):  # type: ignore[misc]
    """FAISS on KServe, and the client's side of the predictor.

    Parameters
    ----------
    settings
        The process's settings.
    bundles
        What is answered from; it follows its channel from when it is started.
    """

    def __init__(self, settings: TransformerSettings, bundles: ServedBundles) -> None:
        super().__init__(settings.model_name, return_response_headers=True)
        self.ready = True  # kserve registers no other; `healthy` is what says whether it can answer
        self.settings = settings
        self.client = PredictorClient(settings)
        self.bundles = bundles
        self.versions = bundles.versions
        self._pool = ThreadPoolExecutor(settings.workers, thread_name_prefix="recommend")
        self._free = asyncio.Semaphore(settings.workers)
        self._inflight = 0
        self._degraded_for = ""

    @property
    def waiting_for(self) -> str:
        """Why nothing can be answered yet."""
        if self.versions.is_ready:
            return "waiting for the predictor, because of --strict"
        return f"waiting for {self.versions.waiting_for}"

    def load(self) -> bool:
        """Nothing: the channel is followed from the start. kserve may call this at any time."""
        return bool(self.ready)

    async def healthy(self) -> bool:
        """Whether an answer can be given."""
        if not self.versions.is_ready:
            return False
        return not self.settings.strict or await self.client.is_ready()

    def get_input_types(self) -> list[dict[str, Any]]:
        """One tensor: instances as JSON."""
        return [{"name": "request", "datatype": "BYTES", "shape": [-1]}]

    def get_output_types(self) -> list[dict[str, Any]]:
        """One tensor: answers as JSON."""
        return [{"name": "response", "datatype": "BYTES", "shape": [-1]}]

    async def __call__(
        self,
        body: Any,
        headers: Any = None,
        verb: Any = None,  # noqa: ARG002 - kserve passes it; explain is a field of an instance
    ) -> tuple[Any, dict[str, str]]:
        """Answer one call; counts it, bounds how much is worked on, and names its outcome."""
        started, outcome, load = time.perf_counter(), "error", 0
        identity = take_request_id(headers)
        try:
            call = read_call(body, most=self.settings.max_instances)
            load = self._admit(len(call.requests))
            answers = await self._answer(call)
            outcome = _outcome(answers)
            content, response_headers = call.encode(answers)
        except Refusal as refusal:
            outcome = refusal.outcome
            raise
        finally:
            self._inflight -= load
            metrics.INFLIGHT.set(self._inflight)
            metrics.REQUESTS.labels(outcome).inc()
            seconds = time.perf_counter() - started
            metrics.REQUEST_SECONDS.observe(seconds)
            if logger.isEnabledFor(logging.DEBUG):
                fields = {"outcome": outcome, "instances": load, "seconds": round(seconds, 6)}
                logger.debug("answered", extra={"fields": fields})
        return content, {**response_headers, "x-request-id": identity}

    def _admit(self, instances: int) -> int:
        """Take up the work, or refuse it; a call larger than the bound gets in when nothing else is there."""
        if self._inflight and self._inflight + instances > self.settings.max_inflight:
            raise Overloaded(
                f"{self._inflight} instances are being worked on, the bound is {self.settings.max_inflight}",
                overloaded=True,
            )
        self._inflight += instances
        metrics.INFLIGHT.set(self._inflight)
        return instances

    async def _answer(self, call: Call) -> Sequence[Answer | Failure]:
        """Answer all instances; an error in answering one of several never fails the others.

        Raises
        ------
        Refusal
            The call can't be answered. `Broken`: none of its instances can, for an error of this server.
        """
        try:
            return await self._answer_together(call)
        except Refusal:
            raise
        except Exception as error:
            if len(call.requests) == 1:
                raise self._broken(call.requests[0]) from error
        answers: list[Answer | Failure] = []
        for i in range(len(call.requests)):
            try:
                answers += await self._answer_together(call.only(i))
            except Refusal:
                raise
            except Exception:
                answers.append(Failure(self._broken(call.requests[i]).details))
        if not any(isinstance(answer, Answer) for answer in answers):
            raise Broken
        return answers

    def _broken(self, request: Request) -> Broken:
        """Log the error that is being handled, with the request that met it."""
        instance = request.model_dump_json(exclude_defaults=True)[:_LOGGED_CHARACTERS]
        logger.exception("an instance could not be answered", extra={"fields": {"instance": instance}})
        return Broken()

    async def _answer_together(self, call: Call) -> list[Answer]:
        """Answer with one version: the pointer's if the predictor has it, else the one before."""
        versions = {version.digest: version for version in self.versions.preferred()}
        chosen = self.client.choose(versions)
        if chosen is None:
            raise NotReady(f"not ready: {self.waiting_for}")
        try:
            return await self._answer_from(versions[chosen], call)
        except OtherBundleLoaded as other:
            shared = [digest for digest in versions if digest in other.digests and digest != chosen]
        metrics.RECOMPUTED.inc()
        try:
            if shared:
                return await self._answer_from(versions[shared[0]], call)
        except OtherBundleLoaded:
            chosen = shared[0]
        lost = PredictorLost("no_shared_bundle", "the predictor has none of the bundles loaded here")
        return await self._answer_from(versions[chosen], call, lost)

    async def _answer_from(
        self, version: Version[ServedBundle], call: Call, lost: PredictorLost | None = None
    ) -> list[Answer]:
        """Answer with one version.

        Raises
        ------
        OtherBundleLoaded
            The predictor lacks it.
        """
        recommender = version.value.recommender
        light = _is_light(call.requests)
        pools = await self._do(light, lambda: _prepare(recommender, call))
        started = time.perf_counter()
        predictions: list[Predictions] = []
        if lost is None:
            try:
                predictions = await self._rank(version, pools)
            except PredictorLost as error:
                lost = error
        _RERANK.observe(time.perf_counter() - started)
        self._note(lost)
        rankers = [
            await self._explained(version, request, pool, prediction)
            for request, pool, prediction in zip(call.requests, pools, predictions, strict=False)
            if any(request.explain for request in call.requests)
        ]
        given: Sequence[Predictions | None] = predictions or [None] * len(pools)
        answers = await self._do(light, lambda: _finish(recommender, call, pools, given, rankers))
        # once the answer is on its way: nobody waits for what is counted
        asyncio.get_running_loop().call_soon(self.bundles.count, version.value, pools, answers)
        return answers

    async def _do(self, light: bool, work: Callable[[], T]) -> T:
        """Work here if it is light, else in a thread; refuse what waits longer for one than callers do."""
        if light:
            return work()
        try:
            async with asyncio.timeout(self.settings.max_wait_seconds):
                await self._free.acquire()
        except TimeoutError:
            waited = f"no thread came free within {self.settings.max_wait_seconds:g} s"
            raise Overloaded(waited, overloaded=True) from None
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._free.release()

    async def _rank(self, version: Version[ServedBundle], pools: Sequence[Candidates]) -> list[Predictions]:
        """Ask the predictor about the candidates of all instances in one call."""
        if not any(len(pool.rows) for pool in pools):
            return [{"popularity": np.zeros(0, np.float32)} for _ in pools]
        matrix = version.value.recommender.matrix(pools)
        predicted = await self.client.predict(version.digest, matrix, is_alone=self._inflight == len(pools))
        if len(pools) == 1:
            return [predicted]
        ends = np.cumsum([len(pool.rows) for pool in pools])[:-1]
        parts = {name: np.split(values, ends) for name, values in predicted.items()}
        return [{name: values[i] for name, values in parts.items()} for i in range(len(pools))]

    async def _explained(
        self, version: Version[ServedBundle], request: Request, pool: Candidates, prediction: Predictions
    ) -> _Contributions | None:
        """Contributions for the returned rows alone: 200 rows would take 600 ms."""
        if not request.explain:
            return None
        recommender = version.value.recommender
        positions = recommender.choose(request, pool, prediction).positions
        if not len(positions):
            return None
        matrix = recommender.matrix([pool], positions)
        try:
            return _Contributions(await self.client.contributions(version.digest, matrix))
        except (PredictorLost, OtherBundleLoaded) as error:
            logger.warning("explained without LightGBM's contributions: %s", error)
            return None

    def _note(self, lost: PredictorLost | None) -> None:
        """Say once that answers are degraded, and once that they are not any more."""
        reason = lost.reason if lost else ""
        if lost is not None:
            metrics.DEGRADED.labels(reason).inc()
        if reason != self._degraded_for:
            if lost is not None:
                logger.warning("answers are degraded: %s", lost)
            else:
                logger.info("answers are whole again")
            self._degraded_for = reason
        if lost is not None and self.settings.strict:
            raise NotReady(f"the predictor did not answer, and --strict allows no less: {lost}")


def _outcome(answers: Sequence[Answer | Failure]) -> str:
    """What an answered call counts as: as what is worst in it."""
    if any(isinstance(answer, Failure) for answer in answers):
        return Refusal.outcome
    return "degraded" if any(isinstance(answer, Answer) and answer.degraded for answer in answers) else "ok"


def _is_light(requests: Sequence[Request]) -> bool:
    """Whether the work is too little to be worth a thread."""
    return len(requests) <= _INLINE_INSTANCES and all(
        not request.filters.narrows
        and not request.explain
        and not request.diversity
        and (request.candidates or 0) <= _INLINE_CANDIDATES
        and len(request.seeds) <= _INLINE_INSTANCES
        and all(seed.track_id is not None for seed in request.seeds)
        for request in requests
    )


def _prepare(recommender: Recommender, call: Call) -> list[Candidates]:
    started = time.perf_counter()
    queries = []
    for i, request in enumerate(call.requests):
        try:
            queries.append(recommender.resolve(request))
        except (RequestError, UnknownSeeds) as error:
            raise as_refusal(error, prefix=call.prefix(i)) from None
    resolved = time.perf_counter()
    _RESOLVE.observe(resolved - started)
    pools = recommender.retrieve(call.requests, queries)
    _RETRIEVE.observe(time.perf_counter() - resolved)
    return pools


def _finish(
    recommender: Recommender,
    call: Call,
    pools: Sequence[Candidates],
    predictions: Sequence[Predictions | None],
    rankers: Sequence[_Contributions | None],
) -> list[Answer]:
    started = time.perf_counter()
    answers = [
        recommender.answer(request, pool, prediction, contributions=rankers[i] if rankers else None)
        for i, (request, pool, prediction) in enumerate(zip(call.requests, pools, predictions, strict=True))
    ]
    _FINISH.observe(time.perf_counter() - started)
    return answers
