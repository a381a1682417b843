"""The checks of a catalogue as a pandera schema, made from the table of canonical columns."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import lru_cache

import pandas as pd
import pandera.pandas as pa_checks
import pyarrow as pa
from pandera.errors import SchemaErrors

from segue.catalog.columns import COLUMNS, Column

__all__ = ["MISSING", "NOT_WHOLE", "find_failures", "range_text", "schema_of"]

MISSING = "required, but missing"
NOT_WHOLE = "not a whole number"

_BY_NAME = {column.name: column for column in COLUMNS}
_TEXT = pd.ArrowDtype(pa.string())


def range_text(low: float, high: float, unit: str = "") -> str:
    """Write bounds for a person, for example ``0 to 1`` or ``1 to 400 BPM``."""
    first, last = (f"{bound:,.0f}" if bound >= 10_000 else f"{bound:g}" for bound in (low, high))
    return f"{first} to {last} {unit}".strip()


@lru_cache
def schema_of(names: tuple[str, ...]) -> pa_checks.DataFrameSchema:
    """Schema of a cleaned batch that has the given canonical columns.

    Numbers are float64 with NaN for missing; each check runs on a whole column at once, and its error text
    is the reason that a rejected row gets.
    """
    return pa_checks.DataFrameSchema({name: _check(_BY_NAME[name]) for name in names})


def _check(column: Column) -> pa_checks.Column:
    if column.required:
        return pa_checks.Column(_TEXT, nullable=False)
    checks = []
    if column.low is not None and column.high is not None:
        reason = f"outside {range_text(column.low, column.high, column.unit)}"
        checks.append(pa_checks.Check.in_range(column.low, column.high, error=reason))
    # A fraction of a millisecond is only precision, but there is no key 3.5.
    if pa.types.is_integer(column.type) and column.unit != "ms":
        checks.append(pa_checks.Check(lambda values: values.round() == values, error=NOT_WHOLE))
    return pa_checks.Column("float64", checks, nullable=True)


def find_failures(frame: pd.DataFrame) -> Sequence[tuple[int, str, str]]:
    """Validate a batch and give what fails: position in the batch, column, reason; in column order.

    Parameters
    ----------
    frame
        Columns that `schema_of` knows, index 0..n-1.
    """
    schema = schema_of(tuple(frame.columns))
    try:
        with warnings.catch_warnings():
            # pandera joins its findings in a way that pandas is about to change; the findings stay the same
            warnings.simplefilter("ignore", FutureWarning)
            schema.validate(frame, lazy=True, inplace=True)
    except SchemaErrors as errors:
        found = errors.failure_cases
        reasons = found["check"].replace("not_nullable", MISSING)
        return list(zip(found["index"].astype("int64"), found["column"], reasons, strict=True))
    finally:
        # pandera's accessor and the frame hold each other: a batch would stay until the next full collection
        vars(frame).pop("pandera", None)
    return []
