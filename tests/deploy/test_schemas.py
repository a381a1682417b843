"""What the chart renders is what the API servers take; a planted mistake is found."""

from __future__ import annotations

import copy

import pytest

from tests.deploy.chart import render
from tests.deploy.schemas import problems


@pytest.mark.usefixtures("custom_schemas")
def test_should_find_a_typo_deep_in_the_inference_service() -> None:
    service = copy.deepcopy(render().one("InferenceService"))
    service["spec"]["transformer"]["minReplica"] = 1
    assert any("minReplica" in problem for problem in problems([service]))


def test_should_find_a_typo_in_a_core_object() -> None:
    gateway = copy.deepcopy(render().one("StatefulSet"))
    gateway["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    assert any("readynessProbe" in problem for problem in problems([gateway]))


@pytest.mark.usefixtures("custom_schemas")
def test_should_render_what_the_api_servers_take() -> None:
    assert problems(render()) == []
