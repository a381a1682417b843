"""Read ``search.sqlite``."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any

import orjson

from segue.errors import BundleError, BundleFileMissing
from segue.search.attempts import attempts
from segue.search.build import SCHEMA_VERSION
from segue.search.query import Part, expression, read_phrase
from segue.search.rank import Found, Match, match, ordered
from segue.search.text import exact_key
from segue.search.typos import Vocabulary

__all__ = ["SearchIndex"]

# So many of the most popular matches are looked at, whatever was typed: a search is bounded.
_POOL = 100
_MAX_RESULTS = 1_000
# And so many, where only those that pass count: a tenth of a second at most.
_SIEVED = 20_000


class SearchIndex:
    """Search the names of a bundle's tracks.

    Safe from several threads: each has its own connection to the file, which is opened read-only and taken to
    never change.

    Parameters
    ----------
    path
        The file that `build_search` wrote.

    Raises
    ------
    BundleError
        The file is missing or is not a search index of this version.

    Examples
    --------
    >>> with SearchIndex(Path("bundle/search.sqlite")) as index:  # doctest: +SKIP
    ...     rows = index.search("bjork hyper", limit=5)
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        if not path.is_file():
            raise BundleFileMissing(f"{path.name} is missing: expected a search index at {path}")
        try:
            version = self._database().execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.DatabaseError as error:
            raise BundleError(f"{path.name} is not a search index: {error}") from error
        if version != SCHEMA_VERSION:
            raise BundleError(f"{path.name} has schema {version}, expected {SCHEMA_VERSION}")

    def __enter__(self) -> SearchIndex:
        """Return the index itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the connections of all threads; the index is not used after that."""
        with self._lock:
            while self._opened:
                self._opened.pop().close()
        self._local = threading.local()

    def search(
        self,
        query: str | None = None,
        *,
        artist: str | None = None,
        track: str | None = None,
        limit: int = 20,
        passes: Callable[[int], bool] | None = None,
    ) -> list[int]:
        """Find tracks by what a person types.

        Parameters
        ----------
        query
            Words of artist and title in any order; the last may be unfinished, one typo is forgiven.
        artist, track
            The same, looked for in the artist's name or the title alone. All that are given must match.
        limit
            Length of the list, at most 1,000.
        passes
            Whether a row may be found; all may if not given. The 20,000 most popular matches are asked about.

        Returns
        -------
        Rows of ``tracks.parquet``, the best match first: whole names, then names that begin so, then all
        words, then beginnings of words; equal matches by popularity; what takes forgiving a typo comes last.
        """
        typed = (read_phrase("any", query), read_phrase("artist", artist), read_phrase("title", track))
        phrases = [phrase for phrase in typed if phrase is not None]
        limit = min(limit, _MAX_RESULTS)
        if not phrases or limit < 1:
            return []
        database = self._database()
        vocabulary = Vocabulary(database)
        found: dict[int, Found] = {}
        cut = _Cut(max(_POOL, limit), passes)
        for number, parts in enumerate(attempts(vocabulary, phrases)):
            for one in _find(database, vocabulary, parts, number, cut):
                found.setdefault(one.id, one)
            if len(found) >= limit or _is_answered(parts, found):
                break
        return [one.row for one in ordered(found.values())[:limit]]

    def _database(self) -> sqlite3.Connection:
        database: sqlite3.Connection | None = getattr(self._local, "database", None)
        if database is None:
            uri = f"{self._path.resolve().as_uri()}?mode=ro&immutable=1"
            database = sqlite3.connect(uri, uri=True, check_same_thread=False, cached_statements=64)
            database.execute(f"PRAGMA mmap_size = {self._path.stat().st_size}")
            self._local.database = database
            with self._lock:
                self._opened.append(database)
        return database


def _is_answered(parts: Sequence[Part], found: Mapping[int, Found]) -> bool:
    """Tell whether what was found leaves no doubt that the words were typed as they were meant."""
    words = sum(len(part.terms) for part in parts)
    if words > 2:
        return bool(found)
    return words == 2 and any(one.match <= Match.BEGINS for one in found.values())


@dataclass(frozen=True)
class _Cut:
    """How many are taken of what was read, and of how many.

    Attributes
    ----------
    most
        So many are taken.
    passes
        Whether a row may be; None: all may.
    """

    most: int
    passes: Callable[[int], bool] | None

    @property
    def looked_at(self) -> int:
        """So many are read at most."""
        return self.most if self.passes is None else _SIEVED

    def __call__(self, rows: Iterable[Any]) -> Iterator[Any]:
        """Take the first; of each, the row comes second."""
        passes = self.passes
        passing = rows if passes is None else (found for found in rows if passes(found[1]))
        return islice(passing, self.most)


def _find(
    database: sqlite3.Connection, vocabulary: Vocabulary, parts: Sequence[Part], attempt: int, cut: _Cut
) -> Iterator[Found]:
    """Yield whole names first, then the most popular tracks that hold all words."""
    if len(parts) == 1:
        yield from _find_whole(database, parts[0], attempt, cut)
    if not all(map(vocabulary.may_find, parts)):
        return
    rows = _rows(
        database,
        "id, row, artist, title",
        "SELECT track.id, row, track.artist, track.title FROM names JOIN track ON track.id = names.rowid "
        "WHERE names MATCH ? ORDER BY names.rowid LIMIT ?",
        (expression(parts), cut.looked_at),
    )
    for number, row, artist, title in cut(rows):
        kind, by_artist = match(parts, artist, title)
        yield Found(number, row, attempt, kind, by_artist)


def _find_whole(database: sqlite3.Connection, part: Part, attempt: int, cut: _Cut) -> Iterator[Found]:
    kinds = ("title", "artist") if part.field == "any" else (part.field,)
    for kind in kinds:
        for whole in part.wholes:
            rows = _rows(
                database,
                "id, row",
                f"SELECT track.id, row FROM exact_{kind} JOIN track USING (id) "  # noqa: S608 - two names
                "WHERE key = ? ORDER BY id LIMIT ?",
                (exact_key(whole), cut.looked_at),
            )
            by_artist = kind == "artist" and part.field == "any"
            yield from (Found(number, row, attempt, Match.EXACT, by_artist) for number, row in cut(rows))


def _rows(database: sqlite3.Connection, columns: str, query: str, values: tuple[object, ...]) -> list[Any]:
    """Read all rows at one go: row by row, each would wait for the threads that are busy beside this one."""
    whole = f"SELECT json_group_array(json_array({columns})) FROM ({query})"  # noqa: S608 - not from outside
    found: list[Any] = orjson.loads(database.execute(whole, values).fetchone()[0])
    return sorted(found, key=itemgetter(0))
