"""Batches of rows as read from a file, and the rows that are rejected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["RawBatch", "Reject", "truncate"]

_MAX_LENGTH = 1000


class Reject(NamedTuple):
    """A rejected row, and why it is rejected.

    Attributes
    ----------
    row
        Number of the row in its file, from 1, without the header.
    column
        Canonical name; empty if the fault is the row as a whole.
    value
        The value as text, truncated to 1,000 characters.
    reason
        What is wrong. Equal faults have equal texts, so they can be counted.
    """

    row: int
    column: str
    value: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class RawBatch:
    """Rows as text.

    Attributes
    ----------
    rows
        int64 [n], number of each row in its file, from 1.
    columns
        Canonical name -> StringArray [n]; an empty field is null.
    rejects
        Rows of this batch that can't be parsed: too many or too few fields, or not UTF-8.
    done_bytes
        Bytes of the file read so far.
    """

    rows: npt.NDArray[np.int64]
    columns: dict[str, pa.StringArray]
    rejects: list[Reject] = field(default_factory=list)
    done_bytes: int = 0

    def reject(self, position: int, column: str, reason: str) -> Reject:
        """Describe why the row at a position is rejected."""
        value = self.columns[column][position].as_py() or ""
        return Reject(int(self.rows[position]), column, truncate(value), reason)

    def without(self, rejects: Mapping[int, Reject]) -> RawBatch:
        """The batch without the rows at these positions, which are added to its rejects."""
        if not rejects:
            return self
        keep = np.ones(len(self.rows), bool)
        keep[list(rejects)] = False
        return replace(
            self,
            rows=self.rows[keep],
            columns={name: values.filter(pa.array(keep)) for name, values in self.columns.items()},
            rejects=sorted([*self.rejects, *rejects.values()]),
        )


def truncate(text: str) -> str:
    """Truncate a value to 1,000 characters."""
    return text if len(text) <= _MAX_LENGTH else text[:_MAX_LENGTH] + "…"
