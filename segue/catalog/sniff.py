"""What a file is, by its first bytes: an ending of its name may lie."""

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

_OTHERS: tuple[tuple[bytes, str, str], ...] = (
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
_WIDE_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_EXPECTED = "expected CSV, gzipped CSV or Parquet"
_TEXT_CONTROLS = frozenset(b"\t\n\r\x0b\x0c")


@dataclass(frozen=True, kw_only=True)
class Sniffed:
    """What the first bytes say.

    Attributes
    ----------
    kind
        How the file is to be read.
    header
        Column names of a CSV file as they stand there; empty for Parquet until its end was read.
    """

    kind: Kind
    header: tuple[str, ...] = ()


def sniff(file: SourceFile) -> Sniffed:
    """Tell what a file is.

    Raises
    ------
    CatalogError
        It is empty, can't be opened, or is something else than CSV, gzipped CSV or Parquet.
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
    for magic, what, action in _OTHERS:
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
    if head.startswith(_WIDE_MARKS) or _looks_wide(head):
        raise CatalogError(
            f"{name}: this is UTF-16 or UTF-32 text; expected UTF-8: "
            "convert it, for example with: iconv -f UTF-16 -t UTF-8 OLD > NEW"
        )
    text = head.removeprefix(codecs.BOM_UTF8).lstrip(b"\r\n")
    if not text.strip():
        raise CatalogError(f"{name}: there is nothing but blanks in the file; {_EXPECTED}")
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


def _looks_wide(head: bytes) -> bool:
    """Whether every other byte of the beginning is zero: UTF-16 without a byte order mark."""
    start = head[:64]
    return len(start) >= 8 and 0 in (max(start[0::2]), max(start[1::2])) and any(start)


def _first_record(text: str, name: str, delimiter: str = ",") -> tuple[str, ...]:
    try:
        return tuple(next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)))
    except (csv.Error, StopIteration) as error:
        raise CatalogError(f"{name}: the header can't be read as CSV ({error})") from None


def guess_delimiter(header: tuple[str, ...], wanted: frozenset[str]) -> str:
    """Name the character that a header seems to be separated by, where that is not the comma.

    Parameters
    ----------
    header
        The header as read with commas.
    wanted
        Names, lower case, of which a header should have some.

    Returns
    -------
    str
        ``semicolons``, ``tabs`` or ``vertical bars``; empty where commas fit as well as any.
    """
    line = ",".join(header)
    scores = {
        what: sum(part.strip(' "').lower() in wanted for part in line.split(mark))
        for mark, what in ((",", ""), (";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars"))
    }
    best = max(scores, key=lambda what: scores[what])
    return best if scores[best] >= 2 else ""
