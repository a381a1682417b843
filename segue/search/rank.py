"""Rank the hits of a search: by quality of the match, then by popularity."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from segue.search.query import FieldQuery

__all__ = ["Hit", "Match", "match", "ordered"]


class Match(IntEnum):
    """How well a track matches a query, best first."""

    EXACT = 0  # the query is the title, the artist, or both
    BEGINS = 1  # one of them begins with the query
    WORDS = 2  # all words match
    PREFIXES = 3  # some words match only as prefixes


@dataclass(frozen=True)
class Hit:
    """A track that matches.

    Attributes
    ----------
    id
        Its rank by popularity.
    row
        Its row in the bundle.
    attempt
        Number of the attempt that found it; 0 is the query as typed.
    by_artist
        Whether the query is exactly the artist's name.
    """

    id: int
    row: int
    attempt: int
    match: Match
    by_artist: bool = False


def match(queries: Sequence[FieldQuery], artist: str, title: str) -> tuple[Match, bool]:
    """Worst match of a track over the queries, and whether a query is exactly its artist's name."""
    worst, by_artist = Match.EXACT, False
    for query in queries:
        names = {"artist": (artist,), "title": (title,)}.get(
            query.field, (title, artist, f"{artist} {title}", f"{title} {artist}")
        )
        quality = _match(query, names)
        worst = max(worst, quality)
        by_artist |= quality == Match.EXACT and query.field == "any" and artist in query.wholes
    return worst, by_artist


def _match(query: FieldQuery, names: Sequence[str]) -> Match:
    if any(whole in names for whole in query.wholes):
        return Match.EXACT
    if any(name.startswith(whole) for whole in query.wholes for name in names):
        return Match.BEGINS
    words = {word for name in names for word in name.split()}
    if all(any(word in words for word in term.words) for term in query.terms):
        return Match.WORDS
    return Match.PREFIXES


def ordered(hits: Iterable[Hit]) -> list[Hit]:
    """Sort by attempt, match and popularity.

    Exact titles and exact artists are interleaved, so that an artist's many tracks do not hide tracks with
    the artist's name as title, or vice versa.
    """
    ranked = sorted(hits, key=lambda hit: (hit.attempt, hit.match, hit.id))
    turns: dict[tuple[int, bool], int] = {}
    keys = []
    for hit in ranked:
        turn = 0
        if hit.match == Match.EXACT:
            turn = turns.get((hit.attempt, hit.by_artist), 0)
            turns[hit.attempt, hit.by_artist] = turn + 1
        keys.append((hit.attempt, hit.match, turn, hit.id))
    return [hit for _, hit in sorted(zip(keys, ranked, strict=True), key=lambda pair: pair[0])]
