"""What may be meant by a name that is not there."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import numpy as np

from segue.recommend.model import Bundle
from segue.search import SearchIndex

__all__ = ["hint", "near"]

_NAMES = 3
_ARTIST, _GENRE = "artist:", "genre:"


def near(name: str, known: Iterable[str]) -> str:
    """Say what may be meant by an unknown name, at the end of a message: the names spelled alike, or all."""
    names = sorted(known)
    alike = difflib.get_close_matches(name, names, n=_NAMES, cutoff=0.6)
    return f"; did you mean {' or '.join(alike)}?" if alike else f"; there are {', '.join(names)}"


def hint(bundle: Bundle, index: SearchIndex, seed: str) -> str:
    """What may be meant by an unknown seed.

    Parameters
    ----------
    bundle, index
        The catalogue, and its search index.
    seed
        As in ``unknown_seeds``: a text, ``artist:NAME`` or ``genre:NAME``.

    Returns
    -------
    ``did you mean …?`` with up to three names, or where to look; empty if nothing is near.
    """
    if seed.startswith(_GENRE):
        genres = bundle.transform.genres
        alike = difflib.get_close_matches(seed.removeprefix(_GENRE).lower(), genres, n=_NAMES, cutoff=0.5)
        return _meant(alike) or f"the catalogue has {len(genres)} genres, which `segue genres` lists"
    name = seed.removeprefix(_ARTIST)
    rows = np.array(index.search(artist=name) if name != seed else index.search(name), np.int64)
    artists = bundle.values("artist_name", rows)
    if name != seed:
        return _meant(list(dict.fromkeys(artists))[:_NAMES])
    titles = bundle.values("track_name", rows[:_NAMES])
    ids = bundle.values("track_id", rows[:_NAMES])
    return _meant([f"{a} - {t} ({i})" for a, t, i in zip(artists, titles, ids, strict=False)])


def _meant(names: list[str]) -> str:
    return f"did you mean {' or '.join(names)}?" if names else ""
