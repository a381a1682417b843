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
from segue.search.query import FieldQuery, expression, read_phrase
from segue.search.rank import Hit, Match, match, ordered
from segue.search.text import exact_key
from segue.search.typos import Vocabulary

__all__ = ["SearchIndex"]

# Number of matches that are ranked, the most popular ones: bounds the time of a search.
_POOL = 100
_MAX_RESULTS = 1_000
# Number of matches that are read if there is a filter: at most a tenth of a second.
_MAX_FILTERED = 20_000


class SearchIndex:
    """Search the names of a bundle's tracks.

    Thread-safe: each thread has its own connection. The file is opened read-only and must not change.

    Parameters
    ----------
    path
        A file written by `build_search`.

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
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections of all threads; the index must not be used afterwards."""
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
        """Find tracks by artist and title.

        Parameters
        ----------
        query
            Words of artist and title in any order; the last may be incomplete, one typo is tolerated.
        artist, track
            The same in the artist's name or the title only. All that are given must match.
        limit
            Length of the list, at most 1,000.
        passes
            Filter: whether a row may be returned; None: all may. Applied to the 20,000 most popular matches.

        Returns
        -------
        Rows of ``tracks.parquet``, best match first: whole names, names that begin with the query, all words,
        prefixes of words; equal matches by popularity; matches of a corrected typo last.
        """
        typed = (read_phrase("any", query), read_phrase("artist", artist), read_phrase("title", track))
        phrases = [phrase for phrase in typed if phrase is not None]
        limit = min(limit, _MAX_RESULTS)
        if not phrases or limit < 1:
            return []
        database = self._database()
        vocabulary = Vocabulary(database)
        hits: dict[int, Hit] = {}
        cutoff = _Cutoff(max(_POOL, limit), passes)
        for number, queries in enumerate(attempts(vocabulary, phrases)):
            for hit in _find(database, vocabulary, queries, number, cutoff):
                hits.setdefault(hit.id, hit)
            if len(hits) >= limit or _is_answered(queries, hits):
                break
        return [hit.row for hit in ordered(hits.values())[:limit]]

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


def _is_answered(queries: Sequence[FieldQuery], hits: Mapping[int, Hit]) -> bool:
    """Whether the hits make a typo in the query unlikely, so that no correction is tried."""
    words = sum(len(query.terms) for query in queries)
    if words > 2:
        return bool(hits)
    return words == 2 and any(hit.match <= Match.BEGINS for hit in hits.values())


@dataclass(frozen=True)
class _Cutoff:
    """Limits on the matches that are read and kept: their number, and a filter of rows; None: all may be."""

    kept: int
    passes: Callable[[int], bool] | None

    @property
    def read(self) -> int:
        """Largest number of matches that are read."""
        return self.kept if self.passes is None else _MAX_FILTERED

    def __call__(self, matches: Iterable[Any]) -> Iterator[Any]:
        """Keep the first matches that pass; the second item of a match is its row."""
        passes = self.passes
        passing = matches if passes is None else (match for match in matches if passes(match[1]))
        return islice(passing, self.kept)


def _find(
    database: sqlite3.Connection,
    vocabulary: Vocabulary,
    queries: Sequence[FieldQuery],
    attempt: int,
    cutoff: _Cutoff,
) -> Iterator[Hit]:
    """Yield matches of whole names first, then the most popular tracks with all words."""
    if len(queries) == 1:
        yield from _find_whole(database, queries[0], attempt, cutoff)
    if not all(map(vocabulary.may_match, queries)):
        return
    rows = _rows(
        database,
        "id, row, artist, title",
        "SELECT track.id, row, track.artist, track.title FROM names JOIN track ON track.id = names.rowid "
        "WHERE names MATCH ? ORDER BY names.rowid LIMIT ?",
        (expression(queries), cutoff.read),
    )
    for number, row, artist, title in cutoff(rows):
        kind, by_artist = match(queries, artist, title)
        yield Hit(number, row, attempt, kind, by_artist)


def _find_whole(
    database: sqlite3.Connection, query: FieldQuery, attempt: int, cutoff: _Cutoff
) -> Iterator[Hit]:
    kinds = ("title", "artist") if query.field == "any" else (query.field,)
    for kind in kinds:
        for whole in query.wholes:
            rows = _rows(
                database,
                "id, row",
                f"SELECT track.id, row FROM exact_{kind} JOIN track USING (id) "  # noqa: S608 - two names
                "WHERE key = ? ORDER BY id LIMIT ?",
                (exact_key(whole), cutoff.read),
            )
            by_artist = kind == "artist" and query.field == "any"
            yield from (Hit(number, row, attempt, Match.EXACT, by_artist) for number, row in cutoff(rows))


def _rows(database: sqlite3.Connection, columns: str, query: str, values: tuple[object, ...]) -> list[Any]:
    """Fetch all rows as one JSON value: sqlite3 releases the GIL per row, and would wait for it each time."""
    whole = f"SELECT json_group_array(json_array({columns})) FROM ({query})"  # noqa: S608 - not from outside
    rows: list[Any] = orjson.loads(database.execute(whole, values).fetchone()[0])
    return sorted(rows, key=itemgetter(0))
