"""Spotify's ids, which people also write as ``spotify:track:ID`` or as an address of open.spotify.com."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["plain_id", "plain_ids"]

# An address may have a language and what a link was shared with: .../intl-de/track/ID?si=...
_WRITTEN = (
    r"\s*(?:spotify:(?:track|artist|album):|(?:https?://)?open\.spotify\.com/(?:intl-[a-zA-Z-]+/)?(?:embed/)?"
    r"(?:track|artist|album)/)([0-9A-Za-z]{22})(?:[/?#].*)?\s*"
)
_PATTERN = re.compile(_WRITTEN, re.ASCII)


def plain_id(text: str) -> str:
    """The id in a URI or address of Spotify's; any other text as it is."""
    found = _PATTERN.fullmatch(text) if "spotify" in text else None
    return found[1] if found else text


def plain_ids(column: pa.StringArray) -> pa.StringArray:
    """The same for a column; nulls stay."""
    if not pc.any(pc.match_substring(column, "spotify")).as_py():
        return column
    return pc.replace_substring_regex(column, pattern=f"^{_WRITTEN}$", replacement=r"\1")
