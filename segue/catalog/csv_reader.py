"""Stream a CSV file as batches of text with row numbers; memory does not grow with the file."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator, Mapping
from itertools import islice

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from segue.catalog.batches import RawBatch, Reject, truncate
from segue.catalog.sniff import Sniffed
from segue.catalog.sources import SourceFile
from segue.errors import CatalogError

__all__ = ["BLOCK_BYTES", "read_csv"]

# A row must fit in a block. Arrow keeps about thirty blocks in memory, so they are small, and concatenated
# into larger batches here.
BLOCK_BYTES = 2 * 1024 * 1024
_BLOCKS_PER_BATCH = 4
# A row of more lines has an unclosed quotation mark.
_RUNAWAY_LINES = 100

# An undecodable byte 0xAB becomes the pair U+FDDA U+FDEB. These code points are noncharacters, reserved for a
# program's internal use, so no valid text contains them. They carry the byte through Arrow's parser, after
# which its row is rejected.
_HIGH, _LOW = 0xFDD0, 0xFDE0
_ESCAPED = re.compile("[\ufdd0-\ufddf][\ufde0-\ufdef]")
_ESCAPED_PATTERN = "[\\x{FDD0}-\\x{FDDF}][\\x{FDE0}-\\x{FDEF}]"


def _escape_bytes(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    damaged = error.object[error.start : error.end]
    return "".join(chr(_HIGH + byte // 16) + chr(_LOW + byte % 16) for byte in damaged), error.end


codecs.register_error("segue.escape", _escape_bytes)


def _show_bytes(text: str) -> str:
    r"""Show the escaped bytes of a text as ``\xff``."""
    return _ESCAPED.sub(lambda m: f"\\x{ord(m[0][0]) - _HIGH:x}{ord(m[0][1]) - _LOW:x}", text)


class _Utf8Input(io.RawIOBase):
    """The bytes of a file as valid UTF-8, with undecodable ones escaped.

    Without this, Arrow stops at a row that has both the wrong number of fields and a byte that is not UTF-8.
    """

    def __init__(self, source: pa.NativeFile) -> None:
        self._source = source
        self._ready = self._carry = b""
        self.has_escapes = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> pa.Buffer | bytes:
        missing = size - len(self._ready)
        out = self._next(missing) if missing > 0 else b""
        if self._ready or len(out) > size:
            joined = self._ready + bytes(out)
            out, self._ready = joined[:size], joined[size:]
        return out

    def _next(self, size: int) -> pa.Buffer | bytes:
        """Read about `size` bytes; an incomplete character at their end is kept for the next call."""
        data = self._source.read_buffer(max(size - len(self._carry), 1))
        is_end = not data.size
        if self._carry:
            data = pa.py_buffer(self._carry + data.to_pybytes())
        used = data.size if is_end else data.size - _incomplete_bytes(data)
        whole, self._carry = data.slice(0, used), data.slice(used).to_pybytes()
        if _is_utf8(whole):
            return whole
        self.has_escapes = True
        return codecs.decode(whole, "utf-8", "segue.escape").encode()


def _is_utf8(data: pa.Buffer) -> bool:
    # Arrow validates in place; decoding would allocate several times the block's size.
    ends = pa.py_buffer(np.array([0, data.size], dtype=np.int32))
    try:
        pa.StringArray.from_buffers(1, ends, data).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _incomplete_bytes(data: pa.Buffer) -> int:
    """Number of bytes, 0 to 3, of an incomplete UTF-8 character at the end."""
    tail = data.slice(max(data.size - 3, 0)).to_pybytes()
    for back, byte in enumerate(reversed(tail), start=1):
        if byte >= 0xC0:
            length = 2 + (byte >= 0xE0) + (byte >= 0xF0)
            return back if length > back else 0
        if byte < 0x80:
            break
    return 0


class _RowNumbers:
    """Numbers the rows of Arrow's batches, from which rows with the wrong number of fields are missing."""

    def __init__(self) -> None:
        self._next = 1
        self._skipped: list[Reject] = []
        # Row and number of lines of a row that has an unclosed quotation mark.
        self.runaway: tuple[int, int] | None = None

    @property
    def last(self) -> int:
        """Number of the last row seen."""
        return max([self._next - 1, *(reject.row for reject in self._skipped[-1:])])

    def skip(self, row: pacsv.InvalidRow) -> str:
        """Record a row with too many or too few fields; Arrow calls this before it returns the batch."""
        number = row.number - 1  # Arrow counts the header
        lines = row.text.count("\n") + 1
        many = "many" if row.actual_columns > row.expected_columns else "few"
        reason = f"too {many} fields: {row.actual_columns} instead of {row.expected_columns}"
        if lines > 1:
            reason = f"too {many} fields, over several lines: is a quotation mark not closed?"
        if lines > _RUNAWAY_LINES:
            self.runaway = (number, lines)
            return "error"
        self._skipped.append(Reject(number, "", truncate(_show_bytes(row.text)), reason))
        return "skip"

    def take(self, count: int) -> tuple[npt.NDArray[np.int64], list[Reject]]:
        """Numbers of the next `count` rows, and the skipped rows before, among and right after them."""
        gaps = np.array([reject.row for reject in self._skipped], dtype=np.int64)
        numbers = np.arange(self._next, self._next + count + len(gaps), dtype=np.int64)
        numbers = np.setdiff1d(numbers, gaps, assume_unique=True)[:count]
        if count:
            self._next = int(numbers[-1]) + 1
        after = gaps[gaps >= self._next]
        following = int(np.count_nonzero(after == self._next + np.arange(len(after))))
        self._next += following
        done = len(gaps) - len(after) + following
        rejects, self._skipped = self._skipped[:done], self._skipped[done:]
        return numbers, rejects


def read_csv(
    file: SourceFile, sniffed: Sniffed, columns: Mapping[str, str], block_bytes: int = BLOCK_BYTES
) -> Iterator[RawBatch]:
    """Read `columns` (canonical -> the file's name); see `segue.catalog.reader.read_batches`."""
    numbers = _RowNumbers()
    with pa.OSFile(str(file.path)) as raw:
        unpacked = pa.CompressedInputStream(raw, "gzip") if sniffed.kind == "csv.gz" else raw
        source = _Utf8Input(unpacked)
        try:
            with _open(source, sniffed, columns, numbers, block_bytes) as blocks:
                while part := list(islice(blocks, _BLOCKS_PER_BATCH)):
                    joined = pa.Table.from_batches(part).combine_chunks().to_batches()
                    batch = joined[0] if joined else part[0]
                    rows, rejects = numbers.take(batch.num_rows)
                    named = {name: batch.column(i) for i, name in enumerate(columns)}
                    raw_batch = RawBatch(rows=rows, columns=named, rejects=rejects, done_bytes=raw.tell())
                    yield _reject_escaped(raw_batch) if source.has_escapes else raw_batch
        except (pa.ArrowInvalid, OSError) as error:
            # raised for a header without valid rows, which is not an error here
            if "Empty CSV file or block" not in str(error):
                raise CatalogError(_explain(str(error), file.name, numbers, block_bytes)) from None
    rows, rejects = numbers.take(0)
    if rejects:
        empty = {name: pa.array([], pa.string()) for name in columns}
        yield RawBatch(rows=rows, columns=empty, rejects=rejects, done_bytes=file.path.stat().st_size)


def _open(
    source: _Utf8Input,
    sniffed: Sniffed,
    columns: Mapping[str, str],
    numbers: _RowNumbers,
    block_bytes: int,
) -> pacsv.CSVStreamingReader:
    return pacsv.open_csv(
        pa.PythonFile(source, mode="r"),
        # With several threads Arrow does not number the skipped rows; parsing is not the bottleneck.
        read_options=pacsv.ReadOptions(use_threads=False, block_size=block_bytes),
        parse_options=pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=numbers.skip),
        convert_options=pacsv.ConvertOptions(
            check_utf8=False,  # `_Utf8Input` guarantees it
            column_types=dict.fromkeys(sniffed.header, pa.string()),
            include_columns=list(columns.values()),
            strings_can_be_null=True,
            null_values=[""],
        ),
    )


def _reject_escaped(batch: RawBatch) -> RawBatch:
    """Reject the rows with bytes that are not UTF-8."""
    rejects: dict[int, Reject] = {}
    for name, values in batch.columns.items():
        is_escaped = pc.match_substring_regex(values, _ESCAPED_PATTERN).fill_null(False)
        for i in np.flatnonzero(is_escaped.to_numpy(zero_copy_only=False)).tolist():
            shown = truncate(_show_bytes(values[i].as_py()))
            rejects.setdefault(i, Reject(int(batch.rows[i]), name, shown, "not UTF-8"))
    return batch.without(rejects)


def _explain(message: str, name: str, numbers: _RowNumbers, block_bytes: int) -> str:
    # Arrow reads ahead, so the exact row is unknown
    after = f" somewhere after row {numbers.last:,}" if numbers.last else ""
    if numbers.runaway:
        row, lines = numbers.runaway
        return (
            f"{name}: a quotation mark in row {row:,} is not closed and swallows {lines:,} lines: "
            'close it, or write quotation marks in names twice ("")'
        )
    if "straddling" in message:
        return (
            f"{name}: a quotation mark is not closed{after}, or a row is longer than "
            f"{block_bytes:,} bytes: close it, or write quotation marks in names twice"
        )
    if "Truncated compressed stream" in message:
        return f"{name}: the gzip file breaks off{after}: it was cut short, fetch it again"
    if "inflate" in message:
        return f"{name}: the gzip data is damaged{after} ({message}): fetch the file again"
    return f"{name}: can't be read as CSV{after}: {message}"
