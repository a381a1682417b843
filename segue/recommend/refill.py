"""Refill: more candidates for a request whose pool can't fill its list under the cap on artists.

The nearest tracks of a prolific artist are that artist's own. They fill the pool, but at most
``max_per_artist`` of them the list. Such a pool is searched further, among artists that still have room.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from segue.recommend.filters import allowed_rows
from segue.recommend.model import Bundle
from segue.recommend.request import Request

__all__ = ["Room", "further_rows", "rows_left"]

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

# Neighbours of each seed in the first search further; each search after it asks for four times as many.
_FIRST_SEARCH = 128
_GROWTH = 4
# The list is chosen among twice as many tracks as it needs.
_CHOICE = 2


@dataclass(slots=True)
class Room:
    """How many tracks of a pool can be listed together: one of each recording, and so many by each artist.

    Attributes
    ----------
    max_per_artist
        Most tracks by one artist.
    count
        Number of tracks that can be listed.
    """

    max_per_artist: int
    count: int = 0
    _artists: Counter[int] = field(default_factory=Counter)
    _recordings: set[int] = field(default_factory=set)

    def add(self, artist: int, recording: int) -> bool:
        """Count a track; whether it can be listed beside those before it."""
        if recording in self._recordings or self._artists[artist] >= self.max_per_artist:
            return False
        self._recordings.add(recording)
        self._artists[artist] += 1
        self.count += 1
        return True

    def full_artists(self) -> list[int]:
        """Artists of whom no further track can be listed."""
        return [artist for artist, count in self._artists.items() if count >= self.max_per_artist]


def further_rows(
    bundle: Bundle, request: Request, points: Floats, pool: Rows, drop: Rows, *, k: int, max_per_artist: int
) -> Rows:
    """The nearest tracks outside a pool that a list of `k` needs, until there is a choice.

    Parameters
    ----------
    points
        float32 [p, d], the seeds of positive weight.
    pool
        int64 [m], candidates so far, one of each recording.
    drop
        Rows never recommended.

    Returns
    -------
    int64, by distance to the nearest seed; empty if the pool can fill the list, or if no other track may.
    """
    # most pools are of many artists: this is all that they pay
    if len(set(bundle.artist[pool[: 4 * k]].tolist())) >= k:
        return pool[:0]
    room = Room(max_per_artist)
    for artist, recording in zip(bundle.artist[pool].tolist(), bundle.recording[pool].tolist(), strict=True):
        room.add(artist, recording)
    if room.count >= k:
        return pool[:0]
    allowed = _passing(bundle, request)
    allowed[drop] = False
    allowed[pool] = False
    added: list[int] = []
    length = _FIRST_SEARCH
    while room.count < _CHOICE * k:
        allowed[np.isin(bundle.artist, np.array(room.full_artists(), np.int32))] = False
        left = int(np.count_nonzero(allowed))
        if not left:
            break
        found = _nearest(bundle, points, min(length, left), allowed)
        for row in found.tolist():
            if room.count >= _CHOICE * k:
                break
            if room.add(int(bundle.artist[row]), int(bundle.recording[row])):
                added.append(row)
        allowed[found] = False
        length *= _GROWTH
    return np.array(added, np.int64)


def rows_left(bundle: Bundle, request: Request, drop: Rows, max_per_artist: int) -> dict[str, int]:
    """How many tracks of the whole catalogue each rule leaves, one rule after the other."""
    allowed = _passing(bundle, request)
    left = {"filters": int(np.count_nonzero(allowed))}
    allowed[drop] = False
    rows = np.flatnonzero(allowed)
    left["seeds and exclusions"] = len(rows)
    rows = rows[np.unique(bundle.recording[rows], return_index=True)[1]]
    left["one of each recording"] = len(rows)
    counts = np.unique(bundle.artist[rows], return_counts=True)[1]
    left["max_per_artist"] = int(np.minimum(counts, max_per_artist).sum())
    return left


def _passing(bundle: Bundle, request: Request) -> npt.NDArray[np.bool_]:
    """Which tracks pass the filters, bool [n], to be changed by the caller."""
    allowed = allowed_rows(bundle, request.filters)
    return np.ones(bundle.size, np.bool_) if allowed is None else allowed


def _nearest(bundle: Bundle, points: Floats, length: int, allowed: npt.NDArray[np.bool_]) -> Rows:
    """Rows near any of the points, by distance to the nearest."""
    squares, rows = bundle.index.search(points, length, allowed)
    order = np.argsort(squares, axis=None, kind="stable")
    near = rows.ravel()[order]
    near = near[near >= 0]
    distinct: Rows = near[np.sort(np.unique(near, return_index=True)[1])]
    return distinct
