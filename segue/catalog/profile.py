"""``profile.json``: what was read, kept and rejected, and how the values of a catalogue are distributed.

It holds no time, machine or path, so that the same data gives the same digest; and its histograms have
bounds that are fixed by the column, so that two catalogues can be compared.
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
    "Example",
    "FileProfile",
    "Histogram",
    "InteractionsProfile",
    "NumericProfile",
    "Profile",
    "Reason",
]

PROFILE = "profile.json"
PROFILE_VERSION = 1


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Example(_Frozen):
    """One rejected value: where it stood, and what it was, cut short."""

    file: str
    row: int
    value: str


class Reason(_Frozen):
    """Why rows were rejected; `column` is empty where the row as a whole was at fault."""

    column: str
    reason: str
    count: int
    examples: list[Example]


class Histogram(_Frozen):
    """Counts by bin; `missing` rows stand beside them.

    Attributes
    ----------
    edges
        Bounds of the bins, one more than there are bins.
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
        """Counts with the missing rows as the last bin: what a stability index compares."""
        return [*self.counts, self.missing]


class NumericProfile(_Frozen):
    """Distribution of one numeric column; None where no row has a value."""

    mean: float | None
    std: float | None
    min: float | None
    max: float | None
    histogram: Histogram


class FileProfile(_Frozen):
    """One file that was read; `layout` is the public layout that its columns have, or ``custom``."""

    name: str
    sha256: str
    bytes: int
    layout: str
    rows: int


class InteractionsProfile(_Frozen):
    """What became of the interactions; a playlist counts if one of its pairs was kept."""

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
    """What a catalogue is.

    Attributes
    ----------
    source
        Name of the file; of several, the first and how many there are.
    sha256
        Of the file's bytes; of several, of the list of their sums and names as sha256sum prints it.
    layout
        Public layout of the files, ``custom`` or ``mixed``.
    columns
        canonical -> theirs, of the first file.
    files
        The files, in the order in which they were read.
    rows_read, rows_kept, rows_rejected
        The first is the sum of the others.
    reasons
        Why rows were rejected, the most frequent first.
    missing
        Kept rows without a value, by canonical column.
    numeric
        Distributions by numeric column, all of `NUMERIC`.
    genres
        Kept rows by genre, the 200 most frequent.
    other_genres
        Kept rows whose genre is not among those.
    years
        Kept rows by year.
    duplicate_ids
        Kept rows whose track_id another row before them has.
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
        """Rejected rows over all rows; 0 where none was read."""
        return self.rows_rejected / self.rows_read if self.rows_read else 0.0

    def save(self, path: Path) -> None:
        """Write ``profile.json``, whole or not at all."""
        write_json(path, self.model_dump(mode="json"))

    @classmethod
    def load(cls, path: Path) -> Profile:
        """Read ``profile.json``.

        Raises
        ------
        CatalogError
            It is not there, or not a profile that this version can read.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise CatalogError(f"{path}: can't be read: {error.strerror or error}") from None
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            raise CatalogError(f"{path}: not a catalogue's profile: {field}: {first['msg']}") from None
