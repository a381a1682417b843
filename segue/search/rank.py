"""The order of what was found: how well it matches, then how popular it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from segue.search.query import Part

__all__ = ["Found", "Match", "match", "ordered"]


class Match(IntEnum):
    """How a track answers what was typed, the best first."""

    EXACT = 0  # the whole title, the whole artist, or both
    BEGINS = 1  # one of them begins so
    WORDS = 2  # all words are there
    PREFIXES = 3  # the words that are there only begin so


@dataclass(frozen=True)
class Found:
    """A track that was found.

    Attributes
    ----------
    id
        Its rank by popularity.
    row
        Its row in the bundle.
    attempt
        0 where it answers what was typed, more where it answers something near.
    match
        How it answers.
    by_artist
        Whether it was the artist's name that was typed.
    """

    id: int
    row: int
    attempt: int
    match: Match
    by_artist: bool = False


def match(parts: Sequence[Part], artist: str, title: str) -> tuple[Match, bool]:
    """Tell how a track answers all parts, and whether its artist's name is all that was typed."""
    worst, by_artist = Match.EXACT, False
    for part in parts:
        names = {"artist": (artist,), "title": (title,)}.get(
            part.field, (title, artist, f"{artist} {title}", f"{title} {artist}")
        )
        found = _match(part, names)
        worst = max(worst, found)
        by_artist |= found == Match.EXACT and part.field == "any" and artist in part.wholes
    return worst, by_artist


def _match(part: Part, names: Sequence[str]) -> Match:
    if any(whole in names for whole in part.wholes):
        return Match.EXACT
    if any(name.startswith(whole) for whole in part.wholes for name in names):
        return Match.BEGINS
    words = {word for name in names for word in name.split()}
    if all(any(word in words for word in term.words) for term in part.terms):
        return Match.WORDS
    return Match.PREFIXES


def ordered(found: Iterable[Found]) -> list[Found]:
    """Sort by attempt, match and popularity.

    Exact titles and exact artists take turns: an artist with a hundred songs does not hide the songs that are
    called so, nor the other way round.
    """
    ranked = sorted(found, key=lambda one: (one.attempt, one.match, one.id))
    turns: dict[tuple[int, bool], int] = {}
    keys = []
    for one in ranked:
        turn = 0
        if one.match == Match.EXACT:
            turn = turns.get((one.attempt, one.by_artist), 0)
            turns[one.attempt, one.by_artist] = turn + 1
        keys.append((one.attempt, one.match, turn, one.id))
    return [one for _, one in sorted(zip(keys, ranked, strict=True), key=lambda pair: pair[0])]
