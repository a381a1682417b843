"""Verifying a bundle: every file of bundle.json must exist, with the size and sha256 given there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from segue.bundle.definition import DEFINITION, BundleDefinition, FileEntry
from segue.bundle.location import BundleLocation, read_definition
from segue.errors import BundleError, ChecksumError

__all__ = ["FileCheck", "Verification", "require_whole", "verify_bundle"]

State = Literal["ok", "missing", "size", "sha256", "unexpected"]


@dataclass(frozen=True, kw_only=True)
class FileCheck:
    """Result of verifying one file: its size in the store, 0 if missing, and the problem in one sentence."""

    name: str
    bytes: int
    state: State = "ok"
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Verification:
    """Result of verifying a bundle.

    Attributes
    ----------
    digest
        sha256 of bundle.json.
    files
        One check per file: those of the definition by name, then unexpected ones.
    """

    digest: str
    definition: BundleDefinition
    files: tuple[FileCheck, ...]

    @property
    def problems(self) -> tuple[FileCheck, ...]:
        """Files with a problem."""
        return tuple(check for check in self.files if check.state != "ok")

    @property
    def is_whole(self) -> bool:
        """Whether all files of bundle.json are intact. Unexpected files are ignored: they do no harm."""
        return all(check.state == "unexpected" for check in self.problems)


def verify_bundle(
    place: BundleLocation, *, quick: bool = False, on_file: Callable[[FileCheck], None] | None = None
) -> Verification:
    """Verify every file of a bundle, and call `on_file` after each.

    `quick` compares sizes and the checksums kept by the store, without reading the files.

    Raises
    ------
    BundleError
        bundle.json itself is missing or unreadable; ChecksumError if it was changed.
    StoreError
        The store failed.
    """
    definition, digest = read_definition(place)
    checks = []
    for name, entry in sorted(definition.files.items()):
        checks.append(_check(place, name, entry, quick=quick))
        if on_file:
            on_file(checks[-1])
    known = {DEFINITION, *definition.files}
    for found in place.store.entries(place.prefix):
        name = found.key[len(place.prefix) :]
        if name not in known:
            problem = f"{name} is not in {DEFINITION}"
            checks.append(FileCheck(name=name, bytes=found.bytes, state="unexpected", problem=problem))
    return Verification(digest=digest, definition=definition, files=tuple(checks))


def require_whole(place: BundleLocation, *, quick: bool = False) -> Verification:
    """Verify a bundle, and raise if it is incomplete or damaged.

    Raises
    ------
    BundleError
        A file is missing, or bundle.json is missing or unreadable.
    ChecksumError
        A file has another size or sha256.
    """
    verification = verify_bundle(place, quick=quick)
    if not verification.is_whole:
        broken = [check for check in verification.problems if check.state != "unexpected"]
        kind = BundleError if broken[0].state == "missing" else ChecksumError
        raise kind(f"{place.url} is not whole: {'; '.join(check.problem for check in broken)}")
    return verification


def _check(place: BundleLocation, name: str, entry: FileEntry, *, quick: bool) -> FileCheck:
    key = place.key(name)
    found = place.store.stat(key)
    if found is None:
        return FileCheck(name=name, bytes=0, state="missing", problem=f"{name} is missing")
    if found.bytes != entry.bytes:
        problem = f"{name} has {found.bytes} bytes, expected {entry.bytes}"
        return FileCheck(name=name, bytes=found.bytes, state="size", problem=problem)
    sha256 = (found.sha256 or entry.sha256) if quick else place.store.checksum(key)
    if sha256 != entry.sha256:
        problem = f"{name} has sha256 {sha256}, expected {entry.sha256}"
        return FileCheck(name=name, bytes=found.bytes, state="sha256", problem=problem)
    return FileCheck(name=name, bytes=found.bytes)
