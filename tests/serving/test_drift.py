"""Counts of what is asked and answered, in the bundle's bins."""

from __future__ import annotations

import numpy as np
import pytest

from segue.features.reference import Reference
from segue.recommend.recommender import Recommender
from segue.recommend.request import Request
from serving.transformer.drift import DriftCollector, DriftCounts
from tests.serving.conftest import Family


@pytest.fixture(scope="module")
def opened(families: list[Family]) -> tuple[Recommender, Reference]:
    family = families[0]
    reference = Reference.model_validate_json(family.parts["reference.json"].read_bytes())
    return Recommender(family.steps.bundle()), reference


def test_it_counts_seeds_and_lists_into_the_bundles_bins(opened: tuple[Recommender, Reference]) -> None:
    recommender, reference = opened
    names = recommender.bundle.definition.features
    counts = DriftCounts("d", names, reference)
    assert {value for counted in counts.queries().values() for value in counted} == {0}
    requests = [Request.parse({"seeds": [f"id{row:06d}"], "k": 5}) for row in range(700)]
    pools = recommender.prepare(requests)
    answers = [
        recommender.answer(request, pool, {"popularity": np.full(len(pool.rows), 50, np.float32)})
        for request, pool in zip(requests, pools, strict=True)
    ]
    for pool, answer in zip(pools, answers, strict=True):
        counts.add([pool], [answer])
    rows = recommender.bundle.features[:700]
    for position, name in enumerate(names):
        expected = reference.features[name].count(np.asarray(rows[:, position]))
        np.testing.assert_array_equal(counts.queries()[name], expected)
    similarity = np.array([item.similarity for answer in answers for item in answer.items], np.float32)
    np.testing.assert_array_equal(
        counts.outputs()["similarity"], reference.outputs["similarity"].count(similarity)
    )
    assert counts.outputs()["predicted_popularity"].sum() == 3_500
    # a degraded list has no predictions, and the reference knows none: what was asked for counts, it does not
    counts.add(pools[:1], [recommender.answer(requests[0], pools[0], None)])
    assert counts.outputs()["predicted_popularity"].sum() == 3_500
    assert counts.queries()[names[0]].sum() == 701


def test_it_ends_the_series_of_a_dropped_bundle(opened: tuple[Recommender, Reference]) -> None:
    recommender, reference = opened
    collector = DriftCollector()
    collector.add(DriftCounts("d", recommender.bundle.definition.features, reference))
    samples = [sample for family in collector.collect() for sample in family.samples]
    zeros = [s for s in samples if s.name == "segue_query_bin_total" and s.labels["feature"] == "energy"]
    assert [sample.labels["bin"] for sample in zeros] == list(reference.features["energy"].labels)
    assert {sample.value for sample in zeros} == {0}
    collector.remove("d")
    assert [sample for family in collector.collect() for sample in family.samples] == []
