"""The score that a list is ordered by, from numbers that were worked out by hand."""

from typing import Any, cast

import numpy as np
import pytest

from segue.recommend.finish import Rules, blend
from segue.recommend.retrieve import Candidates

NAN = float("nan")


def candidates(affinity: list[float]) -> Candidates:
    """Candidates of which `blend` reads the affinity alone."""
    flat = np.array(affinity, np.float32)
    return Candidates(
        query=cast("Any", None),
        rows=np.arange(len(flat)),
        distances=flat[:, None],
        affinity=flat,
        similarity=flat,
        retrieved=len(flat),
        dropped={},
    )


def rules(weight: float, target: float | None = None) -> Rules:
    return Rules(k=4, popularity_weight=weight, diversity=0, max_per_artist=9, target_popularity=target)


def predicted(*values: float) -> dict[str, Any]:
    return {"popularity": np.array(values, np.float32)}


@pytest.mark.parametrize(
    ("weight", "expected"), [(0, [1, 0.5, 0, 0.25]), (1, [0, 0.5, 1, 0.75]), (0.5, [0.5, 0.5, 0.5, 0.5])]
)
def test_should_blend_affinity_with_predicted_popularity(weight: float, expected: list[float]) -> None:
    scores = blend(
        candidates([5, 4, 3, 3.5]), predicted(20, 40, 60, 50), rules(weight), np.full(4, NAN, np.float32)
    )
    assert scores.tolist() == pytest.approx(expected)


def test_should_measure_a_target_by_known_popularity_and_by_the_predicted_where_there_is_none() -> None:
    known = np.array([NAN, 90, NAN, 41], np.float32)
    scores = blend(candidates([1, 1, 1, 1]), predicted(39.5, 40, 10, 99), rules(1, target=40), known)
    assert np.argsort(-scores).tolist() == [0, 3, 2, 1]


def test_should_order_by_affinity_alone_without_predictions() -> None:
    known = np.array([40, 0, 0], np.float32)
    assert blend(candidates([1, 3, 2]), None, rules(1, target=40), known).tolist() == [0, 1, 0.5]
