"""Split artists or playlists into train, validation and test by hash: the same in every run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

__all__ = ["ARTIST_SHARES", "PLAYLIST_SHARES", "TEST", "TRAIN", "VALIDATION", "split_by_hash"]

TRAIN, VALIDATION, TEST = 0, 1, 2
ARTIST_SHARES = (0.8, 0.1)
# There are far fewer playlists than artists, so evaluation needs a larger share of them.
PLAYLIST_SHARES = (0.6, 0.15)


def split_by_hash(names: Iterable[str], shares: tuple[float, float]) -> npt.NDArray[np.uint8]:
    """Assign names to `TRAIN`, `VALIDATION` or `TEST` by their sha256.

    Parameters
    ----------
    names
        Folded artist names, or playlist ids.
    shares
        Shares of train and validation; test is the rest.

    Returns
    -------
    uint8 [n], one per name. A name's split does not depend on the other names.
    """
    points = np.fromiter((_point(name) for name in names), np.float64)
    return np.searchsorted(np.cumsum(shares), points, side="right").astype(np.uint8)


def _point(name: str) -> float:
    head = hashlib.sha256(name.encode()).digest()[:8]
    return int.from_bytes(head, "big") / 2.0**64
