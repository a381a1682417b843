"""Tokenise names: the same way when the index is built and when a query is parsed.

A *plain* name is its folded form (`segue.features.recordings.fold_text`) with punctuation replaced by single
spaces: ``AC/DC: "T.N.T."`` is ``ac dc t n t``. A name without letters and digits ("!!!") is unchanged.
Hangul syllables are decomposed into letters (NFD), so that a typo is one letter, and that while 봄날 is typed
as 보, 봄, 봄ㄴ, 봄나, 봄날, each is a prefix of the next.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

__all__ = ["exact_key", "index_words", "is_unspaced", "join_text", "plain_text", "token_text"]

MAX_TOKEN_LENGTH = 64

_APOSTROPHES = "'’‘ʼ`´"
# Scripts without spaces between words (kana, Han), and Hangul, where particles are attached to nouns.
_UNSPACED = re.compile("[\u1100-\u11ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff]")
# SQLite's ascii tokenizer treats letters, digits and all non-ASCII characters as parts of words. The ASCII
# symbols of a name like "!!!" are therefore mapped to private-use code points.
_SYMBOLS = {code: 0xE000 + code for code in range(0x80) if not chr(code).isalnum() and chr(code) != " "}


class _Replacing(dict[int, str | None]):
    """Table for `str.translate` that replaces all but letters, marks, digits and spaces; filled on demand."""

    def __init__(self, replacement: str | None) -> None:
        super().__init__({ord(character): None for character in _APOSTROPHES})
        self._replacement = replacement

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        is_kept = character.isalnum() or character.isspace() or unicodedata.category(character)[0] == "M"
        self[code] = value = character if is_kept else self._replacement
        return value


_SPACED = _Replacing(" ")
_JOINED = _Replacing(None)


def plain_text(folded: str) -> str:
    """Plain form of a folded name.

    Examples
    --------
    >>> plain_text("ac/dc: don't")
    'ac dc dont'
    >>> plain_text("!!!")
    '!!!'
    """
    return _letters(" ".join(folded.translate(_SPACED).split()) or folded)


def join_text(folded: str) -> str:
    """Remove the punctuation of a folded name: ``ac/dc`` is ``acdc`` and ``r.e.m.`` is ``rem``."""
    return _letters(" ".join(folded.translate(_JOINED).split()))


def _letters(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFD", text)


def index_words(plain: str, folded: str) -> list[str]:
    """Words by which a name is indexed.

    Its plain words; the words that arise without punctuation; and, for scripts without spaces, all suffixes
    of a word, so that a prefix search also matches in its middle.

    Examples
    --------
    >>> index_words("ac dc", "ac/dc")
    ['ac', 'dc', 'acdc']
    >>> index_words("遠い夜", "遠い夜")
    ['遠い夜', 'い夜', '夜']
    """
    words = plain.split()
    if plain != folded:
        words += [word for word in join_text(folded).split() if word not in words]
    if is_unspaced(plain):
        for word in filter(is_unspaced, tuple(words)):
            whole = unicodedata.normalize("NFC", word[:MAX_TOKEN_LENGTH])
            words += [_letters(whole[start:]) for start in range(1, len(whole))]
    return words


def is_unspaced(plain: str) -> bool:
    """Whether a text has characters of a script whose words are also matched in their middle."""
    return _UNSPACED.search(plain) is not None


def token_text(word: str) -> str:
    """Encode a word for the full-text index, so that SQLite sees one token."""
    return word[:MAX_TOKEN_LENGTH].translate(_SYMBOLS)


def exact_key(plain: str) -> int:
    """64-bit key of a whole plain name."""
    return int.from_bytes(hashlib.blake2b(plain.encode(), digest_size=8).digest(), "big", signed=True)
