"""``bundle.json``: the definition of a bundle. Its sha256 is the bundle's digest."""

from __future__ import annotations

import hashlib
import re
from typing import Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from segue.errors import BundleError, UnsupportedSchema
from segue.store.checksum import Sha256

__all__ = [
    "DEFINITION",
    "FILES",
    "OPTIONAL_FILES",
    "SCHEMA_VERSION",
    "Block",
    "Booster",
    "BundleDefinition",
    "FileEntry",
    "IndexSpec",
    "RequestDefaults",
]

SCHEMA_VERSION = 2
DEFINITION = "bundle.json"

# The files of a bundle; relevance.txt only if a relevance model was trained.
FILES = (
    "tracks.parquet",
    "embedding.npy",
    "features.npy",
    "index.faiss",
    "transform.json",
    "popularity.txt",
    "search.sqlite",
    "reference.json",
)
OPTIONAL_FILES = ("relevance.txt",)

# Names become paths on the reader's disk: no folders, no "..", no hidden files.
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Block(_Frozen):
    """Columns ``start .. start + width`` of the embedding, already multiplied by ``weight``."""

    name: str
    start: int = Field(ge=0)
    width: int = Field(gt=0)
    weight: float = Field(gt=0)


class Booster(_Frozen):
    """One LightGBM model, and its columns of the ranking matrix, in order."""

    name: Literal["popularity", "relevance"]
    file: str
    columns: list[str]
    trees: int = Field(ge=0)


class IndexSpec(_Frozen):
    """The FAISS index, and the search parameters that meet the recall target."""

    kind: str
    factory: str
    nlist: int | None = None
    nprobe: int | None = None
    # of HNSW, no longer supported: always null, but part of schema 2
    ef_search: int | None = None
    recall_target: float
    recall: float
    neighbours: int


class RequestDefaults(_Frozen):
    """Defaults of a request's fields."""

    k: int = Field(default=10, ge=1, le=100)
    candidates: int = Field(default=200, ge=1, le=1000)
    popularity_weight: float = Field(default=0.0, ge=0.0, le=1.0)
    diversity: float = Field(default=0.0, ge=0.0, le=1.0)
    max_per_artist: int = Field(default=2, ge=1)


class FileEntry(_Frozen):
    """Digest and size of one file of the bundle."""

    sha256: Sha256
    bytes: int = Field(ge=0)


class BundleDefinition(_Frozen):
    """Everything that serving needs to know about a bundle. Independent of time, machine and code version.

    Attributes
    ----------
    schema_version
        Version of the bundle's layout. A reader accepts its own version and the previous one.
    catalog_profile
        sha256 of the catalogue's profile.
    tracks
        Number of tracks, n: rows of tracks.parquet, features.npy, embedding.npy and the index.
    features
        Names of the columns of features.npy, in order.
    ranking_columns
        Names of the columns of the predictor's input matrix, in order.
    blocks
        Blocks of the embedding, in order.
    boosters
        LightGBM models, popularity first.
    index
        The FAISS index.
    similarity_scale
        Distance at which similarity falls to 1/e, in units of the embedding.
    defaults
        Defaults of a request.
    files
        sha256 and size by file name.
    """

    schema_version: int = SCHEMA_VERSION
    catalog_profile: str
    tracks: int = Field(ge=0)
    features: list[str]
    ranking_columns: list[str]
    blocks: list[Block]
    boosters: list[Booster]
    index: IndexSpec
    similarity_scale: float = Field(gt=0)
    defaults: RequestDefaults = RequestDefaults()
    files: dict[str, FileEntry] = {}

    @field_validator("files")
    @classmethod
    def _names_are_plain(cls, files: dict[str, FileEntry]) -> dict[str, FileEntry]:
        for name in files:
            if not _FILE_NAME.fullmatch(name) or name == DEFINITION:
                raise ValueError(f"{name!r} can't be the name of a file of a bundle")
        return files

    def canonical_json(self) -> bytes:
        """Bytes of ``bundle.json``: UTF-8, keys sorted, no spaces."""
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)

    @property
    def digest(self) -> str:
        """sha256 of the canonical JSON, 64 hex digits."""
        return hashlib.sha256(self.canonical_json()).hexdigest()

    @property
    def bytes_per_track(self) -> float:
        """Size of the bundle's files divided by the number of tracks, in bytes."""
        return sum(entry.bytes for entry in self.files.values()) / max(self.tracks, 1)

    @classmethod
    def parse(cls, data: bytes, *, source: str) -> BundleDefinition:
        """Read ``bundle.json``.

        Raises
        ------
        BundleError
            It is not JSON, has a schema version that this code can't read, or a field is wrong.
        """
        try:
            raw = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise BundleError(f"{source}: bundle.json is not JSON ({error})") from None
        version = raw.get("schema_version") if isinstance(raw, dict) else None
        if version not in (SCHEMA_VERSION, SCHEMA_VERSION - 1):
            raise UnsupportedSchema(
                f"{source}: schema_version is {version!r}, this version of Segue reads "
                f"{SCHEMA_VERSION - 1} and {SCHEMA_VERSION}"
            )
        try:
            return cls.model_validate(raw)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            raise BundleError(f"{source}: bundle.json, {field}: {first['msg']}") from None
