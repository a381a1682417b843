"""Fields of an answer, read as numbers."""

from __future__ import annotations

import math

import orjson

from segue.recommend.answer import Answer, Item, Pool, numbers


def item(popularity: float | None, similarity: float = 0.5) -> Item:
    return Item(1, "t", "Title", "Artist", 0.25, similarity, popularity, None, None)


def test_a_field_of_some_items_is_nan_where_an_item_has_none() -> None:
    first, second, third = numbers([item(3.0), item(None), item(0.0)], "popularity")
    assert (first, third) == (3.0, 0.0)
    assert math.isnan(second)
    assert numbers([item(None, 0.75)], "similarity") == [0.75]
    assert numbers([], "similarity") == []


def test_a_field_that_there_is_not_is_nan_throughout() -> None:
    assert all(math.isnan(value) for value in numbers([item(1.0), item(2.0)], "tempo"))


def test_an_answer_is_written_as_it_stands() -> None:
    answer = Answer([item(None)], "d", False, ["x"], Pool(2, 1))
    assert orjson.loads(orjson.dumps(answer)) == {
        "items": [
            {
                "rank": 1,
                "track_id": "t",
                "track_name": "Title",
                "artist_name": "Artist",
                "score": 0.25,
                "similarity": 0.5,
                "popularity": None,
                "predicted_popularity": None,
                "relevance": None,
            }
        ],
        "digest": "d",
        "degraded": False,
        "unknown_seeds": ["x"],
        "pool": {"retrieved": 2, "after_filters": 1},
        "reason": None,
        "explanation": None,
    }
