"""Bounds that several packages keep."""

from __future__ import annotations

__all__ = ["ID_LENGTH"]

ID_LENGTH = 255
"""Most characters of a track's or a session's id: what a column of the log holds, on every database."""
