"""Read Parquet as batches of text, so that it is cleaned the same way as CSV."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from segue.catalog.batches import RawBatch, Reject, truncate
from segue.catalog.sources import SourceFile
from segue.errors import CatalogError

__all__ = ["parquet_header", "read_parquet"]

_BATCH_ROWS = 65_536
_BUFFER_BYTES = 1024 * 1024


@contextmanager
def _opened(file: SourceFile) -> Iterator[pq.ParquetFile]:
    try:
        # Buffered reads: a row group may be as large as the whole file.
        with pq.ParquetFile(file.path, buffer_size=_BUFFER_BYTES, pre_buffer=False) as opened:
            yield opened
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise CatalogError(
            f"{file.name}: the Parquet file is cut short or damaged ({reason}): fetch it again"
        ) from None


def parquet_header(file: SourceFile) -> tuple[str, ...]:
    """Column names of a Parquet file.

    Raises
    ------
    CatalogError
        The file is cut short or damaged.
    """
    with _opened(file) as opened:
        return tuple(opened.schema_arrow.names)


def read_parquet(file: SourceFile, columns: Mapping[str, str]) -> Iterator[RawBatch]:
    """Read `columns` (canonical -> the file's name) as text; see `segue.catalog.reader.read_batches`."""
    row, size = 1, file.path.stat().st_size
    with _opened(file) as opened:
        total = max(opened.metadata.num_rows, 1)
        for batch in opened.iter_batches(_BATCH_ROWS, columns=list(columns.values())):
            rows = np.arange(row, row + batch.num_rows, dtype=np.int64)
            row += batch.num_rows
            yield _as_text_batch(batch, rows, columns, done_bytes=size * (row - 1) // total)


def _as_text_batch(
    batch: pa.RecordBatch, rows: np.ndarray, columns: Mapping[str, str], *, done_bytes: int
) -> RawBatch:
    texts: dict[str, pa.StringArray] = {}
    rejects: dict[int, Reject] = {}
    for name, theirs in columns.items():
        values = batch.column(theirs)
        if pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type):
            values, undecodable = _decode(values)
            for i, shown in undecodable.items():
                rejects.setdefault(i, Reject(int(rows[i]), name, truncate(shown), "not UTF-8"))
        texts[name] = as_text(values)
    return RawBatch(rows=rows, columns=texts, done_bytes=done_bytes).without(rejects)


def as_text(values: pa.Array) -> pa.StringArray:
    """Convert values of any simple type to text; a list to its first value."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_list(values.type) or pa.types.is_large_list(values.type):
        firsts = pc.list_slice(values, 0, 1)
        joined = pc.binary_join(firsts.cast(pa.list_(pa.string())), "")
        return pc.if_else(pc.equal(pc.list_value_length(firsts), 0), None, joined)
    try:
        return values.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise CatalogError(
            f"a column of type {values.type} can't be read: expected text, numbers or lists of text"
        ) from None


def _decode(values: pa.Array) -> tuple[pa.Array, dict[int, str]]:
    """Decode bytes. Values that are not UTF-8 become null, and are returned by row, with escapes."""
    try:
        return values.cast(pa.string()), {}
    except pa.ArrowInvalid:
        pass
    texts: list[str | None] = []
    undecodable: dict[int, str] = {}
    for i, value in enumerate(values.to_pylist()):
        try:
            texts.append(None if value is None else value.decode())
        except UnicodeDecodeError:
            texts.append(None)
            undecodable[i] = value.decode(errors="backslashreplace")
    return pa.array(texts, pa.string()), undecodable
