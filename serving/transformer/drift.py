"""Counting what is asked for and what is answered into the bundle's bins; the cost falls on the scrape."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import numpy.typing as npt
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from segue.features.reference import Bins, Reference
from segue.recommend.answer import Answer, numbers
from segue.recommend.retrieve import Candidates
from serving import metrics

__all__ = ["DriftCollector", "DriftCounts"]

Floats = npt.NDArray[np.float32]

# Rows are kept until so many can be counted in one go: one at a time would cost a request 0.2 ms.
_BATCH = 512


class DriftCounts:
    """Counts of one bundle.

    Parameters
    ----------
    digest
        The bundle.
    features
        Names of the columns of the features.
    reference
        Bins and expected shares.
    """

    def __init__(self, digest: str, features: Iterable[str], reference: Reference) -> None:
        self.digest = digest
        self.reference = reference
        self._columns = {name: i for i, name in enumerate(features) if name in reference.features}
        # all bins stand at 0 from the start: a rate ignores a series' first sample
        self._queries = {
            name: np.zeros(len(reference.features[name].labels), np.int64) for name in self._columns
        }
        self._outputs = {
            name: np.zeros(len(bins.labels), np.int64) for name, bins in reference.outputs.items()
        }
        self._rows: list[Floats] = []
        self._values: dict[str, list[float]] = {name: [] for name in reference.outputs}
        self._lock = threading.Lock()

    def add(self, pools: Iterable[Candidates], answers: Iterable[Answer]) -> None:
        """Note the seeds of positive weight, and what lists show; the reference knows no degraded ones."""
        with self._lock:
            self._rows.extend(pool.query.features[pool.query.weights > 0] for pool in pools)
            for answer in answers:
                if answer.degraded:
                    continue
                for name, values in self._values.items():
                    values.extend(numbers(answer.items, name))
            if len(self._rows) >= _BATCH:
                self._count()

    def queries(self) -> Mapping[str, npt.NDArray[np.int64]]:
        """Counts by feature and bin."""
        with self._lock:
            self._count()
            return {name: counts.copy() for name, counts in self._queries.items()}

    def outputs(self) -> Mapping[str, npt.NDArray[np.int64]]:
        """Counts by output and bin."""
        with self._lock:
            self._count()
            return {name: counts.copy() for name, counts in self._outputs.items()}

    def _count(self) -> None:
        if self._rows:
            rows = np.concatenate(self._rows)
            for name, column in self._columns.items():
                self._queries[name] += self.reference.features[name].count(rows[:, column])
        for name, values in self._values.items():
            if values:
                self._outputs[name] += self.reference.outputs[name].count(np.array(values, np.float32))
        self._rows = []
        self._values = {name: [] for name in self._values}


class DriftCollector(Collector):
    """Exports the counts of the bundles held.

    A bundle's series end with the bundle; a counter that ends is no reset.
    """

    def __init__(self) -> None:
        self._counts: dict[str, DriftCounts] = {}

    def add(self, counts: DriftCounts) -> None:
        """Export a bundle's counts."""
        self._counts = {**self._counts, counts.digest: counts}

    def remove(self, digest: str) -> None:
        """End a bundle's series."""
        self._counts = {name: counts for name, counts in self._counts.items() if name != digest}

    def describe(self) -> Iterator[Metric]:
        """Nothing: what is exported depends on the bundles."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The families, at a scrape."""
        query = CounterMetricFamily(
            metrics.QUERY_BIN, "Seeds by feature and bin.", labels=("digest", "feature", "bin")
        )
        output = CounterMetricFamily(
            metrics.OUTPUT_BIN, "Recommended tracks by output and bin.", labels=("digest", "output", "bin")
        )
        ratio = GaugeMetricFamily(
            metrics.REFERENCE_RATIO, "Share of a bin in the reference.", labels=("digest", "feature", "bin")
        )
        for digest, counts in self._counts.items():
            reference = counts.reference
            for name, values in counts.queries().items():
                _export(query, (digest, name), reference.features[name], values.tolist())
                _export(ratio, (digest, name), reference.features[name], reference.features[name].shares)
            for name, values in counts.outputs().items():
                _export(output, (digest, name), reference.outputs[name], values.tolist())
                _export(
                    ratio, (digest, f"output:{name}"), reference.outputs[name], reference.outputs[name].shares
                )
        yield from (query, output, ratio)


def _export(
    family: CounterMetricFamily | GaugeMetricFamily,
    labels: tuple[str, ...],
    bins: Bins,
    values: Iterable[float],
) -> None:
    for label, value in zip(bins.labels, values, strict=True):
        family.add_metric((*labels, label), value)
