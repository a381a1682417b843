"""Find tracks of the same recording, and fold names for comparison: without case and accents.

ASCII names, the majority, are folded vectorised in Arrow, the others one by one: a million titles take about
two seconds. Both give the same result, so a name that a listener types matches one folded in training.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["artist_numbers", "fold_column", "fold_text", "recording_numbers", "title_keys"]

_YEAR = r"(?:19|20)\d\d"
# Suffixes of a title that denote the same recording. "Live", "acoustic", "remix", "demo" and "instrumental"
# are missing on purpose: they denote other recordings.
_SAME = (
    rf"(?:{_YEAR} )?(?:digital(?:ly)? )?re-?master(?:ed)?(?: version| edition| {_YEAR})*"
    rf"|(?:(?:radio|single|album|original|explicit|clean|mono|stereo|lp|main|standard)\s?)+"
    rf"(?:edit|version|mix|recording)?(?: re-?master(?:ed)?)?(?: {_YEAR})?"
    rf"|(?:{_YEAR} )?(?:edit|version)(?: {_YEAR})?"
    rf"|bonus track(?: version)?|(?:super )?deluxe(?: edition| version)?|{_YEAR} mix"
    rf"|(?:\d+(?:st|nd|rd|th) )?anniversary(?: edition| version)?"
    r"|from (?:the )?(?:[a-z]+ )*[\"“”'‘][^\)\]]*"
)
_BRACKETED = rf"\s*[\(\[](?:{_SAME})[\)\]]"
_DASHED = rf"\s+[-–—/]\s+(?:{_SAME})\s*$"
_MARKS = re.compile("[\u0300-\u036f]+")
_PUNCTUATION = " -–—.,;:!"
_MARKED = r"[\(\[]|\s[-–—/]\s|\s(?:feat|ft)|^[-–—.,;:!]|[-–—.,;:!]$"
# explicit, because Arrow's and Python's \s differ
_SPACES = r"[ \t-\r]+"
_UNTIDY = r"[\t-\r]|  |^ | $"
_WHITE = re.compile(_SPACES)
_FEATURING = (
    r"\s*[\(\[](?:feat|ft|featuring|with)\b\.?\s[^\)\]]*[\)\]]"
    # without brackets, guests end at the next " - " or bracket; the hyphen of "Jay-Z" has no spaces
    r"|\s+(?:feat|ft|featuring)\b\.?\s(?:[^\(\[\s-]|-\S|\s[^\(\[-])*"
)


def fold_column(names: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Fold names for comparison as `fold_text` does; nulls stay null."""
    if isinstance(names, pa.ChunkedArray):
        names = names.combine_chunks()
    ascii_ = pc.string_is_ascii(names)
    folded = pc.utf8_lower(names)
    untidy = pc.fill_null(pc.match_substring_regex(folded, _UNTIDY), False)
    tidied = pc.utf8_trim(pc.replace_substring_regex(folded.filter(untidy), _SPACES, " "), " ")
    folded = pc.replace_with_mask(folded, untidy, tidied)
    if pc.all(ascii_).as_py() in (True, None):
        return folded
    # Arrow's utf8_normalize decomposes but does not compose, which leaves Hangul syllables decomposed
    others = names.filter(pc.invert(ascii_)).to_pylist()
    return pc.replace_with_mask(
        folded,
        pc.fill_null(pc.invert(ascii_), False),
        pa.array([fold_text(name) for name in others], pa.string()),
    )


@lru_cache(maxsize=65_536)
def fold_text(name: str) -> str:
    """Fold a name for comparison: normalise compatibility forms, case and white space, and remove accents.

    Only the combining marks of Latin, Greek and Cyrillic (U+0300–U+036F) are removed: the voicing marks of
    Japanese kana distinguish words.

    Examples
    --------
    >>> fold_text("  Beyoncé ")
    'beyonce'
    """
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).lower())
    kept = _WHITE.sub(" ", _MARKS.sub("", decomposed))
    return unicodedata.normalize("NFKC", kept).strip(" ")


def title_keys(titles: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Folded titles without suffixes such as "- Remastered 2011", "(Radio Edit)" and "feat. …".

    A title of only such words ("Original Version") keeps them.

    Examples
    --------
    >>> title_keys(pa.array(["Heroes - 2017 Remaster", "HEROES"])).to_pylist()
    ['heroes', 'heroes']
    """
    folded = fold_column(titles)
    # one cheap pattern selects the few titles that have a suffix
    marked = pc.fill_null(pc.match_substring_regex(folded, _MARKED), False)
    whole = folded.filter(marked)
    keys = whole
    for pattern in (_FEATURING, _BRACKETED, _DASHED, _DASHED):
        keys = pc.replace_substring_regex(keys, pattern, "")
    keys = pc.utf8_trim(keys, _PUNCTUATION)
    keys = pc.if_else(pc.equal(pc.utf8_length(keys), 0), whole, keys)
    return pc.replace_with_mask(folded, marked, keys)


def artist_numbers(artists: pa.Array | pa.ChunkedArray) -> tuple[npt.NDArray[np.int32], pa.Array]:
    """Number the artists by folded name.

    Returns
    -------
    numbers
        int32 [n], the rank of each row's folded artist among all folded artists, in byte order.
    names
        Folded names; ``names[numbers[i]]`` is that of row i.
    """
    encoded = pc.dictionary_encode(fold_column(artists))
    order = pc.sort_indices(encoded.dictionary).to_numpy()
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    numbers = rank[encoded.indices.to_numpy()]
    return numbers, encoded.dictionary.take(pa.array(order))


def recording_numbers(
    artist: npt.NDArray[np.int32], titles: pa.Array | pa.ChunkedArray
) -> npt.NDArray[np.int32]:
    """Number the recordings: tracks with the same artist number and title key are one recording.

    Returns
    -------
    int32 [n], dense from 0, in the order of (artist, first appearance of the title).
    """
    encoded = pc.dictionary_encode(title_keys(titles))
    pair = artist.astype(np.int64) * max(len(encoded.dictionary), 1) + encoded.indices.to_numpy()
    return np.unique(pair, return_inverse=True)[1].astype(np.int32)
