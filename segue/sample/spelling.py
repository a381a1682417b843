"""How a release is spelled on its sleeve: the title of the recording, and what labels add to it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from segue.sample.names import titles
from segue.sample.tracks import Release, Tracks

__all__ = ["release_titles"]

# Every so many artists one writes all titles in lower case, another in upper case.
_STYLIST = 37


def release_titles(tracks: Tracks, artist_names: pa.StringArray) -> pa.StringArray:
    """Titles as written to the catalogue, string [n]."""
    plain = titles(tracks.title_pattern, tracks.title_salt)
    style = tracks.artist % _STYLIST
    plain = _where(style == 3, pc.utf8_lower(plain), plain)
    plain = _where(style == 7, pc.utf8_upper(plain), plain)
    plain = _respell(plain, tracks)
    return pc.binary_join_element_wise(plain, _suffixes(tracks, artist_names), "")


def _where(mask: NDArray[np.bool_], yes: pa.StringArray, no: pa.StringArray) -> pa.StringArray:
    return pc.if_else(pa.array(mask), yes, no)


def _respell(plain: pa.StringArray, tracks: Tracks) -> pa.StringArray:
    """Upper case, lower case, or Latin letters without their accents."""
    respelled = tracks.release == Release.RESPELLED
    way = tracks.spelling % 3
    bare = pc.replace_substring_regex(pc.utf8_normalize(plain, "NFD"), r"([A-Za-z])\p{Mn}+", r"\1")
    plain = _where(respelled & (way == 0), pc.utf8_upper(plain), plain)
    plain = _where(respelled & (way == 1), pc.utf8_lower(plain), plain)
    return _where(respelled & (way == 2), pc.utf8_normalize(bare, "NFC"), plain)


def _suffixes(tracks: Tracks, artist_names: pa.StringArray) -> pa.StringArray:
    year = pa.array(tracks.year).cast(pa.string())
    guest = artist_names.take(pa.array(tracks.guest))
    ways: dict[Release, tuple[tuple[str | pa.StringArray, ...], ...]] = {
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
    for release, notations in ways.items():
        for number, parts in enumerate(notations):
            used = (tracks.release == release) & (tracks.spelling % len(notations) == number)
            joined = pc.binary_join_element_wise(*parts, "") if len(parts) > 1 else pa.scalar(parts[0])
            suffix = _where(used, joined, suffix)
    return suffix
