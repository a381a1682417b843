"""Limits that several packages share."""

from __future__ import annotations

__all__ = ["ID_LENGTH"]

ID_LENGTH = 255
"""Largest length of a track's or session's id: that of the log's columns, on every database."""
