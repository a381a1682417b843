"""Rows by artist, against the plain way of sorting; rows by id, against a dictionary."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.recommend import lookup
from segue.recommend.lookup import Lookup


@given(
    artists=st.lists(st.integers(0, 12), min_size=1, max_size=60),
    seed=st.integers(0, 2**32 - 1),
    piece=st.sampled_from([1, 7, 1_000]),
)
def test_should_order_an_artists_tracks_by_popularity_and_row(
    artists: list[int], seed: int, piece: int
) -> None:
    artist = np.unique(artists, return_inverse=True)[1].astype(np.int32)
    popularity = np.random.default_rng(seed).integers(0, 4, len(artist)).astype(np.float32)
    popularity[popularity == 3] = np.nan
    names = pa.array(["name"] * len(artist))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookup, "_CHUNK_ROWS", piece)
        rows = Lookup(
            track_ids=names,
            artist_names=names,
            artist=artist,
            genre=np.zeros(len(artist), np.int16),
            popularity=popularity,
            recording=artist,
        )
        for number in range(artist.max() + 1):
            expected = sorted(
                np.flatnonzero(artist == number),
                key=lambda row: (-np.nan_to_num(popularity[row], nan=-1), row),
            )
            assert rows.rows_of_artist_number(number).tolist() == expected


@given(
    ids=st.sets(st.text("ab봄\U0001f3b5", min_size=1, max_size=6), min_size=1, max_size=400),
    others=st.lists(st.text("ab봄\U0001f3b5c", max_size=7), max_size=50),
)
def test_should_find_every_id_and_no_other(ids: set[str], others: list[str]) -> None:
    ordered = sorted(ids, key=str.encode)
    column, zeros = pa.array(ordered), np.zeros(len(ordered), np.int32)
    rows = Lookup(
        track_ids=column,
        artist_names=column,
        artist=zeros,
        genre=zeros.astype(np.int16),
        popularity=zeros.astype(np.float32),
        recording=zeros,
    )
    expected = {name: row for row, name in enumerate(ordered)}
    for name in [*ordered, *others]:
        assert rows.row_of(name) == expected.get(name)
