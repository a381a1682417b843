"""Ids of Spotify's shape for ids of any other."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from serving.gateway.aliases import (
    AliasTable,
    alias_of,
    is_native,
    keys_of_aliases,
    keys_of_native,
    native_mask,
)
from serving.gateway.served_catalogue import ServedCatalogue
from tests.gateway.conftest import NATIVE_ARTIST, NATIVE_TRACK

IDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
NATIVE = st.text("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=22, max_size=22)


def test_it_never_changes_an_alias_that_was_given_out() -> None:
    assert alias_of("track", "song 1") == "4WzLAmgig5CgY6KNByh4Rf"
    assert alias_of("artist", "song 1") != alias_of("track", "song 1")


@given(IDS)
def test_it_writes_every_alias_in_spotifys_shape(text: str) -> None:
    alias = alias_of("track", text)
    assert is_native(alias)
    assert keys_of_native([alias])[0] == keys_of_aliases("track", [text])[0]


@given(NATIVE)
def test_it_reads_a_native_id_as_the_number_that_it_is(native: str) -> None:
    digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    number = 0
    for letter in native:
        number = number * 62 + digits.index(letter)
    assert int(keys_of_native([native])[0]) == number % 2**64


@given(st.lists(IDS, unique=True, max_size=30), IDS)
def test_it_finds_the_way_back(texts: list[str], other: str) -> None:
    table = AliasTable(keys_of_aliases("track", texts), np.arange(len(texts), dtype=np.int32))
    for row, text in enumerate(texts):
        assert table.candidates(alias_of("track", text)) == [row]
    if other not in texts:
        assert table.candidates(alias_of("track", other)) == []
    assert table.candidates("no id") == []


def test_it_tells_native_ids_from_others_in_a_column() -> None:
    ids = pa.array([NATIVE_TRACK, "id000001", None, NATIVE_TRACK + "x", NATIVE_TRACK[:-1] + "-"])
    assert native_mask(ids).tolist() == [True, False, False, False, False]


def test_it_leads_every_track_and_artist_back_to_itself(served: ServedCatalogue) -> None:
    identities = served.identities
    for row in range(served.size):
        assert identities.track_row(identities.of_track(row)) == row
        found = identities.artist_row(identities.of_artist(row))
        assert found is not None
        assert served.cell("artist_name", found) == served.cell("artist_name", row)
    assert identities.track_row("nobody") is None
    assert identities.artist_row(alias_of("artist", "nobody")) is None


def test_it_knows_an_artist_by_the_catalogues_id_and_by_name(served: ServedCatalogue) -> None:
    # one of Nina Simone's tracks has the artist's id, the other has none
    by_id = served.identities.artist_row(NATIVE_ARTIST)
    by_name = served.identities.artist_row(alias_of("artist", "nina simone"))
    assert by_id is not None
    assert by_name is not None
    assert by_id != by_name
    assert {served.cell("artist_name", row) for row in (by_id, by_name)} == {"Nina Simone"}
