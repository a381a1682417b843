"""Writing files so that a reader never sees half of one."""

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

__all__ = ["replacing", "write_array", "write_json", "write_parquet"]

# Trying a dictionary on values that hardly repeat doubles the time of writing.
_REPEATING = ("artist_name", "genre", "album_name", "album_id", "artist_id", "playlist_id", "reason")
# A fixed size makes the file the same bytes on every run.
_ROW_GROUP = 131_072


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` and move it there at the end; on an error leave nothing."""
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
            use_dictionary=[name for name in _REPEATING if name in table.column_names],
        )


def write_json(path: Path, value: object) -> None:
    """Write JSON for a person and for a diff: keys sorted, two spaces."""
    options = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY
    with replacing(path) as temporary:
        temporary.write_bytes(orjson.dumps(value, option=options) + b"\n")
