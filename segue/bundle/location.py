"""Location of a bundle in a store, and reading its definition."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from segue.bundle.definition import DEFINITION, BundleDefinition
from segue.errors import BundleError, BundleFileMissing, ChecksumError
from segue.store.base import Store
from segue.store.checksum import is_sha256
from segue.store.directory import DirectoryStore

__all__ = ["BUNDLES", "CHANNELS", "EVALUATIONS", "BundleLocation", "read_definition"]

BUNDLES = "bundles"
CHANNELS = "channels"
EVALUATIONS = "evaluations"


@dataclass(frozen=True)
class BundleLocation:
    """Location of a bundle: a store, the prefix of its keys, and the digest in its address.

    A plain folder has an empty prefix and no digest.
    """

    store: Store
    prefix: str = ""
    digest: str | None = None

    @classmethod
    def in_store(cls, store: Store, digest: str) -> BundleLocation:
        """Location of a published bundle, by its full digest."""
        if not is_sha256(digest):
            raise BundleError(f"{digest!r} is not a digest: expected 64 hex digits")
        return cls(store, f"{BUNDLES}/{digest}/", digest)

    @classmethod
    def in_folder(cls, folder: Path) -> BundleLocation:
        """Location of a bundle in a plain folder."""
        return cls(DirectoryStore(folder))

    def key(self, name: str) -> str:
        """Key of one file of the bundle."""
        return self.prefix + name

    @property
    def url(self) -> str:
        """Address of the bundle."""
        return f"{self.store.url}/{self.prefix}".rstrip("/") if self.prefix else self.store.url


def read_definition(place: BundleLocation) -> tuple[BundleDefinition, str]:
    """Read bundle.json and compute its digest.

    Raises
    ------
    BundleFileMissing
        It is missing.
    BundleError
        It is not JSON, or has a schema version that this code can't read.
    ChecksumError
        Its digest is not the one in its address.
    """
    found = place.store.read_with_version(place.key(DEFINITION))
    if found is None:
        raise BundleFileMissing(
            f"{place.url} holds no {DEFINITION}: there is no such bundle, or it was half written"
        )
    digest = hashlib.sha256(found[0]).hexdigest()
    if place.digest not in (None, digest):
        raise ChecksumError(f"{place.url}/{DEFINITION} was changed: its sha256 is {digest}")
    return BundleDefinition.parse(found[0], source=place.url), digest
