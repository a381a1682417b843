"""Parse columns of text, vectorised. A value that can't be parsed is marked, never guessed."""

from __future__ import annotations

import ast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["first_value", "read_flags", "read_genres", "read_names", "read_numbers"]

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

# Spellings of "no value" for a number, a flag or a genre. Not for a name: artists and songs are called None,
# Null and NA.
_NO_VALUE = pa.array(["", "nan", "null", "none", "na", "n/a", "#n/a", "<na>", "\\n"])
# Exactly what Arrow's cast accepts, so that a value is read the same with and without the cast.
_NUMBER = r"(?i)^[+-]?(\d+\.?\d*(e[+-]?\d+)?|\.\d+(e[+-]?\d+)?|inf|infinity|nan)$"
_DATE = r"^(?P<year>\d{4})(?:[-/.]\d{1,2}){0,2}(?:[T ].*)?$"
_TRUE, _FALSE = ["true", "t", "yes", "y", "1", "1.0"], ["false", "f", "no", "n", "0", "0.0"]
_FLAGS = pa.array(_TRUE + _FALSE)
# The first string of a Python list literal, in single or double quotation marks.
_LITERAL = (
    r"""^\s*\[\s*(?:'(?P<single>(?:[^'\\]|\\.)*)'|"(?P<double>(?:[^"\\]|\\.)*)")\s*(?:,(?s:.*))?\]\s*$"""
)


def read_numbers(text: pa.StringArray, *, or_dates: bool = False) -> tuple[Floats, Bools]:
    """Read numbers, or with `or_dates` also the years of dates: ``2019-05``, ``2019-05-31``.

    Returns
    -------
    values
        float64 [n], NaN where missing or wrong.
    is_wrong
        bool [n], where the value is present but not a number.
    """
    try:
        return _floats(text.cast(pa.float64())), np.zeros(len(text), bool)
    except pa.ArrowInvalid:
        pass
    trimmed = pc.utf8_trim_whitespace(text)
    values = pc.if_else(pc.match_substring_regex(trimmed, _NUMBER), trimmed, None)
    if or_dates:
        values = pc.coalesce(values, pc.struct_field(pc.extract_regex(trimmed, _DATE), "year"))
    return _floats(values.cast(pa.float64())), _wrong(text, trimmed, values.is_valid())


def read_flags(text: pa.StringArray) -> tuple[pa.BooleanArray, Bools]:
    """Read ``True``, ``false``, ``1``, ``0``, ``yes`` …; null where missing or wrong."""
    trimmed = pc.utf8_trim_whitespace(text)
    index = pc.index_in(pc.utf8_lower(trimmed), _FLAGS)
    return pc.less(index, len(_TRUE)), _wrong(text, trimmed, index.is_valid())


def read_names(text: pa.StringArray) -> pa.StringArray:
    """Return names unchanged, but blank ones as null."""
    is_blank = pc.equal(pc.binary_length(pc.utf8_trim_whitespace(text)), 0)
    return pc.if_else(is_blank, None, text) if pc.any(is_blank).as_py() else text


def read_genres(text: pa.StringArray) -> pa.StringArray:
    """Lower-case and strip genres; null where there is no value."""
    folded = pc.utf8_lower(pc.utf8_trim_whitespace(text))
    return pc.if_else(pc.is_in(folded, _NO_VALUE), None, folded)


def first_value(text: pa.StringArray) -> pa.StringArray:
    """Return the first of several values: ``a;b``, or a Python list such as ``['a', "b"]``."""
    matched = pc.extract_regex(text, _LITERAL)
    single, double = pc.struct_field(matched, "single"), pc.struct_field(matched, "double")
    literal = pc.if_else(pc.equal(single, ""), double, single)
    first = pc.list_element(pc.split_pattern(text, ";", max_splits=1), 0)
    first = pc.if_else(pc.match_substring_regex(text, r"^\s*\[\s*\]\s*$"), None, first)
    first = pc.if_else(matched.is_valid(), literal, first)
    return _unescape(text, first, pc.and_(matched.is_valid(), pc.match_substring(literal, "\\")))


def _unescape(text: pa.StringArray, first: pa.StringArray, is_escaped: pa.BooleanArray) -> pa.StringArray:
    """Evaluate the list literals whose first string has a backslash."""
    rows = np.flatnonzero(_mask(is_escaped)).tolist()
    if not rows:
        return first
    values = first.to_pylist()
    for i in rows:
        try:
            values[i] = str(ast.literal_eval(text[i].as_py())[0])
        except (ValueError, SyntaxError, IndexError, TypeError):
            values[i] = first[i].as_py()
    return pa.array(values, pa.string())


def _floats(values: pa.DoubleArray) -> Floats:
    out: Floats = values.to_numpy(zero_copy_only=False)
    return out


def _mask(values: pa.BooleanArray) -> Bools:
    out: Bools = values.fill_null(False).to_numpy(zero_copy_only=False)
    return out


def _wrong(text: pa.StringArray, trimmed: pa.StringArray, is_parsed: pa.BooleanArray) -> Bools:
    has_no_value = pc.is_in(pc.utf8_lower(trimmed), _NO_VALUE)
    return _mask(text.is_valid()) & ~_mask(has_no_value) & ~_mask(is_parsed)
