"""Detect a file's format by its first bytes: the suffix of its name may be wrong."""

from __future__ import annotations

import codecs
import csv
import io
import zlib
from dataclasses import dataclass
from typing import Literal

from segue.catalog.sources import SourceFile
from segue.errors import CatalogError

__all__ = ["Kind", "Sniffed", "guess_delimiter", "sniff"]

Kind = Literal["csv", "csv.gz", "parquet"]

_HEAD = 256 * 1024
_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"

_OTHER_FORMATS: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "a zip archive or a spreadsheet", "unzip it, or save it as CSV UTF-8"),
    (b"BZh", "a bzip2 file", "unpack it with bunzip2"),
    (b"\xfd7zXZ", "an xz file", "unpack it with unxz"),
    (b"\x28\xb5\x2f\xfd", "a zstd file", "unpack it with unzstd"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it"),
    (b"SQLite format 3", "a SQLite database", "export the table as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet", "save it as CSV UTF-8"),
    (b"ARROW1", "an Arrow (Feather) file", "write it as Parquet"),
    (b"%PDF", "a PDF", "take the data itself"),
)
_WIDE_BOMS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_EXPECTED = "expected CSV, gzipped CSV or Parquet"
_TEXT_CONTROLS = frozenset(b"\t\n\r\x0b\x0c")


@dataclass(frozen=True, kw_only=True)
class Sniffed:
    """A detected format.

    Attributes
    ----------
    kind
        The file's format.
    header
        Column names as in the file; empty for Parquet, whose names are at its end, until `open_file`.
    """

    kind: Kind
    header: tuple[str, ...] = ()


def sniff(file: SourceFile) -> Sniffed:
    """Detect a file's format, and read the header of a CSV file.

    Raises
    ------
    CatalogError
        It is empty, can't be opened, or is not CSV, gzipped CSV or Parquet.
    """
    try:
        with file.path.open("rb") as opened:
            head = opened.read(_HEAD)
    except OSError as error:
        raise CatalogError(f"{file.name}: can't be opened: {error.strerror or error}") from None
    if not head:
        raise CatalogError(f"{file.name}: the file is empty (0 bytes); {_EXPECTED}")
    if head.startswith(_PARQUET):
        return Sniffed(kind="parquet")
    for magic, what, action in _OTHER_FORMATS:
        if head.startswith(magic):
            raise CatalogError(f"{file.name}: this is {what}; {_EXPECTED}: {action}")
    if head.startswith(_GZIP):
        return Sniffed(kind="csv.gz", header=_header(_unpacked(head, file.name), file.name))
    return Sniffed(kind="csv", header=_header(head, file.name))


def _unpacked(head: bytes, name: str) -> bytes:
    try:
        text = zlib.decompressobj(wbits=31).decompress(head, _HEAD)
    except zlib.error as error:
        raise CatalogError(f"{name}: the gzip data is damaged ({error}): fetch the file again") from None
    if text.startswith(_PARQUET):
        raise CatalogError(f"{name}: this is a gzipped Parquet file: unpack it with gunzip first")
    if not text and len(head) < _HEAD:
        raise CatalogError(f"{name}: there is nothing in the gzip file; {_EXPECTED}")
    return text


def _header(head: bytes, name: str) -> tuple[str, ...]:
    if head.startswith(_WIDE_BOMS) or _looks_utf16(head):
        raise CatalogError(
            f"{name}: this is UTF-16 or UTF-32 text; expected UTF-8: "
            "convert it, for example with: iconv -f UTF-16 -t UTF-8 OLD > NEW"
        )
    text = head.removeprefix(codecs.BOM_UTF8).lstrip(b"\r\n")
    if not text.strip():
        raise CatalogError(f"{name}: the file holds nothing but blanks; {_EXPECTED}")
    if text.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        raise CatalogError(f"{name}: this is an HTML page, perhaps one that asks to log in; {_EXPECTED}")
    line = text.replace(b"\r", b"\n").split(b"\n", 1)[0]
    if _has_controls(line):
        raise CatalogError(f"{name}: this is a binary file; {_EXPECTED}")
    try:
        line.decode()
    except UnicodeDecodeError as error:
        if _has_controls(text[:1024]):
            raise CatalogError(f"{name}: this is a binary file; {_EXPECTED}") from None
        raise CatalogError(
            f"{name}: the header is not UTF-8 (byte 0x{line[error.start]:02x} at {error.start}): the file is "
            "binary or in another encoding, for example Latin-1: iconv -f LATIN1 -t UTF-8 OLD > NEW"
        ) from None
    return _first_record(text.decode(errors="replace"), name)


def _has_controls(data: bytes) -> bool:
    return any(byte < 32 and byte not in _TEXT_CONTROLS for byte in data)


def _looks_utf16(head: bytes) -> bool:
    """Whether every other byte at the beginning is zero: UTF-16 without a byte order mark."""
    start = head[:64]
    return len(start) >= 8 and 0 in (max(start[0::2]), max(start[1::2])) and any(start)


def _first_record(text: str, name: str, delimiter: str = ",") -> tuple[str, ...]:
    try:
        return tuple(next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)))
    except (csv.Error, StopIteration) as error:
        raise CatalogError(f"{name}: the header can't be read as CSV ({error})") from None


def guess_delimiter(header: tuple[str, ...], known: frozenset[str]) -> str:
    """Guess the delimiter of a header that was split at commas, by the `known` names, in lower case.

    Returns ``semicolons``, ``tabs`` or ``vertical bars``; empty if none fits better than commas.
    """
    line = ",".join(header)
    scores = {
        name: sum(part.strip(' "').lower() in known for part in line.split(character))
        for character, name in ((",", ""), (";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars"))
    }
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] >= 2 else ""
