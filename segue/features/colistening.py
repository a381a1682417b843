"""Learn the embedding from co-listening: tracks of the same playlists should be close."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from segue.features.artists import artist_vectors
from segue.features.learned import SHRINKAGE, Learned
from segue.features.metric import discriminant_map

__all__ = ["CoListening", "Entries", "Fit"]

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int32]

TASTE_AXES = 24
ARTIST_AXES = 24
_SEED = 7
_PAIRS = 20_000


@dataclass(frozen=True)
class Entries:
    """Playlist entries: playlist number and catalogue row of each, int32 [m]."""

    playlist: Rows
    track: Rows

    @classmethod
    def of(cls, playlists: pa.Table, split: int) -> Entries:
        """Entries of one split of ``playlists.parquet``; playlists are numbered in the order of their ids."""
        part = playlists.filter(pc.equal(playlists["split"], split))
        ids = part["playlist_id"].combine_chunks().dictionary_encode()
        number = pc.rank(ids.dictionary).to_numpy().astype(np.int32) - 1
        return cls(number[ids.indices.to_numpy()], part["track"].to_numpy().astype(np.int32))

    def take(self, which: npt.NDArray[np.bool_]) -> Entries:
        """Entries where `which` (bool [m]) is true."""
        return Entries(self.playlist[which], self.track[which])

    @property
    def playlists(self) -> Rows:
        """Distinct playlist numbers, ascending."""
        return np.unique(self.playlist)

    def sample(self, limit: int) -> Entries:
        """Random whole playlists with at most `limit` entries together."""
        if len(self.playlist) <= limit:
            return self
        numbers, size = np.unique(self.playlist, return_counts=True)
        order = np.random.default_rng(_SEED).permutation(len(numbers))
        kept = numbers[order[size[order].cumsum() <= limit]]
        return self.take(np.isin(self.playlist, kept))


@dataclass(frozen=True)
class Fit:
    """The result of learning from playlists.

    Attributes
    ----------
    learned
        The learned part of the transform.
    means
        float32 [a, D + 1], mean inputs of each artist's tracks, shrunk.
    vectors
        float32 [a, artist_width], artist vectors.
    """

    learned: Learned
    means: Floats
    vectors: Floats

    def embedding(self, inputs: Floats, artist: Rows) -> Floats:
        """Embedding of the catalogue, float32 [n, d]."""
        return self.learned.embed_catalogue(inputs, self.means, self.vectors, artist)

    def weighted(self, artist_weight: float) -> Fit:
        """Copy with another weight of the artist block; 0 removes the block."""
        if not artist_weight or not self.vectors.shape[1]:
            learned = self.learned.model_copy(update={"artist_width": 0, "artist_weight": 1.0})
            return Fit(learned, self.means, self.vectors[:, :0])
        learned = self.learned.model_copy(update={"artist_weight": artist_weight})
        return Fit(learned, self.means, self.vectors)


@dataclass(frozen=True)
class CoListening:
    """Tracks of a catalogue, to learn their embedding from playlists.

    Attributes
    ----------
    standard
        float32 [n, D], standardised columns.
    popularity
        float32 [n], NaN where missing.
    artist
        int32 [n], artist numbers.
    training
        bool [n], training tracks, which determine the mean and scale of popularity.
    """

    standard: Floats
    popularity: Floats
    artist: Rows
    training: npt.NDArray[np.bool_]

    @cached_property
    def _scale(self) -> tuple[float, float]:
        known = self.popularity[self.training & np.isfinite(self.popularity)].astype(np.float64)
        spread = float(known.std()) if len(known) else 0.0
        return (float(known.mean()) if len(known) else 0.0, spread if spread > 1e-6 else 1.0)

    @cached_property
    def inputs(self) -> Floats:
        """Inputs of the maps: standardised columns and popularity, float32 [n, D + 1]."""
        column = np.nan_to_num((self.popularity - self._scale[0]) / self._scale[1])
        return np.concatenate((self.standard, column[:, None].astype(np.float32)), axis=1)

    @cached_property
    def means(self) -> Floats:
        """Mean inputs of each artist's tracks, shrunk towards the catalogue's mean, float32 [a, D + 1]."""
        count = np.bincount(self.artist)
        total = np.column_stack([np.bincount(self.artist, column) for column in self.inputs.T])
        return (total / (count + SHRINKAGE)[:, None]).astype(np.float32)

    def fit(self, entries: Entries, *, with_metric: bool = True, with_artists: bool = True) -> Fit | None:
        """Learn from playlists; None if they carry no signal.

        Parameters
        ----------
        entries
            The playlists.
        with_metric
            Learn the metric of the taste block; otherwise the block is the standardised columns.
        with_artists
            Use the mean of the artist's tracks, and the artist's vector.
        """
        rows, half = entries.track, self.inputs.shape[1]
        both = np.concatenate((self.inputs[rows], self.means[self.artist[rows]]), axis=1)
        if not with_artists:
            both[:, half:] = 0
        learned = discriminant_map(both, entries.playlist, dimensions=TASTE_AXES)
        if not with_metric:
            learned = np.eye(2 * half, half - 1)
        if not learned.shape[1]:
            return None
        learned /= self._spread(learned)
        count = len(self.means)
        vectors = np.zeros((count, 0), np.float32)
        if with_artists:
            vectors = artist_vectors(
                self.artist[rows], entries.playlist, artists=count, dimensions=ARTIST_AXES
            )
        return Fit(
            Learned(
                track=_as_tuples(learned[:half]),
                artist=_as_tuples(learned[half:]),
                popularity_mean=self._scale[0],
                popularity_scale=self._scale[1],
                artist_width=vectors.shape[1],
                artist_weight=1.0,
            ),
            self.means,
            vectors,
        )

    def _spread(self, learned: npt.NDArray[np.float64]) -> float:
        """Root mean squared distance of random pairs in the taste block: the unit of block weights."""
        pairs = np.random.default_rng(_SEED).integers(0, len(self.inputs), (2, _PAIRS))
        left, right = (
            np.concatenate((self.inputs[rows], self.means[self.artist[rows]]), axis=1) for rows in pairs
        )
        gap = (left - right).astype(np.float64) @ learned
        return float(np.sqrt((gap**2).sum(axis=1).mean())) or 1.0


def _as_tuples(matrix: npt.NDArray[np.float64]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in matrix.astype(np.float32).tolist())
