"""The learned part of the embedding: the block ``taste``, a learned metric, and the block ``artist``.

``taste`` is a linear map of a track's standardised columns and popularity, and of their mean over its
artist's tracks. ``artist`` is the artist's vector from co-listening, zero if the artist has none. A track
outside the catalogue is embedded as the only track of an unknown artist.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from segue.bundle.definition import Block

__all__ = ["ARTIST", "TASTE", "Learned"]

Floats = npt.NDArray[np.float32]

TASTE = "taste"
ARTIST = "artist"
# An artist's mean is shrunk towards the catalogue's, as if the artist had half a track more, at that mean.
SHRINKAGE = 0.5


class Learned(BaseModel):
    """Parameters of the learned part, in ``transform.json``.

    Attributes
    ----------
    track, artist
        [D + 1][d], linear maps to the taste block: of a track's standardised columns and popularity, and of
        the mean of these over its artist's tracks.
    popularity_mean, popularity_scale
        Standardise popularity; a missing one is replaced by the mean.
    artist_width, artist_weight
        Columns of the artist block, and the factor on its unit vectors.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    track: tuple[tuple[float, ...], ...]
    artist: tuple[tuple[float, ...], ...]
    popularity_mean: float
    popularity_scale: float
    artist_width: int
    artist_weight: float

    @property
    def width(self) -> int:
        """Columns of the taste block."""
        return len(self.track[0])

    @property
    def blocks(self) -> list[Block]:
        """Blocks of the embedding, in order."""
        blocks = [Block(name=TASTE, start=0, width=self.width, weight=1.0)]
        if self.artist_width:
            blocks.append(
                Block(name=ARTIST, start=self.width, width=self.artist_width, weight=self.artist_weight)
            )
        return blocks

    def inputs(self, standard: Floats, popularity: Floats | None) -> Floats:
        """Standardised columns and popularity, float32 [n, D + 1]."""
        column = np.zeros((len(standard), 1), np.float32)
        if popularity is not None:
            column[:, 0] = np.nan_to_num((popularity - self.popularity_mean) / self.popularity_scale)
        return np.concatenate((standard, column), axis=1)

    def embed(self, standard: Floats, popularity: Floats | None = None) -> Floats:
        """Embed tracks, each as the only one of an unknown artist, float32 [n, d]."""
        inputs = self.inputs(standard, popularity)
        out = np.zeros((len(inputs), self.width + self.artist_width), np.float32)
        out[:, : self.width] = inputs @ _matrix(self.track)
        out[:, : self.width] += (inputs / np.float32(1 + SHRINKAGE)) @ _matrix(self.artist)
        return out

    def embed_catalogue(self, inputs: Floats, means: Floats, vectors: Floats, artist: Rows) -> Floats:
        """Embed the tracks of a catalogue.

        Parameters
        ----------
        inputs
            float32 [n, D + 1], see `inputs`.
        means
            float32 [a, D + 1], shrunk mean inputs of each artist's tracks.
        vectors
            float32 [a, artist_width], unit vectors or zeros.
        artist
            int32 [n], artist numbers.

        Returns
        -------
        float32 [n, d]
        """
        out = np.empty((len(inputs), self.width + self.artist_width), np.float32)
        out[:, : self.width] = inputs @ _matrix(self.track)
        out[:, : self.width] += (means @ _matrix(self.artist))[artist]
        if self.artist_width:
            out[:, self.width :] = (vectors * np.float32(self.artist_weight))[artist]
        return out

    def move(self, change: Floats) -> Floats:
        """Change of the embedding for a change of the standardised columns, float32 [n, d]."""
        out = np.zeros((len(change), self.width + self.artist_width), np.float32)
        out[:, : self.width] = change @ _matrix(self.track)[:-1]
        return out

    def importance(self) -> Floats:
        """Distance in the embedding that a change of 1 in each standardised column causes, float32 [D]."""
        return np.asarray(np.linalg.norm(_matrix(self.track)[:-1], axis=1), np.float32)


Rows = npt.NDArray[np.int32]


def _matrix(rows: tuple[tuple[float, ...], ...]) -> Floats:
    return np.asarray(rows, np.float32)
