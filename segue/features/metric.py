"""A linear metric from co-listening, in closed form: what tracks of one playlist share counts, what varies
within a playlist does not.

With W the covariance of the tracks around their playlist's mean and B that of the playlists' means, the map
is W^-1/2 U λ^0.4, where U and λ are the eigenvectors and eigenvalues of W^-1/2 B W^-1/2: linear discriminant
analysis (Fisher 1936; Rao 1948) with the playlists as classes, each axis scaled by how
well it tells playlists apart, to a power that was chosen on held-out playlists: by the ratio itself two or
three axes would decide alone.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["discriminant_map"]

Floats = npt.NDArray[np.float32]
# Added to W, as a share of its diagonal's own values plus B's: keeps rare columns from being blown up.
_SHRINKAGE = 0.02
# A playlist of fewer tracks says little about what varies within one.
_MIN_ENTRIES = 3
_FLAT = 1e-6
_POWER = 0.4


def discriminant_map(
    values: npt.NDArray[np.floating], groups: npt.NDArray[np.integer], *, dimensions: int
) -> npt.NDArray[np.float64]:
    """Learn the map.

    Parameters
    ----------
    values
        float [m, D], one row for each track of each playlist.
    groups
        int [m], the playlist of each row. A playlist weighs as the square root of its length.
    dimensions
        Most axes to keep.

    Returns
    -------
    float64 [D, d] with d ≤ `dimensions`, to be multiplied from the right; d is 0 where no two playlists
    differ. A column that never varies has no say.
    """
    _, group, size = np.unique(groups, return_inverse=True, return_counts=True)
    kept = size[group] >= _MIN_ENTRIES
    x, group = values[kept].astype(np.float64), group[kept]
    varied = x.std(axis=0) > _FLAT if len(x) else np.zeros(values.shape[1], np.bool_)
    if not varied.any() or len(np.unique(group)) < 2:
        return np.zeros((values.shape[1], 0))
    _, group, size = np.unique(group, return_inverse=True, return_counts=True)
    weight = 1 / np.sqrt(size[group])
    weight /= weight.sum()
    x = x[:, varied] - weight @ x[:, varied]
    means = np.column_stack([np.bincount(group, column) / size for column in x.T])[group]
    within = _covariance(x - means, weight)
    between = _covariance(means, weight)
    within += _SHRINKAGE * np.diag(np.diag(within) + np.diag(between))
    root = np.linalg.inv(np.linalg.cholesky(within))
    ratios, axes = np.linalg.eigh(root @ between @ root.T)
    order = np.argsort(-ratios)[: min(dimensions, int((ratios > _FLAT).sum()))]
    learned = root.T @ axes[:, order] * ratios[order] ** _POWER
    # an eigenvector's sign is a matter of chance
    learned *= np.sign(learned[np.abs(learned).argmax(axis=0), np.arange(learned.shape[1])])
    out = np.zeros((values.shape[1], learned.shape[1]))
    out[varied] = learned
    return out


def _covariance(x: npt.NDArray[np.float64], weight: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray((x * weight[:, None]).T @ x)
