"""The bundles that the transformer answers from, with counts of their requests and answers.

Does not import kserve, which takes seconds, so that a bundle is loaded meanwhile.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa
from prometheus_client import REGISTRY

from segue.bundle.reader import BundleFiles
from segue.features.reference import Reference
from segue.recommend.answer import Answer
from segue.recommend.model import Bundle
from segue.recommend.recommender import Recommender
from segue.recommend.request import Request, Seed
from segue.recommend.retrieve import Candidates
from serving import metrics
from serving.bundles import Version, Versions
from serving.settings import TransformerSettings
from serving.transformer.drift import DriftCollector, DriftCounts
from serving.transformer.recall import LiveRecall

__all__ = ["ServedBundle", "ServedBundles"]

FILES = (
    "tracks.parquet",
    "features.npy",
    "embedding.npy",
    "transform.json",
    "index.faiss",
    "reference.json",
)


@dataclass(frozen=True)
class ServedBundle:
    """A bundle, loaded and used once."""

    recommender: Recommender
    drift: DriftCounts


class ServedBundles:
    """The bundles that the channel names, and the metrics of their requests and answers."""

    def __init__(self, settings: TransformerSettings) -> None:
        self.versions: Versions[ServedBundle] = Versions(
            settings, need=FILES, load=self._open, unload=self._close
        )
        self._drift = DriftCollector()
        self._recall = LiveRecall(settings.live_recall_share)
        REGISTRY.register(self._drift)

    def start(self) -> None:
        """Start following the channel, in a thread."""
        self.versions.start()

    def stop(self) -> None:
        """Stop following the channel."""
        self.versions.stop()
        REGISTRY.unregister(self._drift)

    def count(self, loaded: ServedBundle, pools: Sequence[Candidates], answers: Iterable[Answer]) -> None:
        """Count the requests and answers of a bundle."""
        for pool, answer in zip(pools, answers, strict=True):
            metrics.INSTANCES.inc()
            if not answer.items:
                metrics.EMPTY.inc()
            if answer.unknown_seeds:
                metrics.UNKNOWN_SEEDS.inc(len(answer.unknown_seeds))
            positive = pool.query.points[pool.query.weights > 0]
            self._recall.offer(loaded.recommender.bundle, positive[0])
        loaded.drift.add(pools, answers)

    def _open(self, files: BundleFiles) -> ServedBundle:
        """Load a bundle and prepare one request, so that the first caller does not wait for caches."""
        bundle = Bundle(files.definition, files.path, files.throttle)
        recommender = Recommender(bundle)
        recommender.prepare([Request(seeds=[Seed(track_id=bundle.value("track_id", 0))])])
        reference = Reference.model_validate_json(files.path("reference.json").read_bytes())
        counts = DriftCounts(files.digest, files.definition.features, reference)
        self._drift.add(counts)
        _release_memory()
        return ServedBundle(recommender, counts)

    def _close(self, version: Version[ServedBundle]) -> None:
        self._drift.remove(version.digest)
        self._recall.forget(version.digest)
        _release_memory()


def _release_memory() -> None:
    """Return memory to the system that allocators would keep after a bundle was loaded."""
    pa.default_memory_pool().release_unused()
    with contextlib.suppress(OSError, AttributeError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)
