"""Tracks: recordings over the artists' careers, and re-releases of some of them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from segue.sample.genres import DIMENSIONS, SPREAD, genre_model
from segue.sample.names import draw_titles
from segue.sample.world import FIRST_YEAR, LAST_YEAR, Artists

__all__ = ["Release", "Tracks", "draw_tracks"]

# Latent change of all music per decade: masters got louder, fewer instruments are acoustic.
ERA = dict.fromkeys(DIMENSIONS, 0.0) | {
    "loudness": 0.95,
    "acousticness": -0.32,
    "energy": 0.10,
    "danceability": 0.05,
    "valence": -0.08,
    "duration_ms": -0.035,
    "speechiness": 0.04,
}
_ERA = np.array([ERA[name] for name in DIMENSIONS], dtype=np.float32)
_ERA_ORIGIN = 2002
_RERELEASED = 0.10
_LIVE = 0.02

# Effect of the sound on popularity, for all artists: points per standard deviation.
TASTE = {"danceability": 2.6, "loudness": 2.2, "valence": 0.8, "instrumentalness": -3.2, "liveness": -1.2}
_TASTE = np.array([TASTE.get(name, 0.0) for name in DIMENSIONS], dtype=np.float32)


class Release(IntEnum):
    """Kind of release of a recording."""

    ORIGINAL = 0
    LIVE = 1  # another performance, so another recording
    REMASTER = 2
    EDIT = 3
    FEATURED = 4
    RESPELLED = 5  # the same title in other case or without accents


@dataclass(frozen=True, kw_only=True)
class Tracks:
    """The n rows of the catalogue before they are written.

    Attributes
    ----------
    artist, guest
        int32 [n], row of `Artists`; the guest is named only on featured releases.
    genre, year, popularity
        int16 [n].
    sound
        float32 [n, 10], latent.
    key, mode, time_signature
        int8 [n].
    title_pattern, title_salt
        int16 and uint64 [n], the same for all releases of a recording.
    release
        int8 [n], a `Release`.
    spelling
        uint8 [n], random: selects among the usual notations of a release.
    """

    artist: NDArray[np.int32]
    guest: NDArray[np.int32]
    genre: NDArray[np.int16]
    year: NDArray[np.int16]
    popularity: NDArray[np.int16]
    sound: NDArray[np.float32]
    key: NDArray[np.int8]
    mode: NDArray[np.int8]
    time_signature: NDArray[np.int8]
    title_pattern: NDArray[np.int16]
    title_salt: NDArray[np.uint64]
    release: NDArray[np.int8]
    spelling: NDArray[np.uint8]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.artist)

    def take(self, rows: NDArray[np.int64] | slice) -> Tracks:
        """Select rows."""
        return Tracks(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def draw_tracks(rows: int, artists: Artists, rng: np.random.Generator) -> Tracks:
    """Draw the catalogue's rows in random order, re-releases among them."""
    originals = rows - int(rows * _RERELEASED)
    source = np.concatenate([np.arange(originals), rng.integers(0, originals, size=rows - originals)])
    release = np.zeros(rows, dtype=np.int8)
    release[:originals] = np.where(rng.random(originals) < _LIVE, Release.LIVE, Release.ORIGINAL)
    kinds = [Release.REMASTER, Release.EDIT, Release.FEATURED, Release.RESPELLED]
    release[originals:] = rng.choice(kinds, size=rows - originals, p=[0.45, 0.25, 0.15, 0.15])

    artist = rng.choice(len(artists.scene), size=originals, p=artists.output).astype(np.int32)
    genre = np.where(rng.random(originals) < 0.7, artists.genre[artist], artists.second_genre[artist])
    year = _years(artist, artists, rng)
    sound = _sound(artist, genre, year, artists, rng)
    popularity = _popularity(artist, genre, year, sound, artists, rng=rng)
    pattern, salt = draw_titles(artists.locale[artist], rng)
    mode = (rng.random(originals) < 0.55 + 0.25 / (1 + np.exp(-sound[:, 3]))).astype(np.int8)
    base = Tracks(
        artist=artist,
        guest=rng.integers(0, len(artists.scene), size=originals, dtype=np.int32),
        genre=genre,
        year=year,
        popularity=np.zeros(originals, dtype=np.int16),
        sound=sound,
        key=rng.choice(12, size=originals, p=_KEYS).astype(np.int8),
        mode=mode,
        time_signature=rng.choice([4, 3, 5, 1], size=originals, p=[0.89, 0.08, 0.015, 0.015]).astype(np.int8),
        title_pattern=pattern,
        title_salt=salt,
        release=release[:originals],
        spelling=rng.integers(0, 256, size=originals, dtype=np.uint8),
    ).take(source)
    return _release(base, release, popularity[source], rng).take(rng.permutation(rows))


# C, G and D are most frequent, as in music for guitar and piano.
_KEYS = np.array([0.12, 0.10, 0.11, 0.035, 0.075, 0.085, 0.075, 0.11, 0.07, 0.095, 0.06, 0.065])


def _years(artist: NDArray[np.int32], artists: Artists, rng: np.random.Generator) -> NDArray[np.int16]:
    begin, end = artists.begin[artist], artists.end[artist]
    year = begin + (end - begin) * rng.beta(1.1, 1.3, size=len(artist))
    return np.clip(np.round(year), FIRST_YEAR, LAST_YEAR).astype(np.int16)


def _sound(
    artist: NDArray[np.int32],
    genre: NDArray[np.int16],
    year: NDArray[np.int16],
    artists: Artists,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    model = genre_model()
    n = len(artist)
    sound = model.mean[genre] + artists.style[artist]
    decades = ((year - artists.begin[artist]) / 10).astype(np.float32)
    sound += artists.drift[artist] * decades[:, None]
    sound += _ERA * ((year - _ERA_ORIGIN) / 10).astype(np.float32)[:, None]
    for direction in range(3):
        strength = rng.standard_normal(n, dtype=np.float32) * np.float32(0.75)
        sound += model.loadings[genre, direction] * strength[:, None]
    sound += rng.standard_normal((n, len(SPREAD)), dtype=np.float32) * (SPREAD * np.float32(0.6))
    return sound


def _popularity(
    artist: NDArray[np.int32],
    genre: NDArray[np.int16],
    year: NDArray[np.int16],
    sound: NDArray[np.float32],
    artists: Artists,
    *,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Popularity before rounding.

    Sound, genre and year explain about two fifths of the variance, the artist's following a quarter.
    """
    model = genre_model()
    typical = model.mean.mean(axis=0)
    liked = np.clip((sound - typical) / SPREAD, -2.5, 2.5) * _TASTE
    minutes = np.exp(sound[:, 9]) / 60_000
    recent = np.clip((year - 1996) / 14, -2.0, 2.0)
    points = 32 + 0.55 * model.appeal[genre] + 5.0 * recent
    points += liked.sum(axis=1) - 2.0 * np.abs(minutes - 3.4)
    points += 10.0 * artists.following[artist]
    return np.asarray(points + rng.normal(0, 11.0, size=len(artist)))


def _release(
    base: Tracks, release: NDArray[np.int8], points: NDArray[np.float64], rng: np.random.Generator
) -> Tracks:
    """Turn copies of recordings into re-releases: later, louder, shorter or less popular."""
    n = len(base)
    year, sound, points = base.year.copy(), base.sound.copy(), points.copy()
    rerelease = release >= Release.REMASTER
    sound[rerelease] += rng.normal(0, 0.06, size=(int(rerelease.sum()), len(SPREAD))) * SPREAD
    points[rerelease] += rng.normal(-7, 6, size=int(rerelease.sum()))

    remaster = release == Release.REMASTER
    later = year + 8 + rng.integers(0, 24, size=n)
    year = np.where(remaster, np.minimum(later, LAST_YEAR), year).astype(np.int16)
    sound[remaster, DIMENSIONS.index("loudness")] += 2.2
    sound[release == Release.EDIT, DIMENSIONS.index("duration_ms")] -= 0.22
    sound[release == Release.LIVE, DIMENSIONS.index("liveness")] += 2.4
    return Tracks(
        **{field.name: getattr(base, field.name) for field in fields(base)}
        | {
            "year": year,
            "sound": sound,
            "release": release,
            "popularity": np.clip(np.round(points), 0, 100).astype(np.int16),
        }
    )
