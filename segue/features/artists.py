"""Artist vectors from co-listening: artists who share playlists more often than by chance are close.

A factorisation of the positive pointwise mutual information (PMI) of artists in playlists (Levy and Goldberg,
NIPS 2014, who show that word2vec does so implicitly). As there, context counts are smoothed with the exponent
0.75, because rare pairs have a large PMI by chance.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["artist_vectors"]

Floats = npt.NDArray[np.float32]

_SMOOTHING = 0.75
_SEED = 7
# The solver needs a matrix much larger than the number of axes.
_ARTISTS_PER_AXIS = 3


def artist_vectors(
    artist: npt.NDArray[np.integer], playlist: npt.NDArray[np.integer], *, artists: int, dimensions: int
) -> Floats:
    """Learn a vector for every artist who shares a playlist with another.

    Parameters
    ----------
    artist, playlist
        int [m], artist and playlist number of each playlist entry.
    artists
        Number a of artists in the catalogue.
    dimensions
        Largest number of axes to keep.

    Returns
    -------
    float32 [a, d], d ≤ `dimensions`, unit vectors, or zeros for an artist in no shared playlist; d is 0 if
    too few artists share playlists.
    """
    from scipy.sparse.linalg import eigsh

    known, index = np.unique(artist, return_inverse=True)
    width = min(dimensions, len(known) // _ARTISTS_PER_AXIS)
    if width < 1:
        return np.zeros((artists, 0), np.float32)
    information = _positive_information(index, playlist, len(known))
    if not information.nnz:
        return np.zeros((artists, 0), np.float32)
    start = np.random.default_rng(_SEED).standard_normal(len(known))
    values, axes = eigsh(information, k=width, which="LA", v0=start)
    order = np.argsort(-values)
    order = order[values[order] > 1e-6]
    vectors = axes[:, order] * np.sqrt(values[order])
    if not len(order):
        return np.zeros((artists, 0), np.float32)
    # the sign of an eigenvector is arbitrary: fix it
    vectors *= np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(len(order))])
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    out = np.zeros((artists, len(order)), np.float32)
    out[known] = np.where(length > 1e-6, vectors / np.maximum(length, 1e-6), 0)
    return out


def _positive_information(index, playlist, artists: int):  # type: ignore[no-untyped-def]
    """Sparse symmetric matrix of positive PMI, float64 [a, a], with a zero diagonal."""
    from scipy.sparse import coo_array, csr_array

    _, row = np.unique(playlist, return_inverse=True)
    member = csr_array((np.ones(len(row)), (row, index)), shape=(int(row.max()) + 1, artists))
    member.data[:] = 1.0  # an artist with several tracks in a playlist counts once
    size = np.asarray(member.sum(axis=1)).ravel()
    # a playlist of n artists has n² pairs: scaled so that it weighs n
    scaled = csr_array(member.multiply((1 / np.sqrt(size))[:, None]))
    pairs = coo_array(scaled.T @ scaled)
    other = pairs.row != pairs.col
    i, j, weight = pairs.row[other], pairs.col[other], pairs.data[other]
    total = weight.sum()
    share = np.bincount(i, weight, artists)
    smooth = share**_SMOOTHING
    smooth *= total / max(smooth.sum(), 1e-12)
    value = np.log(weight * total / (share[i] * smooth[j]))
    value = np.maximum(value, 0)
    information = csr_array((value, (i, j)), shape=(artists, artists))
    return csr_array((information + information.T) / 2)
