"""The predictor's model: runs the boosters of the requested bundle on the rows of a call."""

from __future__ import annotations

import asyncio
import os
import secrets
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from kserve import InferRequest

from segue.bundle.definition import BundleDefinition
from segue.bundle.reader import BundleFiles
from segue.recommend.rerank import LocalRanker, Predictions
from serving import metrics
from serving.bundles import Version, Versions
from serving.compile import Compiler
from serving.errors import BundleNotLoaded, NotReady
from serving.predictor.tensors import encode, parameter, read_instances, read_tensor
from serving.protocol import read_v1
from serving.served_model import ServedModel
from serving.settings import PredictorSettings
from serving.wire import (
    ALONE,
    BOOSTER_OUTPUTS,
    BUNDLE,
    CONTRIBUTIONS,
    DIGESTS,
    FEATURES,
    INSTANCE,
    PREDICTIONS,
    join_digests,
)

__all__ = ["Predictor"]

Floats = npt.NDArray[np.float32]

FILES = ("popularity.txt", "relevance.txt")
# Work on the event loop costs least, but delays probes; what may take longer than this goes to a thread.
_INLINE_SECONDS = 0.004
# Starting threads takes some tens of microseconds; shorter work stays in one.
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


class Predictor(ServedModel):
    """LightGBM on KServe."""

    def __init__(self, settings: PredictorSettings) -> None:
        self.settings = settings
        self.instance = f"{os.getpid()}-{secrets.token_hex(4)}"
        versions: Versions[Boosters] = Versions(settings, need=FILES, load=self._open, unload=self._close)
        super().__init__(settings, versions)

    def stop(self) -> None:
        """Stop following the channel, and stop compiling."""
        self.versions.stop()
        for version in self.versions.held.values():
            self._close(version)

    def get_input_types(self) -> list[dict[str, Any]]:
        """The input for the bundle in service."""
        return [{"name": FEATURES, "datatype": "FP32", "shape": [-1, len(self._choose(None).value.columns)]}]

    def get_output_types(self) -> list[dict[str, Any]]:
        """The outputs for the bundle in service."""
        boosters = self._choose(None).value.definition.boosters
        return [{"name": BOOSTER_OUTPUTS[b.name], "datatype": "FP32", "shape": [-1]} for b in boosters]

    async def answer(self, call: Any) -> tuple[Any, dict[str, str], str]:
        """Predict for the rows of one call."""
        if isinstance(call, InferRequest):
            return await self._answer_v2(call), {}, "ok"
        body, instances = read_v1(call)
        version = self._choose(body.get(BUNDLE))
        outputs = await self._rank(version.value, read_instances(instances, version.value.columns))
        rows = zip(*(values.tolist() for values in outputs.values()), strict=True)
        predictions = [dict(zip(outputs, row, strict=True)) for row in rows]
        return {PREDICTIONS: predictions, "parameters": self._parameters(version)}, {}, "ok"

    async def _answer_v2(self, call: InferRequest) -> Any:
        digest = parameter(call, BUNDLE)
        version = self._choose(None if digest is None else str(digest))
        matrix = read_tensor(call, version.value.columns)
        if parameter(call, CONTRIBUTIONS):
            outputs = await self._contribute(version.value, matrix)
        else:
            outputs = await self._rank(version.value, matrix, is_alone=bool(parameter(call, ALONE)))
        return encode(call, outputs, self._parameters(version))

    def _choose(self, digest: Any) -> Version[Boosters]:
        """The version with a digest; the one in service if none is given."""
        held = self.versions.held
        if not held:
            raise NotReady(f"not ready: {self.waiting_for}")
        if digest is None:
            return self.versions.preferred()[0]
        if digest not in held:
            # transformers before the trailing metadata read the message; from 0.3 on it can be shorter
            loaded = f"instance={self.instance}; loaded={join_digests(held)}"
            message = f"bundle {str(digest)[:64]} is not loaded; {loaded}"
            raise BundleNotLoaded(message, instance=self.instance, loaded=tuple(held))
        return held[digest]

    def _parameters(self, version: Version[Boosters]) -> dict[str, str]:
        """Parameters of every response: the bundle used, all bundles loaded, and this process."""
        return {
            BUNDLE: version.digest,
            DIGESTS: join_digests(self.versions.held),
            INSTANCE: self.instance,
        }

    async def _rank(self, boosters: Boosters, matrix: Floats, *, is_alone: bool = False) -> dict[str, Floats]:
        metrics.RANKED_ROWS.inc(len(matrix))
        seconds = boosters.trees * len(matrix) * _SECONDS_A_TREE_AND_ROW
        # The only call may use all CPUs; with others, threads would only wait for each other.
        is_spread = is_alone and self.inflight == 1 and seconds > _WORTH_THREADS_SECONDS
        work = partial(_predict, boosters, matrix, self.settings.workers if is_spread else 1)
        if seconds > _INLINE_SECONDS:
            return await asyncio.get_running_loop().run_in_executor(self.pool, work)
        return work()

    async def _contribute(self, boosters: Boosters, matrix: Floats) -> dict[str, Floats]:
        work = partial(boosters.booster.contributions, matrix)
        return {CONTRIBUTIONS: await asyncio.get_running_loop().run_in_executor(self.pool, work)}

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
    return {BOOSTER_OUTPUTS[name]: values for name, values in boosters.predict(matrix, threads).items()}
