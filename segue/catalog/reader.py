"""Open a file of a catalogue, whatever its format: its column names, then batches of text."""

from __future__ import annotations

from collections.abc import Generator, Mapping

from segue.catalog.batches import RawBatch
from segue.catalog.csv_reader import BLOCK_BYTES, read_csv
from segue.catalog.parquet_reader import parquet_header, read_parquet
from segue.catalog.sniff import Sniffed, sniff
from segue.catalog.sources import SourceFile

__all__ = ["open_file", "read_batches"]


def open_file(file: SourceFile) -> Sniffed:
    """Tell what a file is and which columns it has.

    Raises
    ------
    CatalogError
        It is empty, damaged, or neither CSV nor Parquet.
    """
    found = sniff(file)
    if found.kind == "parquet":
        return Sniffed(kind="parquet", header=parquet_header(file))
    return found


def read_batches(
    file: SourceFile, sniffed: Sniffed, columns: Mapping[str, str], *, block_bytes: int = BLOCK_BYTES
) -> Generator[RawBatch]:
    """Read the given columns.

    Parameters
    ----------
    file
        The file.
    sniffed
        What `open_file` found.
    columns
        canonical -> theirs; no other column is read.
    block_bytes
        How much of a CSV file is parsed at a time.

    Raises
    ------
    CatalogError
        The file breaks off, is damaged, or is not what it seemed.
    """
    if sniffed.kind == "parquet":
        yield from read_parquet(file, columns)
    else:
        yield from read_csv(file, sniffed, columns, block_bytes)
