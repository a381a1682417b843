"""How names become words: the same way when the index is built and when a query is read.

A *plain* name is its folded form (`segue.features.recordings.fold_text`) with punctuation as single spaces,
so ``AC/DC: "T.N.T."`` is ``ac dc t n t``. A name without any letter or digit ("!!!") stays as it is.
Syllables of Hangul stand as their letters (NFD): who types 봄날 types 보, 봄, 봄ㄴ, 봄나, 봄날, and letter by
letter each is the beginning of the next. A slip of the finger is one letter, too.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

__all__ = ["exact_key", "index_words", "is_unspaced", "join_text", "plain_text", "token_text"]

MAX_TOKEN_LENGTH = 64

_APOSTROPHES = "'’‘ʼ`´"
# Scripts written without spaces between words (kana, Han), and Hangul, where particles stick to nouns.
_UNSPACED = re.compile("[\u1100-\u11ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff]")
# To SQLite's ascii tokenizer letters, digits and all that is not ASCII are words: the symbols of a name that
# is nothing but symbols move to a private plane.
_SYMBOLS = {code: 0xE000 + code for code in range(0x80) if not chr(code).isalnum() and chr(code) != " "}


class _Replacing(dict[int, str | None]):
    """For `str.translate`: what is no letter, mark, digit or space gives way. Filled as they are met."""

    def __init__(self, replacement: str | None) -> None:
        super().__init__({ord(character): None for character in _APOSTROPHES})
        self._replacement = replacement

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        stays = character.isalnum() or character.isspace() or unicodedata.category(character)[0] == "M"
        self[code] = value = character if stays else self._replacement
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
    """Return a folded name with punctuation left out: ``ac/dc`` is ``acdc`` and ``r.e.m.`` is ``rem``."""
    return _letters(" ".join(folded.translate(_JOINED).split()))


def _letters(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFD", text)


def index_words(plain: str, folded: str) -> list[str]:
    """Words under which a name is found.

    Its plain words; words that are one once punctuation is left out; and, for scripts without spaces, what
    is left of a word from each character on, so that a prefix search finds what stands in its middle.

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
    """Tell whether a text has characters of a script whose words are found from their middle, too."""
    return _UNSPACED.search(plain) is not None


def token_text(word: str) -> str:
    """Return a word as the full-text index holds it: one token for SQLite, whatever it is made of."""
    return word[:MAX_TOKEN_LENGTH].translate(_SYMBOLS)


def exact_key(plain: str) -> int:
    """64-bit key of a whole plain name."""
    return int.from_bytes(hashlib.blake2b(plain.encode(), digest_size=8).digest(), "big", signed=True)
