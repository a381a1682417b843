"""Count batch by batch, in bounded memory, what a profile reports."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from segue.catalog.batches import Reject
from segue.catalog.columns import COLUMNS, NUMERIC, column_named
from segue.catalog.profile import Histogram, NumericProfile, Reason, RejectedExample

__all__ = ["ReasonTally", "ValueTally"]

_EXAMPLES = 3
_EXAMPLE_LENGTH = 120
_GENRES = 200
# Bounds the memory if the column does not hold genres.
_GENRE_LIMIT = 20_000
_DIGITS = 6

Floats = npt.NDArray[np.float64]


class ReasonTally:
    """Counts rejected rows by reason, and keeps the first rows of each as examples."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._examples: dict[tuple[str, str], list[RejectedExample]] = {}

    def add(self, file: str, rejects: Iterable[Reject]) -> None:
        """Count rejected rows."""
        for reject in rejects:
            key = (reject.column, reject.reason)
            self._counts[key] += 1
            examples = self._examples.setdefault(key, [])
            if len(examples) < _EXAMPLES:
                value = reject.value[:_EXAMPLE_LENGTH]
                examples.append(RejectedExample(file=file, row=reject.row, value=value))

    @property
    def total(self) -> int:
        """Number of rejected rows."""
        return self._counts.total()

    def count(self, reason: str) -> int:
        """Number of rows rejected for a reason, in any column."""
        return sum(count for (_, why), count in self._counts.items() if why == reason)

    def reasons(self) -> list[Reason]:
        """The reasons, most frequent first."""
        ordered = sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))
        return [
            Reason(column=column, reason=reason, count=count, examples=self._examples[column, reason])
            for (column, reason), count in ordered
        ]


class _NumericTally:
    """Moments and histogram of one column."""

    def __init__(self, name: str) -> None:
        self._edges = np.array(column_named(name).edges)
        self._counts = np.zeros(len(self._edges) - 1, dtype=np.int64)
        # Sums are shifted by a value within the range: avoids catastrophic cancellation.
        self._origin = float(self._edges[len(self._edges) // 2])
        self._sum = self._squares = 0.0
        self._min, self._max = math.inf, -math.inf
        self.missing = 0

    def add(self, values: Floats) -> None:
        present = values[~np.isnan(values)]
        self.missing += len(values) - len(present)
        if not len(present):
            return
        bins = np.searchsorted(self._edges[1:-1], present, side="right")
        self._counts += np.bincount(bins, minlength=len(self._counts))
        shifted = present - self._origin
        self._sum += float(shifted.sum())
        self._squares += float(np.square(shifted).sum())
        self._min, self._max = min(self._min, float(present.min())), max(self._max, float(present.max()))

    def result(self) -> NumericProfile:
        count = int(self._counts.sum())
        histogram = Histogram(edges=self._edges.tolist(), counts=self._counts.tolist(), missing=self.missing)
        if not count:
            return NumericProfile(mean=None, std=None, min=None, max=None, histogram=histogram)
        mean = self._sum / count
        return NumericProfile(
            mean=_round(mean + self._origin),
            std=_round(math.sqrt(max(self._squares / count - mean**2, 0.0))),
            min=self._min,
            max=self._max,
            histogram=histogram,
        )


def _round(value: float) -> float:
    """Round to digits that do not depend on the order of summation or the processor."""
    return float(f"{value:.{_DIGITS}g}")


class ValueTally:
    """Counts the values of the kept rows."""

    def __init__(self) -> None:
        self._numeric = {name: _NumericTally(name) for name in NUMERIC}
        self._missing = {column.name: 0 for column in COLUMNS if column.name not in NUMERIC}
        self._genres: Counter[str] = Counter()
        self._other_genres = 0
        self._years: Counter[int] = Counter()
        self.rows = 0

    def add(self, accepted: pa.RecordBatch, numbers: dict[str, Floats]) -> None:
        """Count a batch; `numbers` are the numeric columns that the file has, float64 [n] each."""
        self.rows += accepted.num_rows
        for name, tally in self._numeric.items():
            if name in numbers:
                tally.add(numbers[name])
            else:
                tally.missing += accepted.num_rows
        for name in self._missing:
            self._missing[name] += accepted.column(name).null_count
        for entry in pc.value_counts(accepted.column("year").drop_null()).to_pylist():
            self._years[entry["values"]] += entry["counts"]
        for entry in pc.value_counts(accepted.column("genre").drop_null()).to_pylist():
            if entry["values"] in self._genres or len(self._genres) < _GENRE_LIMIT:
                self._genres[entry["values"]] += entry["counts"]
            else:
                self._other_genres += entry["counts"]

    def missing(self) -> dict[str, int]:
        """Rows without a value, by canonical column."""
        numeric = {name: tally.missing for name, tally in self._numeric.items()}
        return {column.name: {**self._missing, **numeric}[column.name] for column in COLUMNS}

    def numeric(self) -> dict[str, NumericProfile]:
        """Distributions of the numeric columns."""
        return {name: tally.result() for name, tally in self._numeric.items()}

    def years(self) -> dict[str, int]:
        """Rows by year."""
        return {str(year): self._years[year] for year in sorted(self._years)}

    def genres(self) -> tuple[dict[str, int], int]:
        """Rows of the most frequent genres, and of all others together."""
        ordered = sorted(self._genres.items(), key=lambda item: (-item[1], item[0]))
        rest = sum(count for _, count in ordered[_GENRES:])
        return dict(ordered[:_GENRES]), rest + self._other_genres
