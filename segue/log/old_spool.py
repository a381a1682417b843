"""Spool files of the version before: folders of JSON lines, moved to the SQLite file and then deleted."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from segue.errors import LogError
from segue.log.record import Row, decode, session_key
from segue.log.spool import Spool, folder_lock

__all__ = ["import_old_files"]

_LOG = logging.getLogger(__name__)


def import_old_files(spool: Spool) -> int:
    """Move records from files of earlier versions in the spool's folder to its SQLite file; count them.

    The folder of a running process is left alone. A killed import does no harm: a file is deleted after its
    records are stored, and a record is stored once. Lines that can't be read are counted in `spool.corrupt`.

    Raises
    ------
    LogError
        The spool can't be written to, or a file can't be read or deleted.
    """
    moved = 0
    try:
        for folder in sorted(path.parent for path in spool.root.glob("*/lock")):
            lock = _try_lock(spool.root, folder)
            if lock is not None:
                try:
                    moved += _import_folder(spool, folder)
                finally:
                    os.close(lock)
        rejected = spool.root / "rejected.jsonl"
        if rejected.exists() and not any(spool.root.glob("*/lock")):  # no process adds to it any more
            spool.reject(_rejected_rows(rejected))
            rejected.unlink(missing_ok=True)
    except OSError as error:
        raise LogError(f"{error.filename}: {error.strerror}") from None
    return moved


def _import_folder(spool: Spool, folder: Path) -> int:
    moved = 0
    for path in sorted(folder.glob("*.jsonl")):
        lines, records = path.read_bytes().splitlines(), []
        for line in lines:
            with suppress(ValueError):
                records.append(decode(line))
        spool.append(records, is_limited=False)
        path.unlink()
        if corrupt := len(lines) - len(records):  # a killed process wrote half of the last one
            spool.corrupt += corrupt
            _LOG.warning("%s: %d lines can't be read, and are lost", path, corrupt)
        moved += len(records)
    shutil.rmtree(folder, ignore_errors=True)
    return moved


def _try_lock(root: Path, folder: Path) -> int | None:
    """Lock a folder, unless a running process has it, under the same locks as the earlier version."""
    with folder_lock(root):
        try:
            lock = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:  # another process has just moved it
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        return lock


def _rejected_rows(path: Path) -> Iterator[Row]:
    for line in path.read_bytes().splitlines():
        with suppress(ValueError, KeyError, TypeError, AttributeError):  # an incomplete line
            record = json.loads(line)["record"]
            name = UUID(record.get("feedback_id") or record["impression_id"])
            yield name.bytes, session_key(record["session"]), line.decode()
