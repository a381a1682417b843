"""The genres of the sample: families with a mean sound, and genres that vary around their family's.

Genres do not depend on the sample's seed, so that bundles trained on samples with different seeds can be
compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["DIMENSIONS", "SPREAD", "Family", "GenreModel", "genre_model", "to_natural"]

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
    """A family of genres: mean sound in natural units, peak year, popularity, languages and genres."""

    sound: tuple[float, ...]
    era: int
    appeal: float
    locales: str
    members: str


# sound: the ten dimensions above, duration in minutes. appeal: points of popularity.
# locales: languages of its artists, with weights. members: genre names, with weights.
FAMILIES: dict[str, Family] = {
    "pop": Family(
        (0.66, 0.66, 0.07, 0.22, 0.002, 0.16, 0.55, -6.0, 118, 3.5),
        2013,
        13,
        "en:8 es:1 fr:1 sv:1",
        "pop:9 dance:8 indie-pop:3 pop-film:2 power-pop:1",
    ),
    "rock": Family(
        (0.52, 0.74, 0.05, 0.10, 0.01, 0.19, 0.50, -6.8, 124, 4.0),
        1994,
        6,
        "en:10 fr:1 de:1",
        "alt-rock:5 rock:4 hard-rock:3 psych-rock:2 rock-n-roll:2 goth:2 garage:2 guitar:2",
    ),
    "metal": Family(
        (0.38, 0.92, 0.09, 0.004, 0.15, 0.22, 0.27, -5.2, 126, 4.6),
        2006,
        -4,
        "en:8 de:1 sv:2",
        "metal:3 death-metal:3 black-metal:3 heavy-metal:2 metalcore:2 grindcore:2 industrial:2 hardcore:2",
    ),
    "punk": Family(
        (0.46, 0.88, 0.08, 0.02, 0.005, 0.24, 0.52, -5.2, 140, 2.9),
        2003,
        1,
        "en:1",
        "punk:2 punk-rock:2 emo:4 ska:2",
    ),
    "hip-hop": Family(
        (0.74, 0.66, 0.22, 0.16, 0.002, 0.19, 0.50, -6.4, 112, 3.4),
        2014,
        10,
        "en:8 fr:1 de:1 es:1",
        "hip-hop:8 rap:4 trip-hop:2 groove:2",
    ),
    "soul": Family(
        (0.66, 0.55, 0.07, 0.30, 0.004, 0.15, 0.62, -8.5, 108, 4.0),
        1988,
        2,
        "en:1",
        "soul:3 funk:3 r-n-b:3 disco:2 gospel:3",
    ),
    "house": Family(
        (0.74, 0.78, 0.06, 0.03, 0.45, 0.15, 0.50, -7.2, 125, 5.2),
        2012,
        -1,
        "en:6 de:1 sv:1 fr:1",
        "house:3 deep-house:3 progressive-house:2 chicago-house:1 edm:4 electro:4 club:2 electronic:3",
    ),
    "techno": Family(
        (0.68, 0.80, 0.06, 0.02, 0.75, 0.13, 0.25, -8.4, 130, 6.2),
        2013,
        -9,
        "en:4 de:4",
        "techno:3 minimal-techno:3 detroit-techno:1 trance:3 hardstyle:2",
    ),
    "bass": Family(
        (0.58, 0.84, 0.09, 0.02, 0.45, 0.20, 0.32, -5.4, 160, 4.3),
        2012,
        -4,
        "en:1",
        "drum-and-bass:3 dubstep:2 dub:2 breakbeat:2",
    ),
    "jazz": Family(
        (0.52, 0.38, 0.05, 0.70, 0.20, 0.16, 0.52, -11.5, 112, 4.5),
        1978,
        -5,
        "en:8 fr:1 sv:1",
        "jazz:4 blues:3",
    ),
    "classical": Family(
        (0.33, 0.18, 0.045, 0.93, 0.75, 0.13, 0.22, -20.0, 104, 4.2),
        1996,
        -8,
        "classic:8 de:1 ru:1",
        "classical:5 piano:3 opera:3",
    ),
    "ambient": Family(
        (0.35, 0.25, 0.045, 0.75, 0.85, 0.12, 0.15, -19.0, 98, 3.8),
        2014,
        -6,
        "en:1",
        "ambient:4 new-age:3 sleep:3 chill:2",
    ),
    "folk": Family(
        (0.53, 0.42, 0.04, 0.58, 0.01, 0.14, 0.46, -9.5, 116, 3.7),
        2005,
        3,
        "en:8 fr:1 sv:1",
        "folk:3 acoustic:3 singer-songwriter:3 sad:2 country:4",
    ),
    "latin": Family(
        (0.68, 0.70, 0.07, 0.30, 0.001, 0.17, 0.70, -6.5, 118, 3.7),
        2008,
        4,
        "es:1",
        "latin:2 salsa:2 spanish:3 tango:2 reggaeton:3",
    ),
    "brazil": Family(
        (0.63, 0.68, 0.06, 0.42, 0.002, 0.25, 0.68, -7.0, 124, 3.4),
        2010,
        1,
        "pt:1",
        "sertanejo:3 forro:3 samba:3",
    ),
    "reggae": Family(
        (0.74, 0.66, 0.12, 0.15, 0.01, 0.16, 0.70, -6.5, 110, 3.8),
        2002,
        -2,
        "en:1",
        "dancehall:3 reggae:2 afrobeat:2",
    ),
    "asian": Family(
        (0.58, 0.72, 0.07, 0.22, 0.002, 0.17, 0.48, -5.5, 120, 3.9),
        2014,
        5,
        "ko:5 ja:3 zh:3",
        "k-pop:4 j-pop:2 cantopop:2 mandopop:1",
    ),
    "world": Family(
        (0.58, 0.62, 0.06, 0.38, 0.02, 0.16, 0.54, -8.0, 112, 4.3),
        2010,
        -3,
        "fr:2 de:2 sv:2 ru:2 tr:2 ar:1 he:1",
        "french:3 german:3 swedish:2 russian:2 turkish:2 arabic:1",
    ),
    "spoken": Family(
        (0.58, 0.60, 0.75, 0.75, 0.00001, 0.55, 0.45, -11.0, 100, 3.2),
        2010,
        -14,
        "en:5 de:1",
        "comedy:1",
    ),
    "stage": Family(
        (0.48, 0.42, 0.08, 0.65, 0.01, 0.18, 0.42, -10.5, 112, 3.6),
        1999,
        -3,
        "en:1",
        "show-tunes:3 romance:1 indian:2",
    ),
}


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


def _locales(text: str) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    pairs = [part.split(":") for part in text.split()]
    weights = np.array([float(weight) for _, weight in pairs])
    return tuple(name for name, _ in pairs), weights / weights.sum()


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
    members = [
        (name, float(weight), number, family)
        for number, family in enumerate(FAMILIES.values())
        for name, weight in (part.split(":") for part in family.members.split())
    ]
    g = len(members)
    rng = np.random.default_rng(_SEED)
    share = np.array([weight for _, weight, *_ in members])
    mean = np.stack([_latent(family.sound) for *_, family in members])
    scale = rng.uniform(0.65, 1.25, size=(g, 3, 1)).astype(np.float32)
    return GenreModel(
        names=tuple(name for name, *_ in members),
        family=np.array([number for _, _, number, _ in members]),
        share=share / share.sum(),
        mean=mean + rng.normal(0, 0.65, size=mean.shape).astype(np.float32) * SPREAD,
        loadings=LOADINGS * scale * SPREAD,
        era=np.array([family.era for *_, family in members]) + rng.normal(0, 3, size=g),
        appeal=np.array([family.appeal for *_, family in members]) + rng.normal(0, 5, size=g),
        locales=tuple(_locales(family.locales) for *_, family in members),
    )
