"""The feature transform: raw columns → features (inputs of the boosters) → embedding (indexed for retrieval).

Features are the unscaled canonical values: trees need no scaling, and a filter such as
``min: {"energy": 0.4}`` reads the same matrix. For the embedding, every term is standardised (otherwise
``duration_ms`` would dominate the distance), skewed ones after a logarithm; the key is placed on the circle
of fifths, the tempo on a circle per octave, and a genre at the mean sound of its tracks. A missing value is
replaced by the mean. If a metric was learned from co-listening (`segue.features.learned`), it maps these
columns to the embedding.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from segue.bundle.definition import Block
from segue.catalog.columns import OPTIONAL_SOUND, SOUND
from segue.errors import RequestError
from segue.features.learned import Learned

__all__ = ["FEATURES", "GENRE", "FeatureTransform", "GenreBlock", "Term"]

Floats = npt.NDArray[np.float32]

GENRE = "genre"
# Columns of features.npy, in order. `genre` is an index into the transform's vocabulary.
FEATURES: tuple[str, ...] = (*SOUND, *OPTIONAL_SOUND, "year", "explicit", GENRE)
# Standardised values are clipped at this many standard deviations.
CLIP = 4.0


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Term(_Frozen):
    """One or two columns of the embedding that come from one feature.

    Attributes
    ----------
    feature
        Name of the column of features.npy.
    kind
        ``linear``: x. ``log``: ln(x + offset). ``circle``: cosine and sine of 2π · (7 x mod 12) / 12, the
        angle of a key on the circle of fifths. ``octave``: cosine and sine of 2π · log2(x), so that 70 and
        140 BPM coincide. Each is then standardised: (column - mean) / scale.
    block
        Block of the embedding that the term belongs to.
    weight
        Factor on the standardised columns.
    offset
        Added before the logarithm, so that 0 stays finite.
    mean, scale
        Mean and standard deviation of each column, over the training tracks that have the value.
    """

    feature: str
    kind: Literal["linear", "log", "circle", "octave"]
    block: str = "sound"
    weight: float = 1.0
    offset: float = 0.0
    mean: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()

    @property
    def width(self) -> int:
        """Number of columns."""
        return 2 if self.kind in ("circle", "octave") else 1

    def raw(self, values: Floats) -> npt.NDArray[np.float64]:
        """Columns before standardisation, float64 [n, width]; NaN where the value is missing."""
        x = values.astype(np.float64)
        if self.kind == "circle":
            angle = 2 * math.pi * np.mod(7 * x, 12) / 12
            return np.column_stack((np.cos(angle), np.sin(angle)))
        if self.kind == "octave":
            angle = 2 * math.pi * np.log2(np.maximum(x, 1e-3))
            return np.column_stack((np.cos(angle), np.sin(angle)))
        if self.kind == "log":
            x = np.log(np.maximum(x, 0) + self.offset)
        return x[:, None]

    def columns(self, values: Floats) -> Floats:
        """Standardised, clipped and weighted columns, float32 [n, width]; 0 where the value is missing."""
        scaled = (self.raw(values) - np.asarray(self.mean)) / np.asarray(self.scale)
        columns: Floats = (np.nan_to_num(np.clip(scaled, -CLIP, CLIP)) * self.weight).astype(np.float32)
        return columns


class GenreBlock(_Frozen):
    """Genres as points: the mean sound of their tracks, on a few principal axes."""

    weight: float
    points: tuple[tuple[float, ...], ...]

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.points[0]) if self.points else 0

    def columns(self, codes: Floats) -> Floats:
        """Weighted points of genre codes, float32 [n, width]; 0 where the genre is missing."""
        table = np.vstack((np.asarray(self.points, np.float32), np.zeros((1, self.width), np.float32)))
        known = np.isfinite(codes)
        return table[np.where(known, codes, len(self.points)).astype(np.intp)] * np.float32(self.weight)


class FeatureTransform(_Frozen):
    """``transform.json``: the parameters that embed a track, also one outside the catalogue.

    Attributes
    ----------
    features
        Names of the columns of features.npy, in order.
    genres
        Vocabulary; code i is ``genres[i]``. Other genres are treated as missing.
    terms
        Columns of the embedding that come from one feature each, grouped by block.
    genre
        The genre block; None if the catalogue has too few genres.
    learned
        The part learned from co-listening; None if the standardised columns are the embedding.
    """

    features: tuple[str, ...]
    genres: tuple[str, ...]
    terms: tuple[Term, ...]
    genre: GenreBlock | None = None
    learned: Learned | None = None

    @property
    def blocks(self) -> list[Block]:
        """Blocks of the embedding, in order."""
        return self.learned.blocks if self.learned else self.standard_blocks

    @property
    def standard_blocks(self) -> list[Block]:
        """Blocks of the standardised columns, in order."""
        blocks: list[Block] = []
        start = 0
        for name in dict.fromkeys(term.block for term in self.terms):
            width = sum(term.width for term in self.terms if term.block == name)
            blocks.append(Block(name=name, start=start, width=width, weight=1.0))
            start += width
        if self.genre is not None:
            blocks.append(Block(name=GENRE, start=start, width=self.genre.width, weight=self.genre.weight))
        return blocks

    @property
    def dimensions(self) -> int:
        """Width d of the embedding."""
        return sum(block.width for block in self.blocks)

    @property
    def standard_width(self) -> int:
        """Number of standardised columns."""
        return sum(block.width for block in self.standard_blocks)

    def column_features(self) -> list[str]:
        """The feature of each standardised column."""
        names = [term.feature for term in self.terms for _ in range(term.width)]
        return names + [GENRE] * (self.genre.width if self.genre else 0)

    def embed(self, features: Floats) -> Floats:
        """Embed tracks from their features only, float32 [n, f], NaN where missing: float32 [n, d]."""
        standard = self.standardise(features)
        return self.learned.embed(standard) if self.learned else standard

    def move(self, change: Floats) -> Floats:
        """Change of the embedding for a change of the standardised columns, float32 [n, d]."""
        return self.learned.move(change) if self.learned else change

    def standardise(self, features: Floats, *, chunk: int = 65_536) -> Floats:
        """Standardise, float32 [n, standard_width]; `chunk` rows at a time, to limit memory."""
        out = np.empty((len(features), self.standard_width), np.float32)
        position = {name: i for i, name in enumerate(self.features)}
        for low in range(0, len(features), chunk):
            part = features[low : low + chunk]
            start = 0
            for term in self.terms:
                out[low : low + chunk, start : start + term.width] = term.columns(
                    part[:, position[term.feature]]
                )
                start += term.width
            if self.genre is not None:
                out[low : low + chunk, start:] = self.genre.columns(part[:, position[GENRE]])
        return out

    def genre_code(self, genre: str) -> float:
        """Code of a genre name, NaN if it is not in the vocabulary."""
        try:
            return float(self.genres.index(genre.strip().lower()))
        except ValueError:
            return math.nan

    def row(self, values: Mapping[str, bool | float | str | None], *, field: str = "features") -> Floats:
        """Features of one track from values by name, float32 [f]; the others are missing (NaN).

        Raises
        ------
        RequestError
            A name is not a feature, or a value is not a number.
        """
        row = np.full(len(self.features), np.nan, np.float32)
        for name, value in values.items():
            if name not in self.features:
                raise RequestError(f"{field}.{name}", f"is not a feature; expected one of {self.features}")
            if value is None:
                continue
            if name == GENRE:
                row[self.features.index(name)] = self.genre_code(str(value))
            elif isinstance(value, str) or not math.isfinite(value):
                raise RequestError(f"{field}.{name}", f"expected a number, got {value!r}")
            else:
                row[self.features.index(name)] = value
        return row
