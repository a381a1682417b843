"""Finding rows of the catalogue by track id, artist or genre.

By bisection, without a dictionary of a million strings: track ids are sorted in the bundle, and artists are
numbered in the order of their folded names.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from segue.catalog.spotify_ids import plain_id
from segue.features.recordings import fold_text
from segue.recommend.strings import Strings
from segue.throttle import Throttle

__all__ = ["Lookup"]

Rows = npt.NDArray[np.int64]

_CHUNK_ROWS = 16_384
# The sparse index holds every 64th id: a megabyte at a million tracks.
_STRIDE = 64


class _ArtistNames:
    """Folded name by artist number, read from the artist's first track."""

    def __init__(self, names: pa.StringArray, first: Rows) -> None:
        self._names = names
        self._first = first

    def __len__(self) -> int:
        return len(self._first)

    def __getitem__(self, number: int) -> str:
        return fold_text(self._names[int(self._first[number])].as_py())


class Lookup:
    """Rows by id, artist and genre.

    Parameters
    ----------
    track_ids
        Sorted ids, n.
    artist_names
        Artist names as written, n.
    artist
        int32 [n], artist numbers.
    genre
        int16 [n], genre codes, -1 missing.
    popularity
        float32 [n], NaN missing.
    recording
        int32 [n].
    throttle
        Pauses the preparation, to leave processor time to requests; without one it never pauses.
    """

    def __init__(
        self,
        *,
        track_ids: pa.StringArray,
        artist_names: pa.StringArray,
        artist: npt.NDArray[np.int32],
        genre: npt.NDArray[np.int16],
        popularity: npt.NDArray[np.float32],
        recording: npt.NDArray[np.int32],
        throttle: Throttle | None = None,
    ) -> None:
        self._throttle = throttle or Throttle()
        self._ids = Strings(track_ids)
        self._names = artist_names
        self._artist = artist
        self._genre = genre
        self._popularity = popularity
        self._recording = recording

    def row_of(self, track_id: str) -> int | None:
        """Row of a track by its id, or by a URI or address of Spotify's; None if the catalogue lacks it."""
        row = self._row_of_exactly(track_id)
        if row is None and (plain := plain_id(track_id)) != track_id:
            return self._row_of_exactly(plain)
        return row

    def _row_of_exactly(self, track_id: str) -> int | None:
        wanted = track_id.encode(errors="surrogatepass")
        first = max(bisect_right(self._sparse_index, wanted) - 1, 0) * _STRIDE
        end = min(first + _STRIDE, len(self._ids))
        row = bisect_left(self._ids, wanted, first, end)
        return row if row < end and self._ids[row] == wanted else None

    def rows_of_artist_number(self, number: int) -> Rows:
        """Tracks of an artist, most popular first."""
        order, start = self._by_artist
        rows: Rows = order[start[number] : start[number + 1]]
        return rows

    def artist_number(self, name: str) -> int | None:
        """Number of an artist by name, ignoring case and accents; None if it is not in the catalogue."""
        order, start = self._by_artist
        names = _ArtistNames(self._names, order[start[:-1]])
        folded = fold_text(name)
        number = bisect_left(names, folded)
        return number if number < len(names) and names[number] == folded else None

    def same_recordings(self, row: int) -> Rows:
        """Tracks that are the same recording as this one, including itself."""
        rows = self.rows_of_artist_number(int(self._artist[row]))
        same: Rows = rows[self._recording[rows] == self._recording[row]]
        return same

    def top_of_genre(self, code: int, limit: int) -> Rows:
        """The most popular tracks of a genre, at most `limit`."""
        rows: Rows = np.flatnonzero(self._genre == code)
        order = np.lexsort((rows, -np.nan_to_num(self._popularity[rows], nan=-1)))
        top: Rows = rows[order[:limit]]
        return top

    @cached_property
    def _sparse_index(self) -> list[bytes]:
        """Every 64th id. Bisecting this list is faster than reading a cell of the column at each step."""
        return [self._ids[row] for row in range(0, len(self._ids), _STRIDE)]

    @cached_property
    def _by_artist(self) -> tuple[Rows, Rows]:
        """Rows in the order of (artist, popularity descending, row), and where each artist starts."""
        start = np.concatenate(([0], np.cumsum(np.bincount(self._artist))))
        popularity = -np.nan_to_num(self._popularity, nan=-1)
        # sorted in chunks of a few artists, with a pause after each
        chunks = min(len(self._artist) // _CHUNK_ROWS + 1, np.iinfo(np.uint16).max)
        chunk = (self._artist.astype(np.int64) * chunks // (len(start) - 1)).astype(np.uint16)
        order = np.argsort(chunk, kind="stable")
        ends = np.cumsum(np.bincount(chunk, minlength=chunks))
        for first, end in pairwise([0, *ends.tolist()]):
            rows = order[first:end]
            order[first:end] = rows[np.lexsort((popularity[rows], self._artist[rows]))]
            self._throttle()
        return order, start
