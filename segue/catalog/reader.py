"""Open a CSV or Parquet file of a catalogue: its column names, then batches of text."""

from __future__ import annotations

from collections.abc import Generator, Mapping

from segue.catalog.batches import RawBatch
from segue.catalog.csv_reader import BLOCK_BYTES, read_csv
from segue.catalog.parquet_reader import parquet_header, read_parquet
from segue.catalog.sniff import Sniffed, sniff
from segue.catalog.sources import SourceFile

__all__ = ["open_file", "read_batches"]


def open_file(file: SourceFile) -> Sniffed:
    """Detect a file's format and read its column names.

    Raises
    ------
    CatalogError
        It is empty, damaged, or neither CSV nor Parquet.
    """
    sniffed = sniff(file)
    if sniffed.kind == "parquet":
        return Sniffed(kind="parquet", header=parquet_header(file))
    return sniffed


def read_batches(
    file: SourceFile, sniffed: Sniffed, columns: Mapping[str, str], *, block_bytes: int = BLOCK_BYTES
) -> Generator[RawBatch]:
    """Read columns (canonical name -> the file's) of a file that `open_file` has sniffed.

    A CSV file is parsed `block_bytes` at a time.

    Raises
    ------
    CatalogError
        The file is truncated or damaged, or can't be parsed.
    """
    if sniffed.kind == "parquet":
        yield from read_parquet(file, columns)
    else:
        yield from read_csv(file, sniffed, columns, block_bytes)
