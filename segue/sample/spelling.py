"""Titles of releases: the title of the recording, and suffixes such as "Remastered"."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from segue.sample.names import titles
from segue.sample.tracks import Release, Tracks

__all__ = ["release_titles"]

# Of every 37 artists, one writes all titles in lower case, and one in upper case.
_STYLE_PERIOD = 37


def release_titles(tracks: Tracks, artist_names: pa.StringArray) -> pa.StringArray:
    """Titles as written to the catalogue, string [n]."""
    plain = titles(tracks.title_pattern, tracks.title_salt)
    style = tracks.artist % _STYLE_PERIOD
    plain = _where(style == 3, pc.utf8_lower(plain), plain)
    plain = _where(style == 7, pc.utf8_upper(plain), plain)
    plain = _respell(plain, tracks)
    return pc.binary_join_element_wise(plain, _suffixes(tracks, artist_names), "")


def _where(mask: NDArray[np.bool_], yes: pa.StringArray, no: pa.StringArray) -> pa.StringArray:
    return pc.if_else(pa.array(mask), yes, no)


def _respell(plain: pa.StringArray, tracks: Tracks) -> pa.StringArray:
    """Respell some titles: in upper case, in lower case, or without accents on Latin letters."""
    respelled = tracks.release == Release.RESPELLED
    variant = tracks.spelling % 3
    bare = pc.replace_substring_regex(pc.utf8_normalize(plain, "NFD"), r"([A-Za-z])\p{Mn}+", r"\1")
    plain = _where(respelled & (variant == 0), pc.utf8_upper(plain), plain)
    plain = _where(respelled & (variant == 1), pc.utf8_lower(plain), plain)
    return _where(respelled & (variant == 2), pc.utf8_normalize(bare, "NFC"), plain)


def _suffixes(tracks: Tracks, artist_names: pa.StringArray) -> pa.StringArray:
    year = pa.array(tracks.year).cast(pa.string())
    guest = artist_names.take(pa.array(tracks.guest))
    suffixes: dict[Release, tuple[tuple[str | pa.StringArray, ...], ...]] = {
        Release.LIVE: ((" - Live",),),
        Release.REMASTER: (
            (" - Remastered ", year),
            (" - ", year, " Remaster"),
            (" (Remastered ", year, ")"),
            (" - Remastered",),
        ),
        Release.EDIT: ((" (Radio Edit)",), (" - Radio Edit",)),
        Release.FEATURED: ((" (feat. ", guest, ")"), (" feat. ", guest)),
    }
    suffix = pa.repeat("", len(tracks))
    for release, notations in suffixes.items():
        for number, parts in enumerate(notations):
            used = (tracks.release == release) & (tracks.spelling % len(notations) == number)
            joined = pc.binary_join_element_wise(*parts, "") if len(parts) > 1 else pa.scalar(parts[0])
            suffix = _where(used, joined, suffix)
    return suffix
