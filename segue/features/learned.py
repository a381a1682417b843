"""The learned part of the embedding: a metric on what a track is, and vectors of who made it.

A track's standardised columns and popularity, and the mean of its artist's tracks, are mapped into one block
``taste``; the artist's vector from co-listening is the block ``artist``, zero where nothing is known of the
artist. A track that is in no catalogue has no artist: it counts as the only track of its own.
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
# An artist's mean is drawn to the catalogue's as if half a track more stood there.
SHRINKAGE = 0.5


class Learned(BaseModel):
    """What ``transform.json`` keeps of it.

    Attributes
    ----------
    track, artist
        [D + 1][d], from a track's standardised columns and popularity, and from the mean of these over its
        artist's tracks, to the taste block.
    popularity_mean, popularity_scale
        By which popularity is standardised; a missing one stands at the mean.
    artist_width, artist_weight
        Columns of the artist block, and the factor on its vectors, whose length is 1.
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
        """Standardised columns with popularity beside them, float32 [n, D + 1]."""
        column = np.zeros((len(standard), 1), np.float32)
        if popularity is not None:
            column[:, 0] = np.nan_to_num((popularity - self.popularity_mean) / self.popularity_scale)
        return np.concatenate((standard, column), axis=1)

    def embed(self, standard: Floats, popularity: Floats | None = None) -> Floats:
        """Embed tracks of unknown artists, each the only one of its artist, float32 [n, d]."""
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
            float32 [n, D + 1], of `inputs`.
        means
            float32 [a, D + 1], mean of `inputs` over each artist's tracks.
        vectors
            float32 [a, artist_width], of length 1 or 0.
        artist
            int32 [n].

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
        """How far a change of the standardised columns moves a track in the embedding, float32 [n, d]."""
        out = np.zeros((len(change), self.width + self.artist_width), np.float32)
        out[:, : self.width] = change @ _matrix(self.track)[:-1]
        return out

    def importance(self) -> Floats:
        """Length of what a change of 1 in each standardised column adds to the distance, float32 [D]."""
        return np.asarray(np.linalg.norm(_matrix(self.track)[:-1], axis=1), np.float32)


Rows = npt.NDArray[np.int32]


def _matrix(rows: tuple[tuple[float, ...], ...]) -> Floats:
    return np.asarray(rows, np.float32)
