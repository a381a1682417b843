"""Write accepted and rejected rows to Parquet, and count them for the profile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from segue.catalog.batches import Reject
from segue.catalog.tally import ReasonTally
from segue.errors import CatalogError

__all__ = ["NOT_UTF8", "REJECTED_SCHEMA", "ParquetSink", "RowSink"]

REJECTED_SCHEMA = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("column", pa.string(), nullable=False),
        pa.field("value", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("file", pa.string(), nullable=False),
    ]
)
NOT_UTF8 = "not UTF-8"

# A fixed size makes the file's bytes independent of the sizes of the batches.
_ROW_GROUP = 131_072
# From this many undecodable rows on, with no valid non-ASCII character anywhere, the encoding is wrong.
_ENCODING_ROWS = 5


class ParquetSink:
    """Writes batches of any size to a Parquet file with row groups of a fixed size."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(path, schema, compression="zstd", compression_level=1)
        self._schema = schema
        self._waiting: list[pa.RecordBatch] = []
        self._rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._write(self._rows)
        self._writer.close()

    def add(self, batch: pa.RecordBatch) -> None:
        """Add a batch; full row groups are written at once."""
        self._waiting.append(batch)
        self._rows += batch.num_rows
        full = self._rows - self._rows % _ROW_GROUP
        if full:
            self._write(full)

    def _write(self, rows: int) -> None:
        table = pa.Table.from_batches(self._waiting, self._schema)
        if rows:
            self._writer.write_table(table.slice(0, rows), row_group_size=_ROW_GROUP)
        self._rows -= rows
        self._waiting = table.slice(rows).to_batches()


class RowSink:
    """Writes and counts accepted and rejected rows.

    Attributes
    ----------
    reasons
        Why rows were rejected.
    rows_kept
        Accepted rows so far.
    """

    def __init__(self, accepted: ParquetSink, rejected: ParquetSink | None) -> None:
        self._accepted, self._rejected = accepted, rejected
        self.reasons = ReasonTally()
        self.rows_kept = 0
        self._has_non_ascii = False

    @classmethod
    @contextmanager
    def open(cls, accepted: Path, schema: pa.Schema, rejected: Path | None) -> Iterator[RowSink]:
        """Open the files; they are complete if the context ends without an error."""
        with ExitStack() as stack:
            kept = stack.enter_context(ParquetSink(accepted, schema))
            dropped = stack.enter_context(ParquetSink(rejected, REJECTED_SCHEMA)) if rejected else None
            yield cls(kept, dropped)

    @property
    def rows_read(self) -> int:
        """Rows so far, accepted or not."""
        return self.rows_kept + self.reasons.total

    def add(self, file: str, accepted: pa.RecordBatch, rejects: Sequence[Reject]) -> None:
        """Add the rows of a batch of a file."""
        self._accepted.add(accepted)
        self.rows_kept += accepted.num_rows
        self._look_for_non_ascii(accepted)
        if not rejects:
            return
        self.reasons.add(file, rejects)
        if self._rejected is not None:
            columns = [*map(list, zip(*rejects, strict=True)), [file] * len(rejects)]
            arrays = [
                pa.array(values, entry.type) for values, entry in zip(columns, REJECTED_SCHEMA, strict=True)
            ]
            self._rejected.add(pa.RecordBatch.from_arrays(arrays, schema=REJECTED_SCHEMA))

    def check_encoding(self, source: str) -> None:
        """Refuse a source in which no non-ASCII character is valid UTF-8: it has another encoding.

        Raises
        ------
        CatalogError
            The message says how to convert it.
        """
        undecodable = self.reasons.count(NOT_UTF8)
        if undecodable >= _ENCODING_ROWS and not self._has_non_ascii:
            raise CatalogError(
                f"{source}: {undecodable:,} rows are not UTF-8 and no other row has a non-ASCII character: "
                "the whole file seems to be in another encoding, such as Latin-1; expected UTF-8: "
                "convert it, for example with: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW"
            )

    def _look_for_non_ascii(self, accepted: pa.RecordBatch) -> None:
        if self._has_non_ascii:
            return
        texts = [column for column in accepted.columns if pa.types.is_string(column.type)]
        self._has_non_ascii = any(pc.all(pc.string_is_ascii(column)).as_py() is False for column in texts)
