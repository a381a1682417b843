"""Scenes and artists of the sample: their genres, sound, careers and popularity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from segue.sample.genres import SPREAD, genre_model
from segue.sample.names import artist_names, locale_numbers

__all__ = ["FIRST_YEAR", "LAST_YEAR", "Artists", "draw_artists"]

FIRST_YEAR, LAST_YEAR = 1958, 2024
ROWS_PER_ARTIST = 17
ARTISTS_PER_SCENE = 8


@dataclass(frozen=True, kw_only=True)
class Artists:
    """The a artists, in s scenes.

    Attributes
    ----------
    name
        String [a], unique.
    scene
        int32 [a]. Artists of one scene share listeners, whatever their sound. Scenes are not in the
        catalogue: only the playlists reveal them.
    genre, second_genre
        int16 [a]; equal if the artist has one genre.
    locale
        int8 [a], language of the name and the titles.
    style
        float32 [a, 10], latent offset from the genre's mean.
    drift
        float32 [a, 10], latent change per decade of the career.
    begin, end
        int16 [a], first and last year of the career.
    following
        float32 [a], popularity of the artist, about standardised, with heavy tails.
    output
        float64 [a], expected share of the catalogue's recordings; sums to 1.
    scene_genre
        int16 [s], genre of each scene.
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


def draw_artists(rows: int, rng: np.random.Generator) -> Artists:
    """Draw the artists of a catalogue with this many rows."""
    model = genre_model()
    a = max(40, rows // ROWS_PER_ARTIST)
    s = max(8, a // ARTISTS_PER_SCENE)
    scene_genre = rng.choice(len(model.names), size=s, p=model.share).astype(np.int16)
    scene_begin = model.era[scene_genre] + rng.normal(0, 6, size=s)
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
    )


def _other_genre(genre: NDArray[np.int16], share: float, rng: np.random.Generator) -> NDArray[np.int16]:
    """Replace a share of the genres by others, with probability 0.8 of the same family."""
    model = genre_model()
    moved = rng.choice(len(model.names), size=len(genre), p=model.share).astype(np.int16)
    inside = rng.random(len(genre)) < 0.8
    for family in range(int(model.family.max()) + 1):
        members = np.flatnonzero(model.family == family)
        rows = np.flatnonzero(inside & (model.family[genre] == family))
        weights = model.share[members] / model.share[members].sum()
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
    for g, (names, weights) in enumerate(genre_model().locales):
        rows = np.flatnonzero(genre == g)
        locale[rows] = rng.choice([numbers[name] for name in names], size=len(rows), p=weights)
    return locale
