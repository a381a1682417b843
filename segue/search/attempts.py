"""What is looked for, one after the other, until enough is found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from segue.search.query import Part, Phrase
from segue.search.typos import Vocabulary

__all__ = ["attempts"]

# Each is a search of its own: the longest words are tried first, as they have most room for a slip.
_MAX_TRIED = 4
_MAX_UNKNOWN = 3


def attempts(vocabulary: Vocabulary, phrases: Sequence[Phrase]) -> Iterator[list[Part]]:
    """Yield what to look for: as typed, then every word as a beginning, then with one typo forgiven."""
    typed = [phrase.part() for phrase in phrases]
    yield typed
    beginnings = [phrase.part(all_prefixes=True) for phrase in phrases]
    if beginnings != typed:
        yield beginnings
    for number, phrase in enumerate(phrases):
        others = [typed[other] for other in range(len(phrases)) if other != number]
        for part in _corrections(vocabulary, phrase):
            yield [*others, part]


def _corrections(vocabulary: Vocabulary, phrase: Phrase) -> Iterator[Part]:
    """Words that are in no name give way first; where all are known, one after the other does."""
    words = phrase.words
    unknown = [n for n, word in enumerate(words) if not vocabulary.knows(word, as_prefix=phrase.is_prefix(n))]
    yield from _respaced(vocabulary, phrase, unknown)
    if unknown:
        tries = [unknown]
    else:
        tries = [[n] for n in sorted(range(len(words)), key=lambda n: -len(words[n]))[:_MAX_TRIED]]
    for numbers in tries[:_MAX_TRIED]:
        if len(numbers) <= _MAX_UNKNOWN:
            found = {n: vocabulary.corrections(words[n], as_prefix=phrase.is_prefix(n)) for n in numbers}
            if all(found.values()):
                yield phrase.corrected(found)


def _respaced(vocabulary: Vocabulary, phrase: Phrase, unknown: list[int]) -> Iterator[Part]:
    """A space left out of an unknown word, or one put into a word so that two unknown ones came of it."""
    if len(unknown) == 1:
        for pair in vocabulary.splits(phrase.words[unknown[0]]):
            yield phrase.rewritten(unknown[0], unknown[0] + 1, pair)
    for number in range(len(phrase.words) - 1):
        whole = phrase.words[number] + phrase.words[number + 1]
        touches = number in unknown or number + 1 in unknown
        if touches and vocabulary.knows(whole, as_prefix=phrase.is_prefix(number + 1)):
            yield phrase.rewritten(number, number + 2, (whole,))
