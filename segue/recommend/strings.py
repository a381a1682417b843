"""Fast access to the cells of a string column, by reading Arrow's buffers.

An Arrow scalar per cell takes five times as long, `take` three times as long for ten cells.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

__all__ = ["Strings"]


class Strings:
    """A sequence of the cells of a string column without nulls, as UTF-8, which sorts as the text does.

    Parameters
    ----------
    values
        The column, in one chunk.
    """

    def __init__(self, values: pa.StringArray) -> None:
        _, offsets, data = values.buffers()
        self._first = values.offset
        self._length = len(values)
        self._offsets = memoryview(offsets or bytes(8)).cast(
            "q" if pa.types.is_large_string(values.type) else "i"
        )
        self._data = memoryview(data or b"")

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, row: int) -> bytes:
        at = self._first + row
        return self._data[self._offsets[at] : self._offsets[at + 1]].tobytes()

    def texts(self, rows: Iterable[int]) -> list[str]:
        """Cells as text."""
        first, offsets, data = self._first, self._offsets, self._data
        return [str(data[offsets[first + row] : offsets[first + row + 1]], "utf-8") for row in rows]
