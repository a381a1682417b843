"""The checks of a catalogue as a pandera schema, built from the canonical columns."""

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
    """Format bounds for a message, for example ``0 to 1`` or ``1 to 400 BPM``."""
    first, last = (f"{bound:,.0f}" if bound >= 10_000 else f"{bound:g}" for bound in (low, high))
    return f"{first} to {last} {unit}".strip()


@lru_cache
def schema_of(names: tuple[str, ...]) -> pa_checks.DataFrameSchema:
    """Schema of a cleaned batch that has the given canonical columns.

    Numbers are float64 with NaN for missing. Each check is vectorised, and its error text is the reason
    that is reported for a rejected row.
    """
    return pa_checks.DataFrameSchema({name: _check(_BY_NAME[name]) for name in names})


def _check(column: Column) -> pa_checks.Column:
    if column.required:
        return pa_checks.Column(_TEXT, nullable=False)
    checks = []
    if column.low is not None and column.high is not None:
        reason = f"outside {range_text(column.low, column.high, column.unit)}"
        checks.append(pa_checks.Check.in_range(column.low, column.high, error=reason))
    # A fraction of a millisecond is harmless, but a key of 3.5 is an error.
    if pa.types.is_integer(column.type) and column.unit != "ms":
        checks.append(pa_checks.Check(lambda values: values.round() == values, error=NOT_WHOLE))
    return pa_checks.Column("float64", checks, nullable=True)


def find_failures(frame: pd.DataFrame) -> Sequence[tuple[int, str, str]]:
    """Validate a batch with index 0..n-1 and return position, column and reason of its failures."""
    schema = schema_of(tuple(frame.columns))
    try:
        with warnings.catch_warnings():
            # pandera concatenates its failures in a way that pandas deprecates; the result is the same
            warnings.simplefilter("ignore", FutureWarning)
            schema.validate(frame, lazy=True, inplace=True)
    except SchemaErrors as errors:
        failures = errors.failure_cases
        reasons = failures["check"].replace("not_nullable", MISSING)
        return list(zip(failures["index"].astype("int64"), failures["column"], reasons, strict=True))
    finally:
        # pandera's accessor and the frame form a reference cycle: the batch would stay until gc runs
        vars(frame).pop("pandera", None)
    return []
