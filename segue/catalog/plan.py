"""Decide which files and columns to read, from their headers alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from segue.catalog.layouts import MULTI_VALUED, FileSchema, match_columns, missing_columns, name_layout
from segue.catalog.reader import open_file
from segue.catalog.sniff import Sniffed, guess_delimiter
from segue.catalog.sources import SourceFile
from segue.errors import CatalogError, InteractionsError

__all__ = ["PlannedFile", "as_interactions", "plan_files"]


@dataclass(frozen=True, kw_only=True)
class PlannedFile:
    """A file, its format, and the columns to read from it (canonical name -> the file's)."""

    file: SourceFile
    sniffed: Sniffed
    columns: dict[str, str]

    @property
    def layout(self) -> str:
        """Name of the file's public layout, or ``custom``."""
        return name_layout(self.sniffed.header)

    @property
    def multi_valued(self) -> frozenset[str]:
        """Canonical names of the columns that hold several values."""
        return frozenset(
            name for name, theirs in self.columns.items() if theirs.strip().lower() in MULTI_VALUED
        )

    @property
    def bytes(self) -> int:
        """Size of the file."""
        return self.file.path.stat().st_size


@contextmanager
def as_interactions() -> Iterator[None]:
    """Raise a `CatalogError` as an `InteractionsError`."""
    try:
        yield
    except CatalogError as error:
        raise InteractionsError(f"interactions: {error}") from None


def plan_files(
    files: Sequence[SourceFile], schema: FileSchema, extra: Mapping[str, str]
) -> list[PlannedFile]:
    """Open each file and match its columns; an optional file that does not have the schema is skipped.

    `extra` are the user's aliases, file's column name -> canonical name.

    Raises
    ------
    CatalogError
        A file that is not optional can't be read or lacks a column, or all files were skipped.
    """
    planned: list[PlannedFile] = []
    refused: list[CatalogError] = []
    for file in files:
        try:
            planned.append(_plan(file, schema, extra))
        except CatalogError as error:
            if not file.optional:
                raise
            refused.append(error)
    if not planned:
        raise CatalogError("; ".join(str(error) for error in refused))
    return planned


def _plan(file: SourceFile, schema: FileSchema, extra: Mapping[str, str]) -> PlannedFile:
    sniffed = open_file(file)
    columns = match_columns(sniffed.header, extra, schema, source=file.name)
    missing = [name for name in schema.required if name not in columns]
    if not missing:
        return PlannedFile(file=file, sniffed=sniffed, columns=columns)
    if sniffed.kind != "parquet":
        known = frozenset({*schema.canonical, *schema.aliases, *(theirs.strip().lower() for theirs in extra)})
        delimiter = guess_delimiter(sniffed.header, known)
        if delimiter:
            raise CatalogError(
                f"{file.name}: its columns look separated by {delimiter}; expected commas: "
                "save it as CSV with commas"
            )
    message = missing_columns(sniffed.header, extra, columns, missing, aliases=schema.aliases)
    raise CatalogError(f"{file.name}: {message}")
