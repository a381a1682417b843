"""Reading ``tracks.parquet``, at full speed or throttled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from segue.throttle import Throttle

__all__ = ["TRACK_COLUMNS", "read_tracks"]

# Columns of every bundle's tracks.parquet.
TRACK_COLUMNS = (
    "track_id",
    "track_name",
    "artist_name",
    "album_name",
    "genre",
    "year",
    "popularity",
    "explicit",
    "image_url",
    "preview_url",
    "album_id",
    "artist_id",
    "recording",
    "artist",
)


def read_tracks(
    path: Path, columns: Sequence[str], *, repeated: Sequence[str] = (), throttle: Throttle
) -> pa.Table:
    """Read columns of ``tracks.parquet``, in the given order; those `repeated` as dictionaries.

    At full speed all threads read. Otherwise one thread reads, and pauses after each column of a row group.
    """
    if throttle.is_full:
        return pq.read_table(path, columns=list(columns), read_dictionary=list(repeated))
    with pq.ParquetFile(path, read_dictionary=list(repeated), memory_map=True) as file:
        return pa.table({name: _column(file, name, throttle) for name in columns})


def _column(file: pq.ParquetFile, name: str, throttle: Throttle) -> pa.ChunkedArray:
    chunks: list[pa.Array] = []
    for group in range(file.num_row_groups):
        table = file.read_row_group(group, columns=[name], use_threads=False)
        chunks.extend(table.column(0).chunks)
        throttle()
    column = pa.chunked_array(chunks, type=file.schema_arrow.field(name).type)
    if not pa.types.is_dictionary(column.type):
        column = pa.chunked_array([column.combine_chunks()])
    throttle()
    return column
