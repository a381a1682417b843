"""The table of columns, and the orders that bundles hold."""

from __future__ import annotations

from segue.catalog.columns import COLUMNS, COMPARED, EMBEDDED, NUMERIC, OPTIONAL_SOUND, SOUND, column_named
from segue.features.transform import FEATURES


def test_it_embeds_each_scaled_column_once() -> None:
    assert sorted(EMBEDDED) == sorted(column.name for column in COLUMNS if column.scalings)


def test_it_compares_and_embeds_only_features() -> None:
    assert set(COMPARED) | set(EMBEDDED) <= set(FEATURES)
    assert len(set(COMPARED)) == len(COMPARED)


def test_it_keeps_the_order_of_features_that_older_bundles_have() -> None:
    first = (
        "danceability",
        "energy",
        "speechiness",
        "acousticness",
        "instrumentalness",
        "liveness",
        "valence",
    )
    assert SOUND[:12] == (*first, "loudness", "tempo", "key", "mode", "duration_ms")
    assert OPTIONAL_SOUND[0] == "time_signature"
    first = (
        "danceability",
        "energy",
        "valence",
        "loudness",
        "acousticness",
        "instrumentalness",
        "speechiness",
    )
    assert EMBEDDED[:13] == (*first, "liveness", "duration_ms", "tempo", "key", "mode", "year")
    assert COMPARED[:10] == (*first, "tempo", "duration_ms", "year")


def test_it_bounds_and_counts_every_numeric_column() -> None:
    for name in NUMERIC:
        column = column_named(name)
        assert column.low is not None
        assert column.high is not None
        assert column.edges[0] <= column.low < column.high <= column.edges[-1]


def test_it_offers_on_the_page_what_a_catalogue_may_hold() -> None:
    for column in COLUMNS:
        if column.slider is not None:
            assert column.low <= column.slider.low < column.slider.high <= column.high
            assert (
                column.slider.start is None or column.slider.low <= column.slider.start <= column.slider.high
            )
