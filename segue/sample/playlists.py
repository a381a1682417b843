"""Playlists drawn from latent tastes, so that a recommender can learn from them.

A taste is a scene (artists who share listeners), an era and a mood. Part of a playlist comes from a second
scene or from the whole genre, and part is popular or random tracks.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from segue.sample.genres import DIMENSIONS, SPREAD, genre_model
from segue.sample.tracks import Tracks
from segue.sample.world import Artists

__all__ = ["Memberships", "draw_playlists"]

ROWS_PER_PLAYLIST = 12
MAX_PLAYLISTS = 100_000
MIN_LENGTH, MAX_LENGTH = 10, 60
# Shares of a playlist's tracks, by where they are drawn from.
SOURCES = {"scene": 0.52, "second_scene": 0.12, "genre": 0.22, "popular": 0.04, "chance": 0.10}
# Of this many drawn tracks, the closest in era and mood is added to the playlist.
CANDIDATES = 4
_MOOD = [DIMENSIONS.index(name) for name in ("energy", "valence", "acousticness", "danceability")]
_PLAYS_SCALE = 30.0
_ERA_YEARS = 5.0
_CHUNK = 4_000
_OVERDRAW = 1.5


@dataclass(frozen=True, kw_only=True)
class Memberships:
    """Playlist entries.

    Attributes
    ----------
    playlists
        Number of playlists.
    playlist, position
        int32 [m], sorted; positions count from 0.
    track
        int32 [m], row of the catalogue, unique within a playlist.
    """

    playlists: int
    playlist: NDArray[np.int32]
    track: NDArray[np.int32]
    position: NDArray[np.int32]


class _Pool:
    """Tracks grouped by a label, and drawn within a group in proportion to their plays."""

    def __init__(self, label: NDArray[np.integer], groups: int, plays: NDArray[np.float64]) -> None:
        self._order = np.argsort(label, kind="stable").astype(np.int32)
        self._total = np.concatenate([[0.0], np.cumsum(plays[self._order])])
        self._bounds = np.searchsorted(label[self._order], np.arange(groups + 1))

    def draw(self, group: NDArray[np.integer], rng: np.random.Generator) -> NDArray[np.int32]:
        """Draw a track per entry of `group` [m], int32 [m]; of the whole catalogue if the group is empty."""
        low, high = self._bounds[group], self._bounds[group + 1]
        empty = low == high
        low, high = np.where(empty, 0, low), np.where(empty, len(self._order), high)
        start, end = self._total[low], self._total[high]
        at = np.searchsorted(self._total, start + rng.random(len(group)) * (end - start), side="right") - 1
        drawn: NDArray[np.int32] = self._order[np.clip(at, low, high - 1)]
        return drawn


@dataclass(frozen=True)
class _Tastes:
    scene: NDArray[np.int64]
    second_scene: NDArray[np.int64]
    genre: NDArray[np.int64]
    era: NDArray[np.float32]
    mood: NDArray[np.float32]
    size: NDArray[np.int64]

    def take(self, rows: slice) -> _Tastes:
        return _Tastes(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


class _Listening:
    """The tracks in pools, by where a playlist draws them from."""

    def __init__(self, tracks: Tracks, artists: Artists) -> None:
        plays = np.exp(tracks.popularity / _PLAYS_SCALE)
        everywhere = np.zeros(len(tracks), dtype=np.int8)
        scene = artists.scene[tracks.artist]
        by_scene = _Pool(scene, len(artists.scene_genre), plays)
        self.year = tracks.year.astype(np.float32)
        self.mood = (tracks.sound / SPREAD)[:, _MOOD]
        self.scene_genre = artists.scene_genre.astype(np.int64)
        self.scene_plays = np.bincount(scene, weights=plays, minlength=len(artists.scene_genre))
        self.pools = {
            "scene": by_scene,
            "second_scene": by_scene,
            "genre": _Pool(tracks.genre, len(genre_model().names), plays),
            "popular": _Pool(everywhere, 1, plays**3),
            "chance": _Pool(everywhere, 1, np.ones(len(tracks))),
        }

    def choose(
        self, source: str, tastes: _Tastes, owner: NDArray[np.int64], rng: np.random.Generator
    ) -> NDArray[np.int32]:
        """Choose a track per slot, int32 [m]; ``owner`` [m] is the taste that each slot belongs to."""
        pool = self.pools[source]
        if source in ("popular", "chance"):
            return pool.draw(np.zeros(len(owner), dtype=np.int64), rng)
        group = getattr(tastes, source)[owner]
        drawn = np.stack([pool.draw(group, rng) for _ in range(CANDIDATES)])
        era = (self.year[drawn] - tastes.era[owner]) / np.float32(_ERA_YEARS)
        mood = self.mood[drawn] - tastes.mood[owner]
        distance = era * era + np.einsum("cmd,cmd->cm", mood, mood) * np.float32(0.8)
        chosen: NDArray[np.int32] = drawn[np.argmin(distance, axis=0), np.arange(len(owner))]
        return chosen


def draw_playlists(tracks: Tracks, artists: Artists, rng: np.random.Generator) -> Memberships:
    """Draw the playlists of a catalogue."""
    count = min(MAX_PLAYLISTS, max(20, len(tracks) // ROWS_PER_PLAYLIST))
    listening = _Listening(tracks, artists)
    tastes = _draw_tastes(count, listening, rng)
    chunks = [
        _fill(tastes.take(slice(first, first + _CHUNK)), first, listening, rng)
        for first in range(0, count, _CHUNK)
    ]
    playlist, track, position = (np.concatenate(column) for column in zip(*chunks, strict=True))
    # Drawn sorted by scene; shuffled, so that every part of the file has all kinds of music.
    playlist = rng.permutation(count).astype(np.int32)[playlist]
    order = np.argsort(playlist, kind="stable")
    playlist, track, position = playlist[order], track[order], position[order]
    return Memberships(playlists=count, playlist=playlist, track=track, position=position)


def _draw_tastes(count: int, listening: _Listening, rng: np.random.Generator) -> _Tastes:
    """Draw tastes, sorted by scene for locality of memory access."""
    weights = np.sqrt(listening.scene_plays)
    scene = np.sort(rng.choice(len(weights), size=count, p=weights / weights.sum()))
    exemplar = listening.pools["scene"].draw(scene, rng)
    family = genre_model().family[listening.scene_genre]
    return _Tastes(
        scene=scene,
        second_scene=_second_scene(scene, family, rng),
        genre=listening.scene_genre[scene],
        era=listening.year[exemplar] + rng.normal(0, 2, size=count).astype(np.float32),
        mood=listening.mood[exemplar],
        size=np.clip(rng.lognormal(3.25, 0.45, size=count), MIN_LENGTH, MAX_LENGTH).astype(np.int64),
    )


def _second_scene(
    scene: NDArray[np.int64], family: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw a scene of the same family with probability 2/3, otherwise any scene."""
    order = np.argsort(family, kind="stable")
    bounds = np.searchsorted(family[order], np.arange(int(family.max()) + 2))
    low, high = bounds[family[scene]], bounds[family[scene] + 1]
    near = order[low + (rng.random(len(scene)) * (high - low)).astype(np.int64)]
    return np.where(rng.random(len(scene)) < 2 / 3, near, rng.integers(0, len(family), len(scene)))


def _fill(
    tastes: _Tastes, first: int, listening: _Listening, rng: np.random.Generator
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Draw the entries of these tastes' playlists: playlist, track and position, int32 [m] each."""
    slots = np.ceil(tastes.size * _OVERDRAW).astype(np.int64) + MIN_LENGTH
    owner = np.repeat(np.arange(len(slots)), slots)
    source = rng.choice(len(SOURCES), size=len(owner), p=list(SOURCES.values()))
    track = np.empty(len(owner), dtype=np.int32)
    for number, name in enumerate(SOURCES):
        rows = np.flatnonzero(source == number)
        track[rows] = listening.choose(name, tastes, owner[rows], rng)

    # Drop repeated tracks of a playlist, then tracks beyond its length.
    _, first_use = np.unique(owner * np.int64(len(listening.year)) + track, return_index=True)
    first_use.sort()
    owner, track = owner[first_use], track[first_use]
    position = np.arange(len(owner)) - np.searchsorted(owner, owner)
    keep = position < tastes.size[owner]
    playlist = (owner[keep] + first).astype(np.int32)
    return playlist, track[keep], position[keep].astype(np.int32)
