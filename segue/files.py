"""Write files atomically: readers never see an incomplete file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["replacing", "spreadsheet_cells", "write_array", "write_json", "write_parquet"]

# Columns with repeated values: a dictionary on others doubles the time of writing.
_DICTIONARY_COLUMNS = ("artist_name", "genre", "album_name", "album_id", "artist_id", "playlist_id", "reason")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# Fixed, so that every run writes the same bytes.
_ROW_GROUP = 131_072


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and rename it to `path` at the end, or delete it on an error."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_array(path: Path, array: npt.NDArray[np.generic]) -> None:
    """Write an array as .npy."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.save(file, array, allow_pickle=False)


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write a table as zstd Parquet; the same table gives the same bytes."""
    with replacing(path) as temporary:
        pq.write_table(
            table,
            temporary,
            compression="zstd",
            compression_level=1,
            row_group_size=_ROW_GROUP,
            use_dictionary=[name for name in _DICTIONARY_COLUMNS if name in table.column_names],
        )


def write_json(path: Path, value: object) -> None:
    """Write JSON with sorted keys and an indent of two, for people and diffs."""
    options = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY
    with replacing(path) as temporary:
        temporary.write_bytes(orjson.dumps(value, option=options) + b"\n")


def spreadsheet_cells(*values: object) -> list[object]:
    """Cells of a CSV row; a text that a spreadsheet would take for a formula begins with an apostrophe."""
    return [
        f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value for value in values
    ]
