"""The queries that are tried in turn until enough tracks are found: as typed, then with typos corrected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from segue.search.query import FieldQuery, Phrase
from segue.search.typos import Vocabulary

__all__ = ["attempts"]

# Every attempt is another search. The longest words are corrected first: they are likelier to have a typo.
_MAX_TRIED = 4
_MAX_UNKNOWN = 3


def attempts(vocabulary: Vocabulary, phrases: Sequence[Phrase]) -> Iterator[list[FieldQuery]]:
    """Yield the queries: as typed, then with every word as a prefix, then with one typo corrected."""
    typed = [phrase.query() for phrase in phrases]
    yield typed
    prefixes = [phrase.query(all_prefixes=True) for phrase in phrases]
    if prefixes != typed:
        yield prefixes
    for number, phrase in enumerate(phrases):
        others = [typed[other] for other in range(len(phrases)) if other != number]
        for query in _corrections(vocabulary, phrase):
            yield [*others, query]


def _corrections(vocabulary: Vocabulary, phrase: Phrase) -> Iterator[FieldQuery]:
    """Correct the words that are in no name; if all are known, correct one word at a time."""
    words = phrase.words
    unknown = [n for n, word in enumerate(words) if not vocabulary.knows(word, as_prefix=phrase.is_prefix(n))]
    yield from _respaced(vocabulary, phrase, unknown)
    if unknown:
        tries = [unknown]
    else:
        tries = [[n] for n in sorted(range(len(words)), key=lambda n: -len(words[n]))[:_MAX_TRIED]]
    for numbers in tries[:_MAX_TRIED]:
        if len(numbers) <= _MAX_UNKNOWN:
            corrections = {
                n: vocabulary.corrections(words[n], as_prefix=phrase.is_prefix(n)) for n in numbers
            }
            if all(corrections.values()):
                yield phrase.corrected(corrections)


def _respaced(vocabulary: Vocabulary, phrase: Phrase, unknown: list[int]) -> Iterator[FieldQuery]:
    """Split an unknown word where a space may be missing, and join words where one may be superfluous."""
    if len(unknown) == 1:
        for pair in vocabulary.splits(phrase.words[unknown[0]]):
            yield phrase.rewritten(unknown[0], unknown[0] + 1, pair)
    for number in range(len(phrase.words) - 1):
        whole = phrase.words[number] + phrase.words[number + 1]
        touches = number in unknown or number + 1 in unknown
        if touches and vocabulary.knows(whole, as_prefix=phrase.is_prefix(number + 1)):
            yield phrase.rewritten(number, number + 2, (whole,))
