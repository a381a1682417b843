"""The matrix that the boosters read, from four tracks in two dimensions and an artist's block beside them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.bundle.definition import Block, Booster
from segue.errors import BundleError
from segue.recommend.ranking_matrix import (
    PAIR_COLUMNS,
    RELEVANCE_COLUMNS,
    Nearest,
    TrackTable,
    booster_positions,
    ranking_matrix,
)

NAN = math.nan
COMPARED = RELEVANCE_COLUMNS[len(PAIR_COLUMNS) :]
NAMES = ("genre", *COMPARED)
# genre, and then 10 features of which each has its own number
FEATURES = np.array([[row % 3, *(10 * column + row for column in range(10))] for row in range(4)], np.float32)
FEATURES[3, 0] = NAN
# two dimensions of what a track is, and two of who made it, by a weight of 2
EMBEDDING = np.array([[0, 0, 2, 0], [3, 4, 0, 2], [1, 0, 1.2, 1.6], [0, 2, 0, 0]], np.float32)
TASTE = Block(name="taste", start=0, width=2, weight=1.0)
BLOCKS = [TASTE, Block(name="artist", start=2, width=2, weight=2.0)]


def table(blocks: list[Block] = BLOCKS) -> TrackTable:
    popularity = np.array([10, 25, NAN, 40], np.float32)
    return TrackTable(NAMES, FEATURES, popularity, np.array([7, 8, 7, 9], np.int32), EMBEDDING, blocks)


def nearest(*rows: int) -> Nearest:
    """Seeds out of the catalogue itself."""
    taken = np.array(rows, np.int64)
    return Nearest(taken, EMBEDDING[taken], FEATURES[taken])


def column(name: str, rows: list[int], seeds: Nearest | None, given: TrackTable | None = None) -> list[Any]:
    """One column, asked for alone; None where it is missing."""
    (values,) = ranking_matrix(given or table(), [name], np.array(rows), seeds).T
    return [None if math.isnan(value) else value for value in values.tolist()]


def test_a_distance_is_that_of_what_a_track_is_without_its_artist() -> None:
    assert column("distance", [1, 2, 0], nearest(0, 0, 0)) == [5, 1, 0]
    whole = [Block(name="taste", start=0, width=4, weight=1.0)]
    expected = [math.sqrt(25 + 8), math.sqrt(1 + 0.64 + 2.56)]
    assert column("distance", [1, 2], nearest(0, 0), table(whole)) == pytest.approx(expected)


@pytest.mark.parametrize("weight", [0.5, 2.0, 3.0])
def test_artists_are_alike_by_their_angle_whatever_the_weight_of_their_block(weight: float) -> None:
    embedding = EMBEDDING * np.array([1, 1, weight / 2, weight / 2], np.float32)
    block = Block(name="artist", start=2, width=2, weight=weight)
    weighted = replace(table([TASTE, block]), embedding=embedding)
    seeds = replace(nearest(0, 0, 0), points=embedding[[0, 0, 0]])
    assert column("artist_similarity", [0, 1, 2], seeds, weighted) == pytest.approx([1, 0, 0.6])


def test_of_an_artist_whom_nothing_is_known_of_the_similarity_is_missing() -> None:
    assert column("artist_similarity", [3, 0], nearest(0, 3)) == [None, None]
    assert column("artist_similarity", [0], nearest(0), table([TASTE])) == [None]


def test_an_artist_is_the_same_or_not_where_the_seed_is_in_the_catalogue() -> None:
    assert column("same_artist", [0, 2, 1], nearest(0, 0, 0)) == [1, 1, 0]
    raw = Nearest(np.array([-1]), EMBEDDING[:1], FEATURES[:1])
    # row -1 would be the last track
    assert column("same_artist", [3], raw) == [None]
    assert column("gap_popularity", [3], raw) == [None]
    first = Nearest(np.array([0]), EMBEDDING[:1], FEATURES[:1])
    assert column("same_artist", [0], first) == [1]


def test_a_gap_is_the_candidates_value_less_the_seeds() -> None:
    assert column("gap_popularity", [1, 0, 2, 1], nearest(0, 1, 0, 2)) == [15, -15, None, None]
    for name in COMPARED:
        assert column(f"gap_{name}", [2, 0], nearest(0, 3)) == [2, -3]


def test_a_genre_is_the_same_or_not_where_both_are_known() -> None:
    assert column("same_genre", [0, 1, 3, 0], nearest(0, 0, 0, 3)) == [1, 0, None, None]


def test_popularity_is_known_without_a_seed_and_nothing_else_is() -> None:
    assert column("popularity", [1, 2], None) == [25, None]
    for name in set(PAIR_COLUMNS) - {"popularity"}:
        assert column(name, [1, 2], None) == [None, None]


def test_columns_stand_where_they_are_asked_for() -> None:
    wanted = ["distance", "year", "gap_year", "same_genre", "energy", "popularity", "genre"]
    matrix = ranking_matrix(table(), wanted, np.array([1, 2]), nearest(0, 0))
    assert matrix.dtype == np.float32
    assert matrix[0].tolist() == [5, 91, 1, 0, 11, 25, 1]
    assert matrix[1, :5].tolist() == [1, 92, 2, 0, 12]


def test_the_features_first_and_all_between_is_what_a_bundle_asks_for() -> None:
    wanted = [*NAMES, *PAIR_COLUMNS]
    matrix = ranking_matrix(table(), wanted, np.array([2, 1]), nearest(0, 3))
    assert matrix[:, : len(NAMES)].tolist() == FEATURES[[2, 1]].tolist()
    for position, name in enumerate(wanted):
        alone = ranking_matrix(table(), [name], np.array([2, 1]), nearest(0, 3))
        np.testing.assert_array_equal(matrix[:, position], alone[:, 0])


@given(st.lists(st.sampled_from([*NAMES, *PAIR_COLUMNS]), unique=True, min_size=1))
def test_a_column_is_the_same_whatever_stands_beside_it(wanted: list[str]) -> None:
    whole = [*NAMES, *PAIR_COLUMNS]
    everything = ranking_matrix(table(), whole, np.array([3, 0, 1]), nearest(1, 2, 0))
    matrix = ranking_matrix(table(), wanted, np.array([3, 0, 1]), nearest(1, 2, 0))
    np.testing.assert_array_equal(matrix, everything[:, [whole.index(name) for name in wanted]])


def test_the_features_alone_are_taken_as_they_are() -> None:
    np.testing.assert_array_equal(ranking_matrix(table(), NAMES, np.array([3, 1])), FEATURES[[3, 1]])


def test_columns_that_are_not_made_are_named() -> None:
    with pytest.raises(BundleError) as caught:
        ranking_matrix(table(), ["moon", "distance", "sun"], np.array([0]))
    assert "['moon', 'sun']" in str(caught.value)
    assert "this version of Segue can't compute" in str(caught.value)


def test_a_table_without_genres_has_no_same_genre() -> None:
    bare = TrackTable(COMPARED, FEATURES[:, 1:], table().popularity, table().artist, EMBEDDING, BLOCKS)
    seeds = Nearest(np.array([0]), EMBEDDING[:1], FEATURES[:1, 1:])
    assert column("same_genre", [1], seeds, bare) == [None]
    assert column("gap_year", [1], seeds, bare) == [1]


def test_a_feature_newer_than_the_catalogue_leaves_its_gap_missing_and_the_others_in_place() -> None:
    # the last feature that is compared came after this catalogue
    older = TrackTable(NAMES[:-1], FEATURES[:, :-1], table().popularity, table().artist, EMBEDDING, BLOCKS)
    seeds = Nearest(np.array([0, 0]), EMBEDDING[[0, 0]], FEATURES[[0, 0], :-1])
    assert column(f"gap_{COMPARED[-1]}", [1, 2], seeds, older) == [None, None]
    assert column(f"gap_{COMPARED[-2]}", [1, 2], seeds, older) == [1, 2]


def booster(*columns: str) -> Booster:
    return Booster(name="relevance", file="relevance.txt", columns=list(columns), trees=1)


def test_a_booster_reads_its_columns_in_its_own_order() -> None:
    assert booster_positions(booster("valence", "energy"), ["energy", "key", "valence"]) == [2, 0]
    # the same columns in another order, or the first of them, are not the matrix as it is
    assert booster_positions(booster("key", "energy"), ["energy", "key"]) == [1, 0]
    assert booster_positions(booster("energy"), ["energy", "key"]) == [0]
    assert booster_positions(booster("energy", "key"), ["energy", "key"]) is None
    with pytest.raises(BundleError) as caught:
        booster_positions(booster("valence", "energy", "tempo"), ["energy"])
    assert str(caught.value).startswith("booster relevance reads ['valence', 'tempo'], which is not in")
