"""Recall that is measured while serving."""

from __future__ import annotations

import numpy as np
import pytest
from prometheus_client import REGISTRY

from segue.recommend.model import Bundle
from serving.transformer.recall import LiveRecall, exact_neighbours
from tests.serving.conftest import Family


@pytest.fixture(scope="module")
def bundle(families: list[Family]) -> Bundle:
    return families[0].steps.bundle()


def test_it_finds_the_neighbours_that_an_exact_search_finds(bundle: Bundle) -> None:
    point = np.array(bundle.embedding[7])[None, :]
    distances = ((np.asarray(bundle.embedding) - point) ** 2).sum(axis=1)
    expected = set(np.argsort(distances, kind="stable")[:50].tolist())
    assert len(expected & set(exact_neighbours(bundle.embedding, point, 50).tolist())) >= 49


def test_it_exports_live_recall_and_forgets_it(bundle: Bundle) -> None:
    recall = LiveRecall(0.0)
    assert recall.measure(bundle, np.array(bundle.embedding[7])[None, :]) == 1.0
    labels = {"digest": bundle.digest}
    assert REGISTRY.get_sample_value("segue_live_recall", labels) == 1.0
    assert REGISTRY.get_sample_value("segue_live_recall_samples_total", labels) == 1.0
    recall.forget(bundle.digest)
    assert REGISTRY.get_sample_value("segue_live_recall", labels) is None
