"""Filters → a mask of the tracks that pass them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from segue.features.recordings import fold_text
from segue.recommend.model import Bundle
from segue.recommend.request import Filters

__all__ = ["allowed_rows"]

Mask = npt.NDArray[np.bool_]


def allowed_rows(bundle: Bundle, filters: Filters) -> Mask | None:
    """Which tracks pass the filters. `exclude_tracks` is not among them: it is applied after retrieval.

    A track whose value is missing fails every bound on that value.

    Returns
    -------
    bool [n], or None where every track passes.
    """
    masks: list[Mask] = []
    if filters.genres:
        codes = [bundle.transform.genre_code(genre) for genre in filters.genres]
        known = [int(code) for code in codes if np.isfinite(code)]
        masks.append(np.isin(bundle.genre, np.array(known, np.int16)))
    if filters.year is not None:
        year = bundle.feature("year")
        masks.append((year >= filters.year[0]) & (year <= filters.year[1]))
    for name, low in filters.min.items():
        masks.append(_values(bundle, name) >= np.float32(low))
    for name, high in filters.max.items():
        masks.append(_values(bundle, name) <= np.float32(high))
    if filters.explicit is not None:
        explicit = bundle.feature("explicit") == 1
        masks.append(explicit if filters.explicit else ~explicit)
    if filters.exclude_artists:
        found = {fold_text(name): bundle.lookup.artist_number(name) for name in filters.exclude_artists}
        numbers = np.array([number for number in found.values() if number is not None], np.int32)
        masks.append(~np.isin(bundle.artist, numbers))
    return np.logical_and.reduce(masks) if masks else None


def _values(bundle: Bundle, name: str) -> npt.NDArray[np.float32]:
    if name == "popularity":
        return bundle.popularity
    # a feature that an older bundle lacks is missing in every track
    return (
        bundle.feature(name)
        if name in bundle.definition.features
        else np.full(bundle.size, np.nan, np.float32)
    )
