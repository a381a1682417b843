"""Records that the database refused for what they hold, set aside with the reason."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from segue.log.folder import root_lock
from segue.log.record import Record

__all__ = ["REJECTED", "set_aside"]

_LOG = logging.getLogger(__name__)

REJECTED = "rejected.jsonl"
# A mistake in every record would otherwise fill the disk.
_MOST_BYTES = 64 << 20


def set_aside(root: Path, record: Record, reason: str) -> None:
    """Add a record to ``rejected.jsonl`` of the spool, with the reason, for a person to look at."""
    line = {"at": datetime.now(UTC).isoformat(), "reason": reason, "record": asdict(record)}
    path = root / REJECTED
    _LOG.error("the database refused a record of the log: %s; it is set aside in %s", reason, path)
    # the standard library's encoder writes what is no Unicode, which may be what was wrong with it
    data = json.dumps(line, default=str) + "\n"
    try:
        with root_lock(root):
            if path.exists() and path.stat().st_size > _MOST_BYTES:
                return
            with path.open("a", encoding="ascii") as file:
                file.write(data)
        path.chmod(0o600)
    except OSError as error:
        _LOG.error("%s can't be written to: %s", path, error.strerror)
