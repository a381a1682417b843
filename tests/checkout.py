"""A copy of this checkout, as somebody has who has just cloned it."""

from __future__ import annotations

import shutil
from pathlib import Path

__all__ = ["ROOT", "copy_of_checkout"]

ROOT = Path(__file__).resolve().parents[1]


def copy_of_checkout(folder: Path) -> Path:
    """The files of this checkout, with its environment, so that no demo of a developer is touched."""
    left_out = shutil.ignore_patterns(
        ".git", ".venv", ".segue", ".*_cache", "__pycache__", ".hypothesis", "mutants"
    )
    copy = folder / "segue"
    shutil.copytree(ROOT, copy, ignore=left_out, symlinks=True)
    (copy / ".venv").symlink_to(ROOT / ".venv")
    return copy
