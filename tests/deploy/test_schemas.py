"""What the chart renders is what the API servers take; a planted mistake is found."""

from __future__ import annotations

import copy
import functools
import json

import pytest

from tests.deploy.chart import Manifest, deep_merge, render
from tests.deploy.matrix import MATRIX
from tests.deploy.schemas import CUSTOM, group_of, problems


@pytest.mark.usefixtures("custom_schemas")
def test_it_finds_a_typo_deep_in_the_inference_service() -> None:
    service = copy.deepcopy(render().one("InferenceService"))
    service["spec"]["transformer"]["minReplica"] = 1
    assert any("minReplica" in problem for problem in problems([service]))


def test_it_finds_a_typo_in_a_core_object() -> None:
    gateway = copy.deepcopy(render().one("StatefulSet"))
    gateway["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    assert any("readynessProbe" in problem for problem in problems([gateway]))


# Sets of values that go together: between them these make an object of every kind.
TOGETHER = (
    ("trained", "keda", "http route", "log that is kept for a while", "every knob of a pod"),
    ("evaluation", "hpa", "ingress"),
)


@pytest.fixture(scope="module")
def rendered() -> list[Manifest]:
    """What the chart makes of these, each object once."""
    sets = [functools.reduce(deep_merge, (MATRIX[name] for name in names)) for names in TOGETHER]
    made = [json.dumps(manifest, sort_keys=True) for values in sets for manifest in render(values)]
    return [json.loads(text) for text in dict.fromkeys(made)]


def test_it_makes_an_object_of_every_kind(rendered: list[Manifest]) -> None:
    kinds = {manifest["kind"] for values in MATRIX.values() for manifest in render(values)}
    assert {manifest["kind"] for manifest in rendered} == kinds


def test_it_renders_what_kubernetes_takes(rendered: list[Manifest]) -> None:
    assert problems(rendered, custom=False) == []


@pytest.mark.usefixtures("custom_schemas")
def test_it_renders_custom_resources_that_their_servers_take(rendered: list[Manifest]) -> None:
    custom = [manifest for manifest in rendered if group_of(manifest) in CUSTOM]
    assert problems(custom) == []
