"""Correct one typo per word: a letter inserted, deleted, substituted or transposed."""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from segue.search.query import FieldQuery
from segue.search.text import token_text

__all__ = ["Vocabulary", "alphabet_of", "edits", "is_one_edit"]

MIN_LENGTH = 3
# A shorter prefix is one edit away from the prefixes of thousands of words.
MIN_CORRECTED_PREFIX_LENGTH = 4
MAX_CORRECTIONS = 10
_MAX_SCANNED = 3_000


def _span(first: int, last: int) -> str:
    return "".join(map(chr, range(first, last + 1)))


_ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyzæøßłđı",
    "абвгдежзиклмнопрстуфхцчшщъыьэюяіє",
    "αβγδεζηθικλμνξοπρστυφχψω",
    _span(0x1100, 0x1112) + _span(0x1161, 0x1175) + _span(0x11A8, 0x11C2),  # letters of Hangul
    _span(0x3041, 0x3096) + "\u3099\u309aー",  # hiragana
    _span(0x30A1, 0x30FA) + "\u3099\u309aー",  # katakana
    _span(0x05D0, 0x05EA),  # Hebrew
    _span(0x0621, 0x064A),  # Arabic
)


def alphabet_of(word: str) -> str:
    """Letters of the script of a word's first character; empty if the script has too many to try all."""
    if word[0].isdigit():
        return _ALPHABETS[0]
    return next((letters for letters in _ALPHABETS if word[0] in letters), "")


def edits(word: str, last: int | None = None) -> Iterator[str]:
    """Yield the words one edit away, with letters of the word's script: transpositions, deletions,
    substitutions, then insertions.

    With `last`, the edit is at most after this many letters.
    """
    splits = [(word[:at], word[at:]) for at in range((len(word) if last is None else last) + 1)]
    letters = alphabet_of(word)
    yield from (head + tail[1] + tail[0] + tail[2:] for head, tail in splits if len(tail) > 1)
    yield from (head + tail[1:] for head, tail in splits if tail)
    yield from (head + letter + tail[1:] for head, tail in splits if tail for letter in letters)
    yield from (head + letter + tail for head, tail in splits for letter in letters)


def is_one_edit(typed: str, word: str) -> bool:
    """Whether two different words are one insertion, deletion, substitution or transposition apart."""
    if typed == word or abs(len(typed) - len(word)) > 1:
        return False
    start = 0
    while start < min(len(typed), len(word)) and typed[start] == word[start]:
        start += 1
    rest, other = typed[start:], word[start:]
    if len(rest) == len(other):
        swapped = rest[:2] == other[:2][::-1] and rest[2:] == other[2:]
        return rest[1:] == other[1:] or swapped
    longer, shorter = (rest, other) if len(rest) > len(other) else (other, rest)
    return longer[1:] == shorter


class Vocabulary:
    """The words of the index."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def knows(self, word: str, *, as_prefix: bool) -> bool:
        """Whether a word is in the index, or is a prefix of one that is."""
        if as_prefix:
            query = "SELECT 1 FROM word WHERE word >= ?1 AND word < ?1 || char(0x10ffff) LIMIT 1"
        else:
            query = "SELECT 1 FROM word WHERE word = ?1"
        return self._database.execute(query, (token_text(word),)).fetchone() is not None

    def may_match(self, query: FieldQuery) -> bool:
        """Whether each term of a query has a word that is in the index.

        Takes microseconds; the full-text index takes milliseconds for a query that can't match.
        """
        return all(
            any(
                # the table has words before `token_text`, so one that it changes can't be looked up
                token_text(word) != word or self.knows(word, as_prefix=term.as_prefix)
                for word in term.words
            )
            for term in query.terms
        )

    def corrections(self, word: str, *, as_prefix: bool) -> tuple[str, ...]:
        """Words of the index one edit away, most frequent first.

        With ``as_prefix`` also prefixes of words: "radoih" is corrected to "radioh(ead)".
        """
        if len(word) < MIN_LENGTH or len(word) != len(token_text(word)):
            return ()
        if not alphabet_of(word):
            return self._similar(word, as_prefix=as_prefix)
        # the shortest prefix that no word has contains the typo
        last = bisect_left(
            range(1, len(word) + 1), True, key=lambda length: not self.knows(word[:length], as_prefix=True)
        )
        # A prefix of the typed word would match, as a prefix, all that the typed word matches and much more.
        variants = [
            variant
            for variant in dict.fromkeys(edits(word, last))
            if variant != word and not (as_prefix and word.startswith(variant))
        ]
        marks = ",".join("?" * len(variants))
        rows = self._database.execute(
            f"SELECT word FROM word WHERE word IN ({marks}) ORDER BY tracks DESC, word LIMIT ?",  # noqa: S608
            [*variants, MAX_CORRECTIONS],
        )
        corrections = [str(row[0]) for row in rows]
        if as_prefix and len(word) >= MIN_CORRECTED_PREFIX_LENGTH:
            corrections += [variant for variant in self._prefixes(variants) if variant not in corrections]
        # but if there is no other correction, the last letter may be superfluous
        if (
            as_prefix
            and not corrections
            and len(word) > MIN_CORRECTED_PREFIX_LENGTH
            and self.knows(word[:-1], as_prefix=False)
        ):
            corrections = [word[:-1]]
        return tuple(corrections[:MAX_CORRECTIONS])

    def _prefixes(self, variants: Sequence[str]) -> list[str]:
        marks = ",".join(["(?)"] * len(variants))
        rows = self._database.execute(
            f"WITH variant (typed) AS (VALUES {marks}) SELECT typed FROM variant WHERE EXISTS "  # noqa: S608
            "(SELECT 1 FROM word WHERE word > typed AND word < typed || char(0x10ffff)) LIMIT ?",
            [*variants, 2 * MAX_CORRECTIONS],
        )
        return [str(row[0]) for row in rows]

    def _similar(self, word: str, *, as_prefix: bool) -> tuple[str, ...]:
        """For a script with thousands of characters: similar words with the same first character, and the
        word without its first.
        """
        rows = self._database.execute(
            "SELECT word FROM word WHERE word >= ?1 AND word < ?1 || char(0x10ffff) "
            "ORDER BY tracks DESC, word LIMIT ?2",
            (word[0], _MAX_SCANNED),
        )
        lengths = (len(word), len(word) + 1) if as_prefix else ()
        near = [
            str(known)
            for (known,) in rows
            if is_one_edit(word, known) or any(is_one_edit(word, known[:length]) for length in lengths)
        ]
        return (*near[: MAX_CORRECTIONS - 1], word[1:])

    def splits(self, word: str) -> tuple[tuple[str, str], ...]:
        """Pairs of words of the index into which this one can be split."""
        pairs = [(word[:at], word[at:]) for at in range(2, len(word) - 1)]
        halves = sorted({half for pair in pairs for half in pair})
        marks = ",".join("?" * len(halves))
        rows = self._database.execute(f"SELECT word FROM word WHERE word IN ({marks})", halves)  # noqa: S608
        known = {row[0] for row in rows}
        return tuple(pair for pair in pairs if known.issuperset(pair))
