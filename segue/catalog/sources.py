"""The files of a catalogue on this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from segue.errors import CatalogError

__all__ = ["SUFFIXES", "Received", "SourceFile", "in_folder", "is_data"]

# Files that are read from a folder. A single file may have any name: its format is detected.
SUFFIXES: tuple[str, ...] = (".csv", ".csv.gz", ".parquet")


# (bytes so far, total bytes, or 0 if the server does not send it)
Received = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One file to read.

    Attributes
    ----------
    path
        Its path on this machine.
    name
        Its name in messages and in the profile: never a path of this machine.
    optional
        Whether it is skipped if it is not a catalogue, as a file of a Kaggle data set is.
    """

    path: Path
    name: str
    optional: bool = False


def is_data(name: str) -> bool:
    """Whether a file of a folder is read; hidden files and markers such as ``_SUCCESS`` are not."""
    base = name.rsplit("/", 1)[-1]
    return base.lower().endswith(SUFFIXES) and not base.startswith((".", "_"))


def in_folder(folder: Path, source: str, *, optional: bool = False) -> list[SourceFile]:
    """List the data files of a folder and its sub-folders, sorted by name."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and is_data(path.name))
    if not files:
        raise CatalogError(f"{source}: the folder holds no {', '.join(SUFFIXES)} file")
    names = [path.relative_to(folder).as_posix() for path in files]
    return [
        SourceFile(path=path, name=name, optional=optional) for path, name in zip(files, names, strict=True)
    ]
