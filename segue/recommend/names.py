"""Finding a track by "artist - title"."""

from __future__ import annotations

import difflib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from segue.errors import RequestError
from segue.features.recordings import title_keys
from segue.recommend.model import Bundle

__all__ = ["find_track"]

_SEPARATOR = " - "


def find_track(bundle: Bundle, text: str) -> str:
    """Id of the track that `text` names: an id, "artist - title" or "title - artist".

    Case, accents and words such as "Remastered 2011" are ignored; of several releases the most popular is
    taken. A text that names no artist of the catalogue is returned as it is: an unknown seed.

    Raises
    ------
    RequestError
        The artist has no such track; the message suggests similar titles.
    """
    if bundle.lookup.row_of(text) is not None or _SEPARATOR not in text:
        return text
    left, right = text.split(_SEPARATOR, 1)
    for artist, title in ((left, right), (right, left)):
        number = bundle.lookup.artist_number(artist)
        if number is None:
            continue
        rows = bundle.lookup.rows_of_artist_number(number)
        keys = title_keys(bundle.columns["track_name"].take(pa.array(rows)))
        wanted = title_keys(pa.array([title]))[0]
        found = np.flatnonzero(pc.equal(keys, wanted).to_numpy(zero_copy_only=False))
        if len(found):
            return bundle.value("track_id", int(rows[found[0]]))
        titles = [bundle.value("track_name", int(row)) for row in rows[:500]]
        near = difflib.get_close_matches(title, titles, n=3, cutoff=0.4) or titles[:3]
        raise RequestError("seeds", f"{artist!r} has no track {title!r}; did you mean {', '.join(near)}?")
    return text
