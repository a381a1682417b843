"""Which files are read, and which of their columns, before a row of them is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from segue.catalog.columns import COLUMNS
from segue.catalog.layouts import (
    ALIASES,
    INTERACTION_ALIASES,
    INTERACTION_COLUMNS,
    MANY,
    NEEDED,
    match_columns,
    missing_columns,
    name_layout,
)
from segue.catalog.reader import open_file
from segue.catalog.sniff import Sniffed, guess_delimiter
from segue.catalog.sources import SourceFile
from segue.errors import CatalogError, InteractionsError

__all__ = ["CATALOGUE", "INTERACTIONS", "PlannedFile", "Shape", "as_interactions", "plan_files"]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What a kind of file must have: a catalogue, or interactions.

    Attributes
    ----------
    canonical
        The columns that are read where they are there.
    needed
        Those that must be there.
    aliases
        Other names, theirs -> canonical.
    """

    canonical: tuple[str, ...]
    needed: tuple[str, ...]
    aliases: Mapping[str, str]


CATALOGUE = Shape(canonical=tuple(column.name for column in COLUMNS), needed=NEEDED, aliases=ALIASES)
INTERACTIONS = Shape(
    canonical=INTERACTION_COLUMNS, needed=INTERACTION_COLUMNS[:2], aliases=INTERACTION_ALIASES
)


@dataclass(frozen=True, kw_only=True)
class PlannedFile:
    """A file, what it is, and the columns to read from it (canonical -> theirs)."""

    file: SourceFile
    sniffed: Sniffed
    columns: dict[str, str]

    @property
    def layout(self) -> str:
        """Name of the public layout that the file has."""
        return name_layout(self.sniffed.header)

    @property
    def many(self) -> frozenset[str]:
        """Canonical names of the columns that hold several values."""
        return frozenset(name for name, theirs in self.columns.items() if theirs.strip().lower() in MANY)

    @property
    def bytes(self) -> int:
        """Size of the file."""
        return self.file.path.stat().st_size


@contextmanager
def as_interactions() -> Iterator[None]:
    """Turn what goes wrong in reading a file into an error about the interactions."""
    try:
        yield
    except CatalogError as error:
        raise InteractionsError(f"interactions: {error}") from None


def plan_files(files: Sequence[SourceFile], shape: Shape, extra: Mapping[str, str]) -> list[PlannedFile]:
    """Open each file and find its columns.

    Parameters
    ----------
    files
        The files; one that is optional is left out if it is something else.
    shape
        What they must be.
    extra
        The user's aliases, theirs -> canonical.

    Raises
    ------
    CatalogError
        A file can't be read or lacks a column, or there is none left.
    """
    planned: list[PlannedFile] = []
    refused: list[CatalogError] = []
    for file in files:
        try:
            planned.append(_plan(file, shape, extra))
        except CatalogError as error:
            if not file.optional:
                raise
            refused.append(error)
    if not planned:
        raise CatalogError("; ".join(str(error) for error in refused))
    return planned


def _plan(file: SourceFile, shape: Shape, extra: Mapping[str, str]) -> PlannedFile:
    sniffed = open_file(file)
    columns = match_columns(
        sniffed.header, extra, aliases=shape.aliases, canonical=shape.canonical, source=file.name
    )
    missing = [name for name in shape.needed if name not in columns]
    if not missing:
        return PlannedFile(file=file, sniffed=sniffed, columns=columns)
    if sniffed.kind != "parquet":
        known = frozenset({*shape.canonical, *shape.aliases, *(theirs.strip().lower() for theirs in extra)})
        separated = guess_delimiter(sniffed.header, known)
        if separated:
            raise CatalogError(
                f"{file.name}: its columns look separated by {separated}; expected commas: "
                "save it as CSV with commas"
            )
    told = missing_columns(sniffed.header, extra, columns, missing, aliases=shape.aliases)
    raise CatalogError(f"{file.name}: {told}")
