"""A batch of text becomes typed canonical rows, and the rows that are rejected with a reason each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from segue.catalog.batches import RawBatch, Reject, clip
from segue.catalog.checks import find_failures
from segue.catalog.columns import COLUMNS, Column, arrow_schema
from segue.catalog.values import (
    first_of_many,
    read_flags,
    read_genres,
    read_names,
    read_numbers,
    read_years,
)
from segue.limits import ID_LENGTH

__all__ = ["Cleaned", "clean"]

_NOT_FOUND = {column.name: column.not_found for column in COLUMNS if column.not_found is not None}
_SCHEMA = arrow_schema()

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Cleaned:
    """What became of a batch.

    Attributes
    ----------
    accepted
        Rows in the canonical schema, in the order of the file.
    numbers
        float64 [n] by name for each numeric column of the file, NaN where missing: what was accepted, before
        it is narrowed to the column's type.
    rejects
        The other rows, by row number.
    """

    accepted: pa.RecordBatch
    numbers: dict[str, Floats]
    rejects: list[Reject]


def clean(batch: RawBatch, many: Collection[str] = ()) -> Cleaned:
    """Type, check and filter a batch.

    Parameters
    ----------
    batch
        Rows as text.
    many
        Canonical names of the columns that hold several values, of which the first is taken.
    """
    text = {name: first_of_many(values) if name in many else values for name, values in batch.columns.items()}
    numbers, others, wrong = _type_columns(text)
    failures = [
        *((i, name, reason) for name, (mask, reason) in wrong.items() for i in np.flatnonzero(mask).tolist()),
        *find_failures(_frame(numbers, others)),
    ]
    first = _first_failures(failures)
    rejects = [
        Reject(int(batch.rows[i]), name, clip(batch.columns[name][i].as_py() or ""), reason)
        for i, (name, reason) in first.items()
    ]
    keep = np.ones(len(batch.rows), bool)
    keep[list(first)] = False
    if first:
        numbers = {name: values[keep] for name, values in numbers.items()}
        others = {name: values.filter(pa.array(keep)) for name, values in others.items()}
    return Cleaned(
        accepted=_canonical(numbers, others, int(keep.sum())),
        numbers=numbers,
        rejects=sorted([*batch.rejects, *rejects]),
    )


def _type_columns(
    text: dict[str, pa.StringArray],
) -> tuple[dict[str, Floats], dict[str, pa.Array], dict[str, tuple[Bools, str]]]:
    """Give numeric columns, the other columns, and where a value could not be understood."""
    numbers: dict[str, Floats] = {}
    others: dict[str, pa.Array] = {}
    wrong: dict[str, tuple[Bools, str]] = {}
    for column in COLUMNS:
        name = column.name
        if name not in text:
            continue
        if column.low is not None:
            read = read_years if name == "year" else read_numbers
            numbers[name], mask = _number(name, text[name], read)
            wrong[name] = (mask, "not a year or a date" if name == "year" else "not a number")
        elif pa.types.is_boolean(column.type):
            others[name], mask = read_flags(text[name])
            wrong[name] = (mask, "neither true nor false")
        else:
            others[name] = (read_genres if name == "genre" else read_names)(text[name])
            if name == "track_id":
                wrong[name] = (_is_too_long(others[name]), f"longer than {ID_LENGTH} characters")
    return numbers, others, wrong


def _is_too_long(ids: pa.Array) -> Bools:
    """Tell the ids that the log could not hold: lists with such a track would be missing from it."""
    found: Bools = pc.greater(pc.utf8_length(ids), ID_LENGTH).fill_null(False).to_numpy(zero_copy_only=False)
    return found


def _number(
    name: str, text: pa.StringArray, read: Callable[[pa.StringArray], tuple[Floats, Bools]]
) -> tuple[Floats, Bools]:
    values, mask = read(text)
    if name in _NOT_FOUND:
        values = np.where(values == _NOT_FOUND[name], np.nan, values)
    return values, mask


def _frame(numbers: dict[str, Floats], others: dict[str, pa.Array]) -> pd.DataFrame:
    """Frame for the checks: every column that has a rule."""
    required = [column.name for column in COLUMNS if column.required and column.name in others]
    texts = {name: pd.Series(pd.arrays.ArrowExtensionArray(others[name])) for name in required}
    return pd.DataFrame({**texts, **numbers}, copy=False)


def _first_failures(failures: Sequence[tuple[int, str, str]]) -> dict[int, tuple[str, str]]:
    """One reason a row: that of the first column, in canonical order."""
    order = {column.name: i for i, column in enumerate(COLUMNS)}
    first: dict[int, tuple[str, str]] = {}
    for i, name, reason in sorted(failures, key=lambda failure: order[failure[1]]):
        first.setdefault(i, (name, reason))
    return first


def _canonical(numbers: dict[str, Floats], others: dict[str, pa.Array], count: int) -> pa.RecordBatch:
    arrays = [
        others[column.name]
        if column.name in others
        else _narrow(numbers[column.name], column)
        if column.name in numbers
        else pa.nulls(count, column.type)
        for column in COLUMNS
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA)


def _narrow(values: Floats, column: Column) -> pa.Array:
    is_missing = np.isnan(values)
    dtype = column.type.to_pandas_dtype()
    if pa.types.is_integer(column.type):
        values = np.rint(np.where(is_missing, 0, values))
    return pa.array(values.astype(dtype), column.type, mask=is_missing)
