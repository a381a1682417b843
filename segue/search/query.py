"""Parse a typed query into words, and build FTS5 expressions. All typed characters are escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Literal

from segue.features.recordings import fold_text
from segue.search.text import plain_text, token_text

__all__ = ["Field", "FieldQuery", "Phrase", "SearchTerm", "expression", "read_phrase"]

Field = Literal["any", "artist", "title"]

# Longer input, such as a pasted page, is truncated: it must not cost more than a search.
MAX_QUERY_LENGTH = 200
MAX_WORDS = 12
MAX_PHRASES = 10
# Shorter prefixes match too many words.
MIN_PREFIX_LENGTH = 3


@dataclass(frozen=True)
class SearchTerm:
    """A word or its alternatives, of which one must match; as a prefix, words that begin with it do too."""

    words: tuple[str, ...]
    as_prefix: bool = False


@dataclass(frozen=True)
class FieldQuery:
    """A query of one field: plain names that match it exactly, and terms that must all match."""

    field: Field
    wholes: tuple[str, ...]
    terms: tuple[SearchTerm, ...]


@dataclass(frozen=True)
class Phrase:
    """The text that was typed for one field: its plain form, its distinct words, and whether the last of them
    may be incomplete.
    """

    field: Field
    plain: str
    words: tuple[str, ...]
    is_open: bool

    def is_prefix(self, number: int) -> bool:
        """Whether this word may be incomplete."""
        return self.is_open and number == len(self.words) - 1

    def query(self, *, all_prefixes: bool = False) -> FieldQuery:
        """Query with the last word as a prefix, or all words that are long enough."""
        terms = (
            SearchTerm(
                (word,), as_prefix=self.is_prefix(number) or (all_prefixes and len(word) >= MIN_PREFIX_LENGTH)
            )
            for number, word in enumerate(self.words)
        )
        return FieldQuery(self.field, (self.plain,), tuple(terms))

    def corrected(self, alternatives: Mapping[int, Sequence[str]]) -> FieldQuery:
        """Query with alternatives for the words with these numbers."""
        choices = [tuple(alternatives.get(number, (word,))) for number, word in enumerate(self.words)]
        wholes = (" ".join(words) for words in islice(product(*choices), MAX_PHRASES))
        terms = (SearchTerm(words, as_prefix=self.is_prefix(number)) for number, words in enumerate(choices))
        return FieldQuery(self.field, tuple(wholes), tuple(terms))

    def rewritten(self, first: int, last: int, words: Sequence[str]) -> FieldQuery:
        """Query with the words from `first` to before `last` replaced."""
        words = (*self.words[:first], *words, *self.words[last:])
        return Phrase(self.field, " ".join(words), words, self.is_open).query()


def read_phrase(field: Field, text: str | None) -> Phrase | None:
    """Parse the text of a field; None if it has no words."""
    if not text:
        return None
    # lone surrogates are dropped: SQLite can't encode them
    cleaned = text[:MAX_QUERY_LENGTH].encode("utf-8", "ignore").decode("utf-8")
    plain = plain_text(fold_text(cleaned))
    words = tuple(dict.fromkeys(plain.split()))[:MAX_WORDS]
    return Phrase(field, plain, words, is_open=not cleaned[-1:].isspace()) if words else None


def expression(queries: Iterable[FieldQuery]) -> str:
    """Build an FTS5 expression that all terms must match; every word is quoted."""
    groups = []
    for query in queries:
        group = " AND ".join(_alternatives(term) for term in query.terms)
        groups.append(f"({group})" if query.field == "any" else f"{query.field} : ({group})")
    return " AND ".join(groups)


def _alternatives(term: SearchTerm) -> str:
    star = " *" if term.as_prefix else ""
    quoted = ['"' + token_text(word).replace('"', '""') + '"' + star for word in dict.fromkeys(term.words)]
    return quoted[0] if len(quoted) == 1 else f"({' OR '.join(quoted)})"
