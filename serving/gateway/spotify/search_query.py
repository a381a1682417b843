"""The query of a search: free words, and the field filters that Spotify's clients write into them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from segue.features.recordings import fold_text
from serving.gateway.catalogue import Catalogue
from serving.gateway.errors import BadRequest

__all__ = ["SearchQuery"]

_FIELDS = ("artist", "track", "album", "genre", "year")
_UNKNOWN = ("isrc", "upc", "tag")
# a value in quotes, or all words up to the next filter
_NAMES = "|".join((*_FIELDS, *_UNKNOWN))
_FILTER = re.compile(rf'\b({_NAMES}):\s*(?:"([^"]*)"?|(.*?)(?=\s+(?:{_NAMES}):|$))', re.IGNORECASE)
_YEARS = re.compile(r"(\d{4})(?:-(\d{4}))?")


@dataclass(frozen=True, kw_only=True)
class SearchQuery:
    """What is looked for.

    Attributes
    ----------
    words, artist, track
        Looked up in the index.
    album, genre
        Folded; the album's name holds it, the genre is it.
    years
        First and last.
    """

    words: str | None = None
    artist: str | None = None
    track: str | None = None
    album: str | None = None
    genre: str | None = None
    years: tuple[int, int] | None = None

    @classmethod
    def parse(cls, text: str) -> SearchQuery:
        """Read a query such as ``remaster artist:"Miles Davis" year:1955-1960``.

        Raises
        ------
        BadRequest
            Nothing that the index knows is looked for.
        """
        found = {name.lower(): quoted or plain for name, quoted, plain in _FILTER.findall(text)}
        given = {name: value.strip() for name, value in found.items() if value.strip()}
        if unknown := next((name for name in _UNKNOWN if name in given), None):
            raise BadRequest(f"q: the filter {unknown}: is not supported, expected {', '.join(_FIELDS)}")
        words = " ".join(_FILTER.sub(" ", text).split())
        years = _years(given["year"]) if "year" in given else None
        query = cls(
            words=words or None,
            artist=given.get("artist"),
            track=given.get("track"),
            album=fold_text(given["album"]) if "album" in given else None,
            genre=fold_text(given["genre"]) if "genre" in given else None,
            years=years,
        )
        if not (query.words or query.artist or query.track):
            raise BadRequest("q: expected words, artist: or track:")
        return query

    def find(self, catalogue: Catalogue, most: int) -> list[int]:
        """Rows that answer, the best first; so many are looked up, then album, genre and years sieved."""
        rows = catalogue.search.search(self.words, artist=self.artist, track=self.track, limit=most)
        return [row for row in rows if self._passes(catalogue, row)]

    def _passes(self, catalogue: Catalogue, row: int) -> bool:
        cell = catalogue.cell
        if self.album is not None and self.album not in fold_text(cell("album_name", row) or ""):
            return False
        if self.genre is not None and self.genre != fold_text(cell("genre", row) or ""):
            return False
        if self.years is None:
            return True
        year = cell("year", row)
        return year is not None and self.years[0] <= year <= self.years[1]


def _years(text: str) -> tuple[int, int]:
    found = _YEARS.fullmatch(text)
    if not found:
        raise BadRequest(f"q: expected year:1990 or year:1990-1999, got {text!r:.40}")
    return int(found[1]), int(found[2] or found[1])
