"""Artist vectors from co-listening: artists who share playlists more often than chance are near.

Positive pointwise mutual information of artists in playlists, factorised (Levy and Goldberg, NIPS 2014: what
word2vec does implicitly). Contexts are smoothed with the exponent 0.75 as there, since a rare pair has a
large ratio by chance.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["artist_vectors"]

Floats = npt.NDArray[np.float32]

_SMOOTHING = 0.75
_SEED = 7
# The solver needs a matrix clearly larger than the axes asked for.
_ARTISTS_AN_AXIS = 3


def artist_vectors(
    artist: npt.NDArray[np.integer], playlist: npt.NDArray[np.integer], *, artists: int, dimensions: int
) -> Floats:
    """Learn a vector for every artist who shares a playlist with another.

    Parameters
    ----------
    artist, playlist
        int [m], of each entry of each playlist.
    artists
        Number of artists of the catalogue, a.
    dimensions
        Most axes to keep.

    Returns
    -------
    float32 [a, d], d ≤ `dimensions`, of length 1, or 0 for an artist that nothing is known of; d is 0
    where too few artists share playlists.
    """
    from scipy.sparse.linalg import eigsh

    known, index = np.unique(artist, return_inverse=True)
    width = min(dimensions, len(known) // _ARTISTS_AN_AXIS)
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
    # an eigenvector's sign is a matter of chance
    vectors *= np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(len(order))])
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    out = np.zeros((artists, len(order)), np.float32)
    out[known] = np.where(length > 1e-6, vectors / np.maximum(length, 1e-6), 0)
    return out


def _positive_information(index, playlist, artists: int):  # type: ignore[no-untyped-def]
    """Sparse symmetric matrix of positive PMI, float64 [a, a], nothing on the diagonal."""
    from scipy.sparse import coo_array, csr_array

    _, row = np.unique(playlist, return_inverse=True)
    member = csr_array((np.ones(len(row)), (row, index)), shape=(int(row.max()) + 1, artists))
    member.data[:] = 1.0  # an artist twice in a playlist is there
    size = np.asarray(member.sum(axis=1)).ravel()
    # a long playlist has many pairs: each playlist weighs as its length
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
    found = csr_array((value, (i, j)), shape=(artists, artists))
    return csr_array((found + found.T) / 2)
