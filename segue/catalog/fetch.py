"""Fetch a catalogue: from a file, folder or glob, ``s3://``, ``https://``, ``kaggle://`` or ``sample://``.

A remote file is streamed to a temporary folder first, so memory does not grow with it.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit

from segue.catalog.sources import Received, SourceFile, in_folder
from segue.errors import CatalogError

__all__ = ["fetched"]


@contextmanager
def fetched(source: str, *, received: Received | None = None) -> Iterator[list[SourceFile]]:
    """Yield the files of a source, sorted by name; downloaded files are deleted at the end.

    Parameters
    ----------
    source
        A path, a folder, a glob, ``file://``, ``s3://bucket/key``, ``s3://bucket/prefix/``, ``https://…``
        or ``kaggle://owner/dataset``. ``sample://ROWS`` generates a synthetic catalogue, and
        ``sample://ROWS/playlists`` its playlists.
    received
        Called while a file is fetched, with the bytes so far and the total.

    Raises
    ------
    CatalogError
        There is no such file, or it can't be fetched.
    StoreUnavailable, StoreAccessDenied
        An object store did not answer, or refused.
    """
    if not source.strip():
        raise CatalogError("no catalogue was given: expected a file, a folder, a glob or a URL")
    scheme = urlsplit(source).scheme if "://" in source else ""
    if scheme in ("", "file"):
        yield _local(source if not scheme else unquote(urlsplit(source).path))
        return
    with TemporaryDirectory(prefix="segue-") as folder:
        yield _remote(scheme, source, Path(folder), received or (lambda *_: None))


def _remote(scheme: str, source: str, folder: Path, received: Received) -> list[SourceFile]:
    if scheme in ("http", "https"):
        from segue.catalog.remote import from_web

        return [from_web(source, folder, received)]
    if scheme == "s3":
        from segue.catalog.remote import from_s3

        return from_s3(source, folder, received)
    if scheme == "kaggle":
        from segue.catalog.remote import from_kaggle

        return from_kaggle(source)
    if scheme == "sample":
        return [_generate_sample(source, folder)]
    raise CatalogError(
        f"{source}: {scheme}:// is not a source; expected a path, s3://, https:// or kaggle://owner/dataset"
    )


def _generate_sample(source: str, folder: Path) -> SourceFile:
    """Write the sample. It is deterministic, so a catalogue and playlists of the same ROWS match."""
    from segue.sample import MIN_ROWS, generate

    rows, _, part = source.removeprefix("sample://").partition("/")
    if not (rows.isascii() and rows.isdigit()) or part not in ("", "playlists") or int(rows) < MIN_ROWS:
        raise CatalogError(
            f"{source}: expected sample://ROWS or sample://ROWS/playlists, with {MIN_ROWS:,} rows or more"
        )
    summary = generate(int(rows), folder)
    path = summary.playlists if part else summary.catalog
    return SourceFile(path=path, name=path.name)


def _local(source: str) -> list[SourceFile]:
    path = Path(source).expanduser()
    if path.is_file():
        return [SourceFile(path=path, name=path.name)]
    if path.is_dir():
        return in_folder(path, source)
    if any(mark in source for mark in "*?["):
        matches = sorted(map(Path, glob.glob(str(path), recursive=True)))  # noqa: PTH207 - an absolute pattern
        files = [match for match in matches if match.is_file()]
        if not files:
            raise CatalogError(f"{source}: no file matches")
        return _with_names(files)
    raise CatalogError(f"{source}: there is no such file or folder")


def _with_names(files: list[Path]) -> list[SourceFile]:
    """Name the matches of a glob by their file names, or by relative paths where those are not unique."""
    if len({path.name for path in files}) == len(files):
        return [SourceFile(path=path, name=path.name) for path in files]
    common = Path(os.path.commonpath([path.absolute() for path in files]))
    return [SourceFile(path=path, name=path.absolute().relative_to(common).as_posix()) for path in files]
