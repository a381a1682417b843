"""Taking a session out of the spool's files."""

from __future__ import annotations

from pathlib import Path

import orjson

from segue.files import replacing
from segue.log.folder import is_owned, root_lock, segments_in
from segue.log.rejected import REJECTED

__all__ = ["erase_from_spool"]


def erase_from_spool(root: Path, session: str) -> int:
    """Take a session's records out of the spool's files; returns how many there were.

    A file of a running process is left to it: it drops them when it gives them to the database, which knows.
    """
    if not root.is_dir():
        return 0
    with root_lock(root):
        count = _erase(root / REJECTED, session, rewrite=True)
        for folder in (path for path in root.iterdir() if path.is_dir()):
            rewrite = not is_owned(folder)
            count += sum(_erase(path, session, rewrite=rewrite) for path in segments_in(folder))
    return count


def _erase(path: Path, session: str, *, rewrite: bool) -> int:
    if not path.exists():
        return 0
    lines = path.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if not _is_of(line, session)]
    if rewrite and len(kept) < len(lines):
        with replacing(path) as temporary:
            temporary.write_bytes(b"".join(kept))
    return len(lines) - len(kept)


def _is_of(line: bytes, session: str) -> bool:
    try:
        value = orjson.loads(line)
        (record,) = [value[kind] for kind in ("impression", "feedback", "record") if kind in value]
        return bool(record["session"] == session)
    except (ValueError, KeyError, TypeError):
        return False  # half a line: nobody will read it as a record
