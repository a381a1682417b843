"""The files of a catalogue on this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from segue.errors import CatalogError

__all__ = ["SUFFIXES", "Received", "SourceFile", "in_folder", "is_data"]

# What is taken from a folder. A single file may be called anything: its first bytes say what it is.
SUFFIXES: tuple[str, ...] = (".csv", ".csv.gz", ".parquet")


# (bytes so far, bytes in all or 0 where the server does not say)
Received = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One file to read.

    Attributes
    ----------
    path
        Where it lies on this machine.
    name
        How it is named to people and in the profile: never a path of this machine.
    optional
        It came with others in a data set and may be no catalogue at all.
    """

    path: Path
    name: str
    optional: bool = False


def is_data(name: str) -> bool:
    """Whether a folder's file is taken; hidden files and markers such as ``_SUCCESS`` are not."""
    base = name.rsplit("/", 1)[-1]
    return base.lower().endswith(SUFFIXES) and not base.startswith((".", "_"))


def in_folder(folder: Path, source: str, *, optional: bool = False) -> list[SourceFile]:
    """Give the data files of a folder, sub-folders included, in order of name."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and is_data(path.name))
    if not files:
        raise CatalogError(f"{source}: the folder holds no {', '.join(SUFFIXES)} file")
    names = [path.relative_to(folder).as_posix() for path in files]
    return [
        SourceFile(path=path, name=name, optional=optional) for path, name in zip(files, names, strict=True)
    ]
