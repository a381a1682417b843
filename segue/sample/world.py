"""Scenes and artists: who makes music in the sample, how it sounds, when, and who listens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from segue.sample.genres import SPREAD, genres
from segue.sample.names import artist_names, locale_numbers

__all__ = ["FIRST_YEAR", "LAST_YEAR", "Artists", "draw_artists"]

FIRST_YEAR, LAST_YEAR = 1958, 2024
ROWS_PER_ARTIST = 17
ARTISTS_PER_SCENE = 8


@dataclass(frozen=True, kw_only=True)
class Artists:
    """The artists; a is their number.

    Attributes
    ----------
    name
        String [a], each once.
    scene
        int32 [a]. Artists of one scene share listeners, whatever they sound like: no column of the
        catalogue says so, it shows in the playlists alone.
    genre, second_genre
        int16 [a]; equal where the artist works in one genre.
    locale
        int8 [a], language of the titles.
    style
        float32 [a, 10], latent offset from the genre's mean.
    drift
        float32 [a, 10], latent change over a decade of career.
    begin, end
        int16 [a], active years.
    following
        float32 [a], standardised, with a heavy upper tail.
    output
        float64 [a], expected share of the catalogue's recordings, sums to 1.
    scene_genre, scene_begin
        int16 [s] and float64 [s], of each scene.
    """

    name: pa.StringArray
    scene: NDArray[np.int32]
    genre: NDArray[np.int16]
    second_genre: NDArray[np.int16]
    locale: NDArray[np.int8]
    style: NDArray[np.float32]
    drift: NDArray[np.float32]
    begin: NDArray[np.int16]
    end: NDArray[np.int16]
    following: NDArray[np.float32]
    output: NDArray[np.float64]
    scene_genre: NDArray[np.int16]
    scene_begin: NDArray[np.float64]


def draw_artists(rows: int, rng: np.random.Generator) -> Artists:
    """Draw the artists of a catalogue of this many rows."""
    world = genres()
    a = max(40, rows // ROWS_PER_ARTIST)
    s = max(8, a // ARTISTS_PER_SCENE)
    scene_genre = rng.choice(len(world.names), size=s, p=world.share).astype(np.int16)
    scene_begin = world.era[scene_genre] + rng.normal(0, 6, size=s)
    scene_style = rng.normal(0, 0.25, size=(s, 10)).astype(np.float32) * SPREAD

    scene = rng.integers(0, s, size=a, dtype=np.int32)
    genre = _other_genre(scene_genre[scene], 0.30, rng)
    second = _other_genre(genre, 1.0, rng)
    begin, end = _career(scene_begin[scene], rng)
    locale = _locales(genre, rng)
    heavy = rng.standard_t(5, size=a) * 0.75
    output = np.exp(rng.normal(0, 0.95, size=a) + 0.20 * heavy)
    return Artists(
        name=artist_names(locale, rng),
        scene=scene,
        genre=genre,
        second_genre=np.where(rng.random(a) < 0.15, second, genre).astype(np.int16),
        locale=locale,
        style=scene_style[scene] + rng.normal(0, 0.32, size=(a, 10)).astype(np.float32) * SPREAD,
        drift=rng.normal(0, 0.20, size=(a, 10)).astype(np.float32) * SPREAD,
        begin=begin,
        end=end,
        following=heavy.astype(np.float32),
        output=output / output.sum(),
        scene_genre=scene_genre,
        scene_begin=scene_begin,
    )


def _other_genre(genre: NDArray[np.int16], share: float, rng: np.random.Generator) -> NDArray[np.int16]:
    """Move a share of the rows to another genre, four times in five within the family."""
    world = genres()
    moved = rng.choice(len(world.names), size=len(genre), p=world.share).astype(np.int16)
    inside = rng.random(len(genre)) < 0.8
    for family in range(int(world.family.max()) + 1):
        members = np.flatnonzero(world.family == family)
        rows = np.flatnonzero(inside & (world.family[genre] == family))
        weights = world.share[members] / world.share[members].sum()
        moved[rows] = rng.choice(members, size=len(rows), p=weights)
    return np.where(rng.random(len(genre)) < share, moved, genre).astype(np.int16)


def _career(
    scene_begin: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    begin = np.clip(scene_begin + rng.normal(0, 4, size=len(scene_begin)), FIRST_YEAR, LAST_YEAR - 1)
    length = np.minimum(rng.gamma(1.6, 7.0, size=len(begin)) + 1, 50)
    return begin.astype(np.int16), np.minimum(begin + length, LAST_YEAR).astype(np.int16)


def _locales(genre: NDArray[np.int16], rng: np.random.Generator) -> NDArray[np.int8]:
    numbers = locale_numbers()
    locale = np.zeros(len(genre), dtype=np.int8)
    for g, (names, weights) in enumerate(genres().locales):
        rows = np.flatnonzero(genre == g)
        locale[rows] = rng.choice([numbers[name] for name in names], size=len(rows), p=weights)
    return locale
