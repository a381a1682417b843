"""What was typed, as words; and words as expressions for the full-text index. Nothing typed is syntax."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Literal

from segue.features.recordings import fold_text
from segue.search.text import plain_text, token_text

__all__ = ["Field", "Part", "Phrase", "Term", "expression", "read_phrase"]

Field = Literal["any", "artist", "title"]

# Nobody types more; a pasted page must not cost more than a search.
MAX_QUERY_LENGTH = 200
MAX_WORDS = 12
MAX_PHRASES = 10
# Shorter ones begin so many words that they say nothing.
MIN_PREFIX_LENGTH = 3


@dataclass(frozen=True)
class Term:
    """One of several alternatives must be found.

    Attributes
    ----------
    words
        The alternatives.
    as_prefix
        Whether a word that only begins so is found, too.
    """

    words: tuple[str, ...]
    as_prefix: bool = False


@dataclass(frozen=True)
class Part:
    """What one field of a track must hold.

    Attributes
    ----------
    field
        Where it is looked for.
    wholes
        Plain names, each of which would be the whole of what was typed.
    terms
        All of them must be found.
    """

    field: Field
    wholes: tuple[str, ...]
    terms: tuple[Term, ...]


@dataclass(frozen=True)
class Phrase:
    """What was typed into one field.

    Attributes
    ----------
    field
        Where its words are looked for.
    plain
        The plain form of the text.
    words
        Its words, each once.
    is_open
        Whether the last word may still be going on.
    """

    field: Field
    plain: str
    words: tuple[str, ...]
    is_open: bool

    def is_prefix(self, number: int) -> bool:
        """Tell whether this word may still be going on."""
        return self.is_open and number == len(self.words) - 1

    def part(self, *, all_prefixes: bool = False) -> Part:
        """Return what is looked for: the last word as a prefix, or all that are not too short for it."""
        terms = (
            Term(
                (word,), as_prefix=self.is_prefix(number) or (all_prefixes and len(word) >= MIN_PREFIX_LENGTH)
            )
            for number, word in enumerate(self.words)
        )
        return Part(self.field, (self.plain,), tuple(terms))

    def corrected(self, alternatives: Mapping[int, Sequence[str]]) -> Part:
        """Return what is looked for when the words with these numbers give way to others."""
        choices = [tuple(alternatives.get(number, (word,))) for number, word in enumerate(self.words)]
        wholes = (" ".join(words) for words in islice(product(*choices), MAX_PHRASES))
        terms = (Term(words, as_prefix=self.is_prefix(number)) for number, words in enumerate(choices))
        return Part(self.field, tuple(wholes), tuple(terms))

    def rewritten(self, first: int, last: int, words: Sequence[str]) -> Part:
        """Return what is looked for when other words stand from `first` to before `last`."""
        words = (*self.words[:first], *words, *self.words[last:])
        return Phrase(self.field, " ".join(words), words, self.is_open).part()


def read_phrase(field: Field, text: str | None) -> Phrase | None:
    """Read what was typed into a field; None where there is nothing to look for."""
    if not text:
        return None
    # A lone surrogate can't be stored, so it can't be found either.
    cleaned = text[:MAX_QUERY_LENGTH].encode("utf-8", "ignore").decode("utf-8")
    plain = plain_text(fold_text(cleaned))
    words = tuple(dict.fromkeys(plain.split()))[:MAX_WORDS]
    return Phrase(field, plain, words, is_open=not cleaned[-1:].isspace()) if words else None


def expression(parts: Iterable[Part]) -> str:
    """Write parts as an FTS5 expression; every word is quoted, and all terms must be found."""
    groups = []
    for part in parts:
        group = " AND ".join(_alternatives(term) for term in part.terms)
        groups.append(f"({group})" if part.field == "any" else f"{part.field} : ({group})")
    return " AND ".join(groups)


def _alternatives(term: Term) -> str:
    star = " *" if term.as_prefix else ""
    quoted = ['"' + token_text(word).replace('"', '""') + '"' + star for word in dict.fromkeys(term.words)]
    return quoted[0] if len(quoted) == 1 else f"({' OR '.join(quoted)})"
