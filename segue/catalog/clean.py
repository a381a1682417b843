"""Turn a batch of text into typed canonical rows, and rejected rows with a reason each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from segue.catalog.batches import RawBatch, Reject
from segue.catalog.checks import find_failures
from segue.catalog.columns import COLUMNS, Column, arrow_schema
from segue.catalog.spotify_ids import plain_ids
from segue.catalog.values import first_value, read_flags, read_genres, read_names, read_numbers
from segue.limits import ID_LENGTH

__all__ = ["Cleaned", "clean"]

_SCHEMA = arrow_schema()

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Cleaned:
    """A cleaned batch.

    Attributes
    ----------
    accepted
        Rows in the canonical schema, in the order of the file.
    numbers
        Name -> float64 [n], the accepted values of each numeric column of the file, NaN where missing,
        before they are narrowed to the column's type.
    rejects
        The other rows, sorted by row number.
    """

    accepted: pa.RecordBatch
    numbers: dict[str, Floats]
    rejects: list[Reject]


def clean(batch: RawBatch, multi_valued: Collection[str] = ()) -> Cleaned:
    """Parse, check and filter a batch; of the columns `multi_valued` only the first value is used."""
    text = {
        name: first_value(values) if name in multi_valued else values
        for name, values in batch.columns.items()
    }
    numbers, others, wrong = _parse_columns(text)
    failures = [
        *((i, name, reason) for name, (mask, reason) in wrong.items() for i in np.flatnonzero(mask).tolist()),
        *find_failures(_frame(numbers, others)),
    ]
    first = _first_failures(failures)
    rejects = [batch.reject(i, name, reason) for i, (name, reason) in first.items()]
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


def _parse_columns(
    text: dict[str, pa.StringArray],
) -> tuple[dict[str, Floats], dict[str, pa.Array], dict[str, tuple[Bools, str]]]:
    """Return the numeric columns, the other columns, and mask and reason of values that can't be parsed."""
    numbers: dict[str, Floats] = {}
    others: dict[str, pa.Array] = {}
    wrong: dict[str, tuple[Bools, str]] = {}
    for column in COLUMNS:
        name = column.name
        if name not in text:
            continue
        if column.low is not None:
            values, mask = read_numbers(text[name], or_dates=name == "year")
            if column.not_found is not None:
                values = np.where(values == column.not_found, np.nan, values)
            numbers[name] = values
            wrong[name] = (mask, "not a year or a date" if name == "year" else "not a number")
        elif pa.types.is_boolean(column.type):
            others[name], mask = read_flags(text[name])
            wrong[name] = (mask, "neither true nor false")
        else:
            others[name] = (read_genres if name == "genre" else read_names)(text[name])
            if name in ("track_id", "artist_id", "album_id"):
                others[name] = plain_ids(others[name])
            if name == "track_id":
                wrong[name] = (_is_too_long(others[name]), f"longer than {ID_LENGTH} characters")
    return numbers, others, wrong


def _is_too_long(ids: pa.Array) -> Bools:
    """Mask of ids that do not fit in the log's column: lists with such a track could not be logged."""
    mask: Bools = pc.greater(pc.utf8_length(ids), ID_LENGTH).fill_null(False).to_numpy(zero_copy_only=False)
    return mask


def _frame(numbers: dict[str, Floats], others: dict[str, pa.Array]) -> pd.DataFrame:
    """Frame of the columns that have a check."""
    required = [column.name for column in COLUMNS if column.required and column.name in others]
    texts = {name: pd.Series(pd.arrays.ArrowExtensionArray(others[name])) for name in required}
    return pd.DataFrame({**texts, **numbers}, copy=False)


def _first_failures(failures: Sequence[tuple[int, str, str]]) -> dict[int, tuple[str, str]]:
    """One reason per row: that of its first failing column, in canonical order."""
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
