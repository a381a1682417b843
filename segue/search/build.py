"""Build ``search.sqlite``. The same tracks and SQLite version give the same bytes."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from segue.errors import BundleError
from segue.features.recordings import fold_column, title_keys
from segue.files import replacing
from segue.search.text import exact_key, index_words, plain_text, token_text

__all__ = ["SCHEMA_VERSION", "build_search"]

SCHEMA_VERSION = 1
_CHUNK = 50_000
# Lengths of the prefixes that FTS5 indexes, for searches while a listener types.
_PREFIXES = "1 2 3 4"

_SCHEMA = f"""
PRAGMA page_size = 8192;
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA user_version = {SCHEMA_VERSION};
CREATE TABLE track (id INTEGER PRIMARY KEY, row INTEGER NOT NULL, artist TEXT NOT NULL, title TEXT NOT NULL);
CREATE TABLE word (word TEXT PRIMARY KEY, tracks INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE exact_title (key INTEGER, id INTEGER, PRIMARY KEY (key, id)) WITHOUT ROWID;
CREATE TABLE exact_artist (key INTEGER, id INTEGER, PRIMARY KEY (key, id)) WITHOUT ROWID;
CREATE VIRTUAL TABLE names USING fts5 (
    artist, title, content = '', columnsize = 0, detail = column, prefix = '{_PREFIXES}', tokenize = 'ascii'
);
"""


def build_search(tracks: Path, out: Path) -> None:
    """Write the search index of a bundle.

    Ids follow popularity, so a search that stops after the first matches returns the most popular ones.

    Parameters
    ----------
    tracks
        Parquet file with `track_name`, `artist_name` and `popularity`, in the order of the bundle.
    out
        The file to write, atomically.

    Raises
    ------
    BundleError
        The file can't be read, or a column is missing.
    """
    columns = ["artist_name", "track_name", "popularity"]
    try:
        missing = [name for name in columns if name not in pq.read_schema(tracks).names]
        if missing:
            raise BundleError(f"{tracks.name} has no column {', '.join(missing)}")
        table = pq.read_table(tracks, columns=columns)
    except (OSError, pa.ArrowInvalid) as error:
        raise BundleError(f"{tracks.name}: can't read the tracks to search: {error}") from error
    out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(out) as temporary, TemporaryDirectory(dir=out.parent, prefix=".search-") as folder:
        temporary.unlink(missing_ok=True)
        _write(table, Path(folder) / "loose.sqlite", temporary)


def _write(table: pa.Table, loose: Path, packed: Path) -> None:
    """Fill a database, then write a compact copy."""
    database = sqlite3.connect(loose, isolation_level=None)
    try:
        database.executescript(_SCHEMA)
        database.execute("INSERT INTO names (names, rank) VALUES ('hashsize', 33554432)")
        database.execute("BEGIN")
        words = _write_names(database, table, _by_popularity(table["popularity"]))
        database.executemany("INSERT INTO word VALUES (?, ?)", sorted(words.items()))
        database.execute("INSERT INTO names (names) VALUES ('optimize')")
        database.execute("COMMIT")
        # not a plain VACUUM, which copies the whole file to the system's temporary folder first
        database.execute("VACUUM INTO ?", (str(packed),))
    finally:
        database.close()


def _by_popularity(popularity: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Rows sorted by descending popularity, unknown last, ties in row order."""
    known = pc.fill_null(popularity.cast(pa.float64()), -1.0).to_numpy()
    return np.argsort(-np.nan_to_num(known, nan=-1.0), kind="stable")


def _write_names(database: sqlite3.Connection, table: pa.Table, order: npt.NDArray[np.int64]) -> Counter[str]:
    """Fill all tables but the words; returns the number of names that contain each word."""
    words: Counter[str] = Counter()
    keys: dict[str, list[npt.NDArray[np.int64]]] = {"artist": [], "title": []}
    for first in range(0, len(order), _CHUNK):
        rows = order[first : first + _CHUNK]
        chunk = table.take(pa.array(rows))
        folded = [fold_column(chunk[name]).to_pylist() for name in ("artist_name", "track_name")]
        plain = [list(map(plain_text, names)) for names in folded]
        ids = range(first + 1, first + 1 + len(rows))
        database.executemany(
            "INSERT INTO track VALUES (?, ?, ?, ?)", zip(ids, rows.tolist(), *plain, strict=True)
        )
        texts = [_index_texts(*pair, words) for pair in zip(plain, folded, strict=True)]
        database.executemany(
            "INSERT INTO names (rowid, artist, title) VALUES (?, ?, ?)", zip(ids, *texts, strict=True)
        )
        keys["artist"].append(_keys(plain[0]))
        keys["title"].append(_keys(list(map(plain_text, title_keys(chunk["track_name"]).to_pylist()))))
    for kind, parts in keys.items():
        _write_exact(database, kind, np.concatenate(parts) if parts else np.empty(0, np.int64))
    return words


def _index_texts(plain: list[str], folded: list[str], words: Counter[str]) -> Iterator[str]:
    for plain_name, folded_name in zip(plain, folded, strict=True):
        indexed = index_words(plain_name, folded_name)
        words.update(indexed)
        yield " ".join(map(token_text, indexed))


def _keys(plain: list[str]) -> npt.NDArray[np.int64]:
    return np.fromiter(map(exact_key, plain), dtype=np.int64, count=len(plain))


def _write_exact(database: sqlite3.Connection, kind: str, keys: npt.NDArray[np.int64]) -> None:
    """Insert the keys of whole names, in the order of the primary key."""
    order = np.argsort(keys, kind="stable")
    for first in range(0, len(order), _CHUNK):
        part = order[first : first + _CHUNK]
        pairs = zip(keys[part].tolist(), (part + 1).tolist(), strict=True)
        database.executemany(f"INSERT INTO exact_{kind} VALUES (?, ?)", pairs)  # noqa: S608 - not from outside
