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
def test_it_orders_an_artists_tracks_by_popularity_and_row(artists: list[int], seed: int, piece: int) -> None:
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
def test_it_finds_every_id_and_no_other(ids: set[str], others: list[str]) -> None:
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


def lookup_of(popularity: list[float], *, genre: list[int], recording: list[int], names: str) -> Lookup:
    """Tracks of one letter each: the artist."""
    count = len(popularity)
    return Lookup(
        track_ids=pa.array([f"{row:03}" for row in range(count)]),
        artist_names=pa.array(list(names)),
        artist=np.unique(list(names.casefold()), return_inverse=True)[1].astype(np.int32),
        genre=np.array(genre, np.int16),
        popularity=np.array(popularity, np.float32),
        recording=np.array(recording, np.int32),
    )


def test_the_top_of_a_genre_is_its_most_popular_and_the_unknown_last() -> None:
    nan = float("nan")
    rows = lookup_of([1, nan, 0, 5, 1, 9], genre=[2, 2, 2, 2, 2, 0], recording=[0] * 6, names="AAAAAA")
    assert rows.top_of_genre(2, 9).tolist() == [3, 0, 4, 2, 1]
    assert rows.top_of_genre(2, 2).tolist() == [3, 0]
    assert rows.top_of_genre(0, 1).tolist() == [5]
    assert rows.top_of_genre(1, 1).tolist() == []


def test_releases_of_a_recording_are_those_of_its_artist_alone() -> None:
    rows = lookup_of([1, 2, 3, 4], genre=[0] * 4, recording=[7, 7, 8, 7], names="ABAA")
    # most popular first; the other artist's 7 is none of them
    assert rows.same_recordings(0).tolist() == [3, 0]
    assert rows.same_recordings(1).tolist() == [1]
    assert rows.same_recordings(2).tolist() == [2]


def test_every_artist_is_found_and_no_other() -> None:
    rows = lookup_of([1] * 5, genre=[0] * 5, recording=[0] * 5, names="bBdFf")
    assert [rows.artist_number(name) for name in "BdfF"] == [0, 1, 2, 2]
    assert [rows.artist_number(name) for name in ("a", "c", "e", "g", "")] == [None] * 5


@pytest.mark.parametrize("count", [1, 63, 64, 65, 128, 129])
def test_ids_are_found_at_each_end_of_a_stride(count: int) -> None:
    rows = lookup_of([1] * count, genre=[0] * count, recording=[0] * count, names="A" * count)
    assert [rows.row_of(f"{row:03}") for row in range(count)] == list(range(count))
    assert [rows.row_of(wanted) for wanted in ("", "000x", f"{count:03}", "zzz")] == [None] * 4


def test_an_id_that_is_no_text_is_in_no_catalogue() -> None:
    assert lookup_of([1], genre=[0], recording=[0], names="A").row_of("\ud800") is None
