"""``profile.json``: rows read, kept and rejected, and the distributions of a catalogue's values.

It contains no time, machine or path, so the same data gives the same digest. The edges of a histogram depend
only on the column, so two catalogues can be compared.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from segue.errors import CatalogError
from segue.files import write_json
from segue.store.checksum import Sha256

__all__ = [
    "PROFILE",
    "FileProfile",
    "Histogram",
    "InteractionsProfile",
    "NumericProfile",
    "Profile",
    "Reason",
    "RejectedExample",
]

PROFILE = "profile.json"
PROFILE_VERSION = 1


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RejectedExample(_Frozen):
    """A rejected value, truncated, with its file and row."""

    file: str
    row: int
    value: str


class Reason(_Frozen):
    """Why rows were rejected; `column` is empty if the fault is the row as a whole."""

    column: str
    reason: str
    count: int
    examples: list[RejectedExample]


class Histogram(_Frozen):
    """Histogram of one column.

    Attributes
    ----------
    edges
        Edges of the bins, one more than there are bins.
    counts
        Rows per bin.
    missing
        Rows without a value.
    """

    edges: list[float]
    counts: list[int]
    missing: int

    @property
    def bins(self) -> list[int]:
        """Counts with the missing rows as the last bin, as the population stability index compares them."""
        return [*self.counts, self.missing]


class NumericProfile(_Frozen):
    """Distribution of one numeric column; the statistics are None if no row has a value."""

    mean: float | None
    std: float | None
    min: float | None
    max: float | None
    histogram: Histogram


class FileProfile(_Frozen):
    """A file that was read; `layout` is its public layout, or ``custom``."""

    name: str
    sha256: str
    bytes: int
    layout: str
    rows: int


class InteractionsProfile(_Frozen):
    """Profile of the interactions; playlists and tracks are counted over the kept pairs."""

    source: str
    sha256: str
    files: list[FileProfile]
    columns: dict[str, str]
    rows_read: int
    rows_kept: int
    rows_rejected: int
    reasons: list[Reason]
    playlists: int
    tracks: int


class Profile(_Frozen):
    """Profile of a catalogue.

    Attributes
    ----------
    source
        Name of the file; for several, the first name and the number of others.
    sha256
        Digest of the file; for several, of the list of digests and names that sha256sum prints.
    layout
        Public layout of the files, ``custom`` or ``mixed``.
    columns
        Canonical name -> the first file's column name.
    files
        The files, in the order in which they were read.
    rows_read, rows_kept, rows_rejected
        Numbers of rows; read = kept + rejected.
    reasons
        Why rows were rejected, most frequent first.
    missing
        Kept rows without a value, by canonical column.
    numeric
        Distributions by numeric column, all of `NUMERIC`.
    genres
        Kept rows by genre, the 200 most frequent.
    other_genres
        Kept rows of all other genres.
    years
        Kept rows by year.
    duplicate_ids
        Kept rows whose track_id an earlier row has.
    interactions
        The interactions, if any were given.
    """

    schema_version: int = PROFILE_VERSION
    source: str
    sha256: Sha256
    layout: str
    columns: dict[str, str]
    files: list[FileProfile]
    rows_read: int
    rows_kept: int
    rows_rejected: int
    reasons: list[Reason]
    missing: dict[str, int]
    numeric: dict[str, NumericProfile]
    genres: dict[str, int]
    other_genres: int
    years: dict[str, int]
    duplicate_ids: int
    interactions: InteractionsProfile | None = None

    @property
    def digest(self) -> str:
        """sha256 of the canonical JSON, 64 hex digits."""
        data = orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(data).hexdigest()

    @property
    def rejected_share(self) -> float:
        """Share of rows that were rejected; 0 if none was read."""
        return self.rows_rejected / self.rows_read if self.rows_read else 0.0

    def save(self, path: Path) -> None:
        """Write ``profile.json`` atomically."""
        write_json(path, self.model_dump(mode="json"))

    @classmethod
    def load(cls, path: Path) -> Profile:
        """Read ``profile.json``.

        Raises
        ------
        CatalogError
            It is missing, or not a profile that this version can read.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise CatalogError(f"{path}: can't be read: {error.strerror or error}") from None
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            raise CatalogError(f"{path}: not a catalogue's profile: {field}: {first['msg']}") from None
