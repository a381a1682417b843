"""Rows on their way from a file to the canonical table: those that can be read, those that can't."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["RawBatch", "Reject", "clip"]

_CLIP = 1000


class Reject(NamedTuple):
    """A row that is not taken, and why.

    Attributes
    ----------
    row
        Number of the record in its file, from 1, the header not counted.
    column
        Canonical name, empty where the row as a whole is at fault.
    value
        What stood there, as text, cut after 1,000 characters.
    reason
        What is wrong with it; the same words for the same fault.
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
        int64 [n], number of each record in its file, from 1.
    columns
        Canonical name -> StringArray [n], an empty field is null.
    rejects
        Rows before the end of this batch that are no rows: too many or too few fields, not UTF-8.
    done_bytes
        How much of the file has been read.
    """

    rows: npt.NDArray[np.int64]
    columns: dict[str, pa.StringArray]
    rejects: list[Reject] = field(default_factory=list)
    done_bytes: int = 0


def clip(text: str) -> str:
    """Cut a value that is too long to be worth keeping in full."""
    return text if len(text) <= _CLIP else text[:_CLIP] + "…"
