"""sha256 of files, and its text format."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Annotated

from pydantic import Field

from segue.throttle import Throttle

__all__ = ["SHA256_PATTERN", "Sha256", "is_sha256", "sha256_file"]

SHA256_PATTERN = r"^[0-9a-f]{64}$"
Sha256 = Annotated[str, Field(pattern=SHA256_PATTERN)]

# Some three milliseconds of work.
_THROTTLED_BLOCK = 4 << 20


def is_sha256(text: str) -> bool:
    """Whether a text is a sha256: 64 lower-case hex digits."""
    return re.fullmatch(SHA256_PATTERN, text) is not None


def sha256_file(path: Path, throttle: Throttle | None = None) -> str:
    """sha256 of a file, as 64 hex digits; a throttle is called every few megabytes."""
    with path.open("rb") as file:
        if throttle is None or throttle.is_full:
            return hashlib.file_digest(file, "sha256").hexdigest()
        digest = hashlib.sha256()
        while block := file.read(_THROTTLED_BLOCK):
            digest.update(block)
            throttle()
        return digest.hexdigest()
