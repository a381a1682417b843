"""Train, validation and test by hash, so that an artist or a playlist never moves between runs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

__all__ = ["ARTIST_SHARES", "PLAYLIST_SHARES", "TEST", "TRAIN", "VALIDATION", "split_by_hash"]

TRAIN, VALIDATION, TEST = 0, 1, 2
ARTIST_SHARES = (0.8, 0.1)
# A catalogue has far fewer playlists than artists: judging needs a larger share of them.
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
    uint8, one a name. The same name always lands in the same part, whatever the others are.
    """
    points = np.fromiter((_point(name) for name in names), np.float64)
    return np.searchsorted(np.cumsum(shares), points, side="right").astype(np.uint8)


def _point(name: str) -> float:
    head = hashlib.sha256(name.encode()).digest()[:8]
    return int.from_bytes(head, "big") / 2.0**64
