"""The genres of the sample: families with a mean sound, and genres that vary around their family's.

Genres do not depend on the sample's seed, so that bundles trained on samples with different seeds can be
compared.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["DIMENSIONS", "SPREAD", "GenreModel", "genre_model", "to_natural"]

# Dimensions of the latent sound: shares as logits, loudness in dB, tempo and duration as logarithms.
DIMENSIONS = (
    "danceability",
    "energy",
    "speechiness",
    "acousticness",
    "instrumentalness",
    "liveness",
    "valence",
    "loudness",
    "tempo",
    "duration_ms",
)
# Standard deviation within a genre, per dimension; of the order of magnitude of public catalogues.
SPREAD = np.array([0.55, 0.80, 0.60, 1.30, 2.40, 0.65, 0.80, 2.0, 0.20, 0.24], dtype=np.float32)

# Factor loadings of the covariance within a genre: intensity, groove and vocals.
LOADINGS = np.array(
    [
        [0.05, 0.60, 0.05, -0.62, -0.10, 0.15, 0.15, 0.72, 0.20, 0.00],
        [0.70, 0.10, 0.15, -0.10, -0.15, -0.10, 0.62, 0.10, -0.25, -0.20],
        [0.15, 0.05, 0.60, 0.05, -0.65, 0.15, 0.10, 0.15, 0.00, -0.20],
    ],
    dtype=np.float32,
)

_SEED = 1969


class Family(NamedTuple):
    """A row of ``genres.csv``: a family of genres.

    Attributes
    ----------
    sound
        Mean sound, in the order of `DIMENSIONS`, in natural units; the duration in minutes.
    era
        Mean year in which its artists' careers begin.
    appeal
        Points of popularity above the average genre.
    locales
        Languages of its artists, with weights.
    genres
        Names of its genres, with weights.
    """

    sound: tuple[float, ...]
    era: int
    appeal: float
    locales: dict[str, float]
    genres: dict[str, float]


def _families() -> list[Family]:
    text = resources.files(__package__).joinpath("genres.csv").read_text(encoding="utf-8")
    return [
        Family(tuple(map(float, sound)), int(era), float(appeal), _weights(locales), _weights(genres))
        for _, *sound, era, appeal, locales, genres in list(csv.reader(text.splitlines()))[1:]
    ]


def _weights(text: str) -> dict[str, float]:
    return {name: float(weight) for name, weight in (part.split(":") for part in text.split())}


def _latent(sound: tuple[float, ...]) -> NDArray[np.float32]:
    shares = np.array(sound[:7])
    rest = [sound[7], np.log(sound[8]), np.log(sound[9] * 60_000)]
    return np.concatenate([np.log(shares / (1 - shares)), rest]).astype(np.float32)


def to_natural(latent: NDArray[np.float32]) -> NDArray[np.float64]:
    """Convert latent sound, float32 [n, 10], to natural units, float64 [n, 10]: shares, dB, BPM, ms."""
    natural = latent.astype(np.float64)
    natural[:, :7] = 1.0 / (1.0 + np.exp(-natural[:, :7]))
    natural[:, 7] = np.clip(natural[:, 7], -55.0, 2.5)
    natural[:, 8] = np.clip(np.exp(natural[:, 8]), 42.0, 236.0)
    natural[:, 9] = np.clip(np.exp(natural[:, 9]), 31_000.0, 3_600_000.0)
    return natural


@dataclass(frozen=True, kw_only=True)
class GenreModel:
    """Parameters of the g genres.

    Attributes
    ----------
    names
        Name of each genre, as written to the catalogue.
    family
        int64 [g], number of its family.
    share
        float64 [g], share of all artists; sums to 1.
    mean
        float32 [g, 10], mean latent sound.
    loadings
        float32 [g, 3, 10], latent units: the covariance within a genre is ``loadings.T @ loadings``
        plus independent noise.
    era
        float64 [g], mean year in which its artists' careers begin.
    appeal
        float64 [g], points of popularity above the average genre.
    locales
        For each genre, the locales of its artists and their probabilities.
    """

    names: tuple[str, ...]
    family: NDArray[np.int64]
    share: NDArray[np.float64]
    mean: NDArray[np.float32]
    loadings: NDArray[np.float32]
    era: NDArray[np.float64]
    appeal: NDArray[np.float64]
    locales: tuple[tuple[tuple[str, ...], NDArray[np.float64]], ...]


@cache
def genre_model() -> GenreModel:
    """Build the genres; deterministic."""
    families = _families()
    members = [
        (name, weight, number)
        for number, family in enumerate(families)
        for name, weight in family.genres.items()
    ]
    names, weights, numbers = zip(*members, strict=True)
    of = [families[number] for number in numbers]
    g = len(members)
    rng = np.random.default_rng(_SEED)
    mean = np.stack([_latent(family.sound) for family in of])
    scale = rng.uniform(0.65, 1.25, size=(g, 3, 1)).astype(np.float32)
    return GenreModel(
        names=names,
        family=np.array(numbers),
        share=np.array(weights) / sum(weights),
        mean=mean + rng.normal(0, 0.65, size=mean.shape).astype(np.float32) * SPREAD,
        loadings=LOADINGS * scale * SPREAD,
        era=np.array([family.era for family in of]) + rng.normal(0, 3, size=g),
        appeal=np.array([family.appeal for family in of]) + rng.normal(0, 5, size=g),
        locales=tuple(
            (tuple(family.locales), np.array(list(family.locales.values())) / sum(family.locales.values()))
            for family in of
        ),
    )
