"""Count the features of seeds and the outputs of lists by the bundle's bins, mostly at a scrape."""

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
Counts = dict[str, npt.NDArray[np.int64]]

# Rows that are counted together: counting each alone would cost a request 0.2 ms.
_BATCH = 512


class DriftCounts:
    """Counts of one bundle: its features and outputs by the bins of its reference."""

    def __init__(self, digest: str, features: Iterable[str], reference: Reference) -> None:
        self.digest = digest
        self.reference = reference
        self._columns = {name: i for i, name in enumerate(features) if name in reference.features}
        # all bins at 0 from the start: a rate ignores a series' first sample
        self._queries = _zeros({name: reference.features[name] for name in self._columns})
        self._outputs = _zeros(reference.outputs)
        self._rows: list[Floats] = []
        self._values: dict[str, list[float]] = {name: [] for name in reference.outputs}
        self._lock = threading.Lock()

    def add(self, pools: Iterable[Candidates], answers: Iterable[Answer]) -> None:
        """Add the seeds of positive weight, and the items of lists that are not degraded."""
        with self._lock:
            self._rows.extend(pool.query.features[pool.query.weights > 0] for pool in pools)
            for answer in answers:
                if answer.degraded:
                    continue
                for name, values in self._values.items():
                    values.extend(numbers(answer.items, name))
            if len(self._rows) >= _BATCH:
                self._count()

    def queries(self) -> Counts:
        """Counts by feature and bin."""
        return self._copy(self._queries)

    def outputs(self) -> Counts:
        """Counts by output and bin."""
        return self._copy(self._outputs)

    def _copy(self, counted: Counts) -> Counts:
        with self._lock:
            self._count()
            return {name: counts.copy() for name, counts in counted.items()}

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
    """Exports the counts of the bundles held; a bundle's series end when it is dropped."""

    def __init__(self) -> None:
        self._counts: dict[str, DriftCounts] = {}

    def add(self, counts: DriftCounts) -> None:
        """Export a bundle's counts."""
        self._counts = {**self._counts, counts.digest: counts}

    def remove(self, digest: str) -> None:
        """End a bundle's series."""
        self._counts = {name: counts for name, counts in self._counts.items() if name != digest}

    def describe(self) -> Iterator[Metric]:
        """Describe nothing: the series depend on the bundles."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The families, for a scrape."""
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
            for name, values in counts.queries().items():
                bins = counts.reference.features[name]
                _export(query, (digest, name), bins, values.tolist())
                _export(ratio, (digest, name), bins, bins.shares)
            for name, values in counts.outputs().items():
                bins = counts.reference.outputs[name]
                _export(output, (digest, name), bins, values.tolist())
                _export(ratio, (digest, f"output:{name}"), bins, bins.shares)
        yield from (query, output, ratio)


def _zeros(bins: Mapping[str, Bins]) -> Counts:
    return {name: np.zeros(len(of_name.labels), np.int64) for name, of_name in bins.items()}


def _export(
    family: CounterMetricFamily | GaugeMetricFamily,
    labels: tuple[str, ...],
    bins: Bins,
    values: Iterable[float],
) -> None:
    for label, value in zip(bins.labels, values, strict=True):
        family.add_metric((*labels, label), value)
