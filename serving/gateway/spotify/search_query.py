"""The query of a search: free words, and field filters as in Spotify's API."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from segue.features.recordings import fold_text
from serving.errors import BadRequest
from serving.gateway.catalogue import Catalogue

__all__ = ["MAX_FOUND", "SearchQuery"]

Mask = npt.NDArray[np.bool_]

# Spotify's bound of limit + offset, and the library's bound of a search
MAX_FOUND = 1_000
# Without words the album is compared for at most so many tracks of the genre and years, by popularity.
_MAX_SIEVED = 20_000

_FIELDS = ("artist", "track", "album", "genre", "year")
_UNKNOWN = ("isrc", "upc", "tag")
# a value in quotes, or all words up to the next filter
_NAMES = "|".join((*_FIELDS, *_UNKNOWN))
_FILTER = re.compile(rf'\b({_NAMES}):\s*(?:"([^"]*)"?|(.*?)(?=\s+(?:{_NAMES}):|$))', re.IGNORECASE)
_YEARS = re.compile(r"(\d{4})(?:-(\d{4}))?")


@dataclass(frozen=True, kw_only=True)
class SearchQuery:
    """A parsed query; album and genre are folded.

    The album's name contains the one here; the genre is equal. Years are the first and the last.
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

        Raises `BadRequest` if it has no words and no filter that the index supports.
        """
        text = " ".join(text.split())
        found = {name.lower(): quoted or plain for name, quoted, plain in _FILTER.findall(text)}
        given = {name: value.strip() for name, value in found.items() if value.strip()}
        if unknown := next((name for name in _UNKNOWN if name in given), None):
            raise BadRequest(f"q: the filter {unknown}: is not supported, expected {', '.join(_FIELDS)}")
        words = _FILTER.sub(" ", text).strip()
        years = _years(given["year"]) if "year" in given else None
        query = cls(
            words=words or None,
            artist=given.get("artist"),
            track=given.get("track"),
            album=fold_text(given["album"]) if "album" in given else None,
            genre=fold_text(given["genre"]) if "genre" in given else None,
            years=years,
        )
        if not (query.words or query.artist or query.track or query.genre or query.years):
            raise BadRequest("q: expected words, artist:, track:, genre: or year:")
        return query

    def find(self, catalogue: Catalogue) -> list[int]:
        """Matching rows, the best first, or the most popular first where there are no words; at most 1,000.

        All pages are cut from the same list of 1,000, or the order would depend on the page.
        """
        mask = self._mask(catalogue)
        # without words `parse` requires a genre or a year
        if mask is None or self.words or self.artist or self.track:
            passes = None if mask is None and self.album is None else self._passes(catalogue, mask)
            return catalogue.search.search(
                self.words, artist=self.artist, track=self.track, limit=MAX_FOUND, passes=passes
            )
        rows = np.flatnonzero(mask)
        popularity = np.nan_to_num(catalogue.popularity[rows], nan=-1.0)
        best = rows[np.argsort(-popularity, kind="stable")[:_MAX_SIEVED]].tolist()
        return list(islice(filter(self._passes(catalogue, None), best), MAX_FOUND))

    def _mask(self, catalogue: Catalogue) -> Mask | None:
        """Tracks of the genre and the years, bool [n]; None where the query has neither."""
        masks: list[Mask] = []
        if self.genre is not None:
            column = catalogue.columns["genre"]
            names = enumerate(column.dictionary.to_pylist())
            codes = [code for code, name in names if fold_text(name or "") == self.genre]
            masks.append(np.isin(column.indices.fill_null(-1).to_numpy(), codes))
        if self.years is not None:
            year = catalogue.columns["year"]
            within = pc.and_(pc.greater_equal(year, self.years[0]), pc.less_equal(year, self.years[1]))
            masks.append(within.fill_null(False).to_numpy(zero_copy_only=False))
        return np.logical_and.reduce(masks) if masks else None

    def _passes(self, catalogue: Catalogue, mask: Mask | None) -> Callable[[int], bool]:
        album, cell = self.album, catalogue.cell

        def passes(row: int) -> bool:
            if mask is not None and not mask[row]:
                return False
            return album is None or album in fold_text(cell("album_name", row) or "")

        return passes


def _years(text: str) -> tuple[int, int]:
    found = _YEARS.fullmatch(text)
    if not found:
        raise BadRequest(f"q: expected year:1990 or year:1990-1999, got {text!r:.40}")
    return int(found[1]), int(found[2] or found[1])
