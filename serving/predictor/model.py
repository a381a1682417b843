"""The predictor's model: the boosters of the bundle that was asked for, run on the rows that were sent."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import kserve
import numpy as np
import numpy.typing as npt
import orjson
from kserve import InferRequest

from segue.bundle.definition import BundleDefinition
from segue.bundle.reader import BundleFiles
from segue.recommend.rerank import LocalRanker, Predictions
from serving import metrics
from serving.bundles import Version, Versions
from serving.compile import Compiler
from serving.errors import BadRequest, NotReady, OtherBundle, Overloaded, Refusal
from serving.logs import take_request_id
from serving.predictor.tensors import FEATURES, encode, parameter, read_instances, read_tensor
from serving.settings import PredictorSettings

__all__ = ["Predictor"]

Floats = npt.NDArray[np.float32]

# Names on the wire of what the boosters predict.
WIRE_NAMES = {"popularity": "predicted_popularity", "relevance": "relevance"}
CONTRIBUTIONS = "contributions"
# A caller says so that it has no other call under way.
ALONE = "alone"
# Work on the event loop costs least, but probes wait for it; what may last longer goes to a thread.
_INLINE_SECONDS = 0.004
# Waking threads takes some tens of microseconds.
_WORTH_THREADS_SECONDS = 0.0004
# LightGBM, one thread: 300 trees on 200 rows take 2.4 ms.
_SECONDS_A_TREE_AND_ROW = 4e-8


@dataclass(frozen=True)
class Boosters:
    """A bundle's boosters, loaded."""

    definition: BundleDefinition
    booster: LocalRanker
    compiler: Compiler | None = None

    @property
    def columns(self) -> list[str]:
        """Columns of the matrix, in order."""
        return self.definition.ranking_columns

    def predict(self, matrix: Floats, threads: int) -> Predictions:
        """Predict with what there is: compiled once that is ready, which one thread is enough for."""
        if self.compiler is not None and self.compiler.ready is not None:
            return self.compiler.ready.predict(matrix)
        return self.booster.predict(matrix, threads=threads)

    @property
    def trees(self) -> int:
        """Trees of all boosters."""
        return sum(booster.trees for booster in self.definition.boosters)


class Predictor(kserve.Model):  # type: ignore[misc]
    """LightGBM on KServe.

    Parameters
    ----------
    settings
        The process's settings.
    """

    def __init__(self, settings: PredictorSettings) -> None:
        super().__init__(settings.model_name, return_response_headers=True)
        self.ready = True  # kserve registers no other; `healthy` is what says whether it can answer
        self.settings = settings
        self.instance = f"{os.getpid()}-{secrets.token_hex(4)}"
        self.versions: Versions[Boosters] = Versions(
            settings, need=("popularity.txt", "relevance.txt"), load=self._open, unload=self._close
        )
        self._pool = ThreadPoolExecutor(settings.workers, thread_name_prefix="rank")
        self._inflight = 0

    @property
    def waiting_for(self) -> str:
        """Why nothing can be answered yet."""
        return f"waiting for {self.versions.waiting_for}"

    def load(self) -> bool:
        """Start following the channel; kserve may call this again, and nothing happens then."""
        return bool(self.ready)

    def stop(self) -> None:
        """Stop following the channel, and whatever is still compiling."""
        self.versions.stop()
        for version in self.versions.held.values():
            self._close(version)

    async def healthy(self) -> bool:
        """Whether an answer can be given."""
        return self.versions.is_ready

    def get_input_types(self) -> list[dict[str, Any]]:
        """The tensor that the bundle in service reads."""
        return [{"name": FEATURES, "datatype": "FP32", "shape": [-1, len(self._choose(None).value.columns)]}]

    def get_output_types(self) -> list[dict[str, Any]]:
        """The tensors that the bundle in service answers."""
        boosters = self._choose(None).value.definition.boosters
        return [{"name": WIRE_NAMES[b.name], "datatype": "FP32", "shape": [-1]} for b in boosters]

    async def __call__(
        self,
        body: Any,
        headers: Any = None,
        verb: Any = None,  # noqa: ARG002 - kserve passes it; explain is a field of an instance
    ) -> tuple[Any, dict[str, str]]:
        """Answer one call; counts it, bounds how many are worked on, and names its outcome."""
        started, outcome = time.perf_counter(), "error"
        if self._inflight >= self.settings.max_inflight:
            metrics.REQUESTS.labels("overloaded").inc()
            raise Overloaded(f"more than {self.settings.max_inflight} calls at once")
        self._inflight += 1
        metrics.INFLIGHT.set(self._inflight)
        identity = take_request_id(headers)
        try:
            answer = await self._answer(body)
            outcome = "ok"
        except Refusal as refusal:
            outcome = refusal.outcome
            raise
        finally:
            self._inflight -= 1
            metrics.INFLIGHT.set(self._inflight)
            metrics.REQUESTS.labels(outcome).inc()
            metrics.REQUEST_SECONDS.observe(time.perf_counter() - started)
        return answer, {"x-request-id": identity}

    async def _answer(self, body: Any) -> Any:
        if isinstance(body, InferRequest):
            digest = parameter(body, "bundle")
            version = self._choose(None if digest is None else str(digest))
            matrix = read_tensor(body, version.value.columns)
            work = self._contribute if parameter(body, CONTRIBUTIONS) else self._rank
            outputs = await work(version.value, matrix, is_alone=bool(parameter(body, ALONE)))
            return encode(body, outputs, self._parameters(version))
        if isinstance(body, bytes):  # any content type that kserve does not know
            try:
                body = orjson.loads(body)
            except orjson.JSONDecodeError as error:
                raise BadRequest(f"the body is not JSON: {error}", field="body") from None
        if not isinstance(body, dict):
            raise BadRequest("the body is not a JSON object", field="body")
        version = self._choose(body.get("bundle"))
        matrix = read_instances(body.get("instances"), version.value.columns)
        outputs = await self._rank(version.value, matrix)
        names = list(outputs)
        rows = zip(*(values.tolist() for values in outputs.values()), strict=True)
        return {
            "predictions": [dict(zip(names, row, strict=True)) for row in rows],
            "parameters": self._parameters(version),
        }

    def _choose(self, digest: Any) -> Version[Boosters]:
        """The version asked for; the pointer's where none is."""
        held = self.versions.held
        if not held:
            raise NotReady(f"not ready: {self.waiting_for}")
        if digest is None:
            return self.versions.preferred()[0]
        if digest not in held:
            raise OtherBundle(
                f"bundle {str(digest)[:64]} is not loaded; instance={self.instance}; loaded={','.join(held)}"
            )
        return held[digest]

    def _parameters(self, version: Version[Boosters]) -> dict[str, str]:
        """What every answer says of its maker: the bundle used, and all that this process has."""
        return {
            "bundle": version.digest,
            "digests": ",".join(self.versions.held),
            "instance": self.instance,
        }

    async def _rank(self, boosters: Boosters, matrix: Floats, *, is_alone: bool = False) -> dict[str, Floats]:
        metrics.RANKED_ROWS.inc(len(matrix))
        seconds = boosters.trees * len(matrix) * _SECONDS_A_TREE_AND_ROW
        # Alone, a call may have all CPUs; beside others, threads would only wait for each other.
        is_spread = is_alone and self._inflight == 1 and seconds > _WORTH_THREADS_SECONDS
        work = partial(_predict, boosters, matrix, self.settings.workers if is_spread else 1)
        if seconds > _INLINE_SECONDS:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        return work()

    async def _contribute(
        self,
        boosters: Boosters,
        matrix: Floats,
        *,
        is_alone: bool = False,  # noqa: ARG002 - one thread is enough
    ) -> dict[str, Floats]:
        work = partial(_contributions, boosters, matrix)
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def _open(self, files: BundleFiles) -> Boosters:
        booster = LocalRanker(files.definition, files.path, threads=1)
        columns = len(files.definition.ranking_columns)
        # a model that can't read its own columns is refused here, not in a request
        booster.predict(np.zeros((1, columns), np.float32))
        metrics.RANKER_COMPILED.labels(files.digest).set(0)
        compiler = None
        if self.settings.compile_ranker:
            compiler = Compiler(files, booster, cache=self.settings.compile_cache)
            compiler.start()
        return Boosters(files.definition, booster, compiler)

    def _close(self, version: Version[Boosters]) -> None:
        if version.value.compiler is not None:
            version.value.compiler.stop()
        metrics.RANKER_COMPILED.remove(version.digest)


def _predict(boosters: Boosters, matrix: Floats, threads: int) -> dict[str, Floats]:
    return {WIRE_NAMES[name]: values for name, values in boosters.predict(matrix, threads).items()}


def _contributions(boosters: Boosters, matrix: Floats) -> dict[str, Floats]:
    return {CONTRIBUTIONS: boosters.booster.contributions(matrix)}
