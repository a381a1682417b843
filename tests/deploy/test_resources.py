"""What containers ask for and may use: limits that nobody fills in, requests that fit under them."""

from __future__ import annotations

import copy
from typing import Any

import helm_python
import pytest

from tests.deploy.chart import Manifest, render
from tests.deploy.policies import quantity

PAIR = ("predictor", "transformer")
COMPONENTS = (*PAIR, "gateway", "ui", "training", "retention")
# KServe's ConfigMap `inferenceservice-config`, as it is installed.
KSERVE = {"cpu": "1", "memory": "2Gi"}


def resources_of(component: str, values: dict[str, Any]) -> Manifest:
    return dict(render(values).pod(f"-{component}")["spec"]["containers"][0]["resources"])


def refusal(values: dict[str, Any]) -> str:
    """The sentence that stops the render."""
    with pytest.raises(helm_python.HelmRenderError) as caught:
        render(values)
    return str(caught.value)


def filled_in(container: Manifest) -> Manifest:
    """A container as KServe's webhook leaves it: what is missing is what KServe is installed with."""
    changed = copy.deepcopy(container)
    for bound in ("requests", "limits"):
        amounts = changed.setdefault("resources", {}).setdefault(bound, {})
        for resource, amount in KSERVE.items():
            amounts.setdefault(resource, amount)
    return changed


@pytest.mark.parametrize(
    "over",
    [
        {},
        {"requests": {"cpu": 2}},
        {"requests": {"cpu": "4", "memory": "2Gi"}},
        {"limits": {"cpu": "750m", "memory": "1536Mi"}},
        {"limits": {"example.com/gpu": 1}},
    ],
)
def test_it_leaves_kserve_nothing_to_fill_in(over: dict[str, Any]) -> None:
    service = render({component: {"resources": over} for component in PAIR}).one("InferenceService")
    for component in PAIR:
        (container,) = service["spec"][component]["containers"]
        assert filled_in(container) == container


def test_it_knows_what_kserve_fills_in() -> None:
    assert filled_in({"resources": {"limits": {"memory": "3Gi"}}})["resources"] == {
        "requests": {"cpu": "1", "memory": "2Gi"},
        "limits": {"cpu": "1", "memory": "3Gi"},
    }


@pytest.mark.parametrize("component", ["predictor", "transformer", "gateway"])
@pytest.mark.parametrize("cpu", [2, "2", 0.5, ".5", "1.5", "1500m", "2e0", "0.002k", "2000000u"])
def test_it_takes_a_request_up_to_its_limit_however_it_is_written(component: str, cpu: Any) -> None:
    given = resources_of(component, {component: {"resources": {"requests": {"cpu": cpu}}}})
    assert given["requests"]["cpu"] == cpu
    assert given["limits"]["cpu"] >= 2


@pytest.mark.parametrize(
    ("requests", "limits"),
    [
        ({"cpu": 4}, {}),
        ({"cpu": "4"}, {"cpu": 4}),
        ({"cpu": 8}, {"cpu": "8"}),
        ({"cpu": "700m"}, {"cpu": 0.7}),
        ({"memory": "3Gi"}, {}),
        ({"memory": "3072Mi"}, {}),
        ({"memory": "3G"}, {}),
        ({"memory": 3221225472}, {}),
        ({"memory": "1e9"}, {"memory": "1G"}),
        ({"memory": "2000k"}, {"memory": "2M"}),
    ],
)
def test_it_compares_as_kubernetes_does(requests: dict[str, Any], limits: dict[str, Any]) -> None:
    given = resources_of(
        "transformer", {"transformer": {"resources": {"requests": requests, "limits": limits}}}
    )
    for resource in ("cpu", "memory"):
        asked, most = (quantity(given[bound][resource]) for bound in ("requests", "limits"))
        assert asked <= most


OVER: list[tuple[dict[str, Any], str]] = [
    ({"requests": {"cpu": 8}}, "requests.cpu is 8, more than transformer.resources.limits.cpu, 4"),
    ({"requests": {"cpu": "8"}}, "requests.cpu is 8, more than transformer.resources.limits.cpu, 4"),
    ({"requests": {"cpu": 4.5}}, "requests.cpu is 4.5, more than transformer.resources.limits.cpu, 4"),
    ({"requests": {"cpu": "4001m"}}, "requests.cpu is 4001m, more than"),
    ({"limits": {"cpu": "250m"}}, "requests.cpu is 500m, more than transformer.resources.limits.cpu, 250m"),
    (
        {"requests": {"memory": "4Gi"}},
        "requests.memory is 4Gi, more than transformer.resources.limits.memory, 3Gi",
    ),
    ({"requests": {"memory": "4G"}}, "requests.memory is 4G, more than"),
    ({"requests": {"memory": 3221225473}}, "requests.memory is 3.221225473e+09, more than"),
    ({"requests": {"memory": "4e9"}}, "requests.memory is 4e9, more than"),
    ({"limits": {"memory": "512Mi"}}, "requests.memory is 1Gi, more than"),
]


@pytest.mark.parametrize(("over", "told"), OVER)
def test_it_refuses_a_request_over_its_limit(over: dict[str, Any], told: str) -> None:
    message = refusal({"transformer": {"resources": over}})
    assert f"transformer.resources.{told}" in message
    assert message.endswith(": raise the limit, or ask for less")


@pytest.mark.parametrize("component", COMPONENTS)
def test_it_refuses_it_of_every_component(component: str) -> None:
    for resource, amount in (("cpu", 64), ("memory", "1Ti")):
        message = refusal({component: {"resources": {"requests": {resource: amount}}}})
        assert f"{component}.resources.requests.{resource} is {amount}, more than" in message


@pytest.mark.parametrize(
    "amount", ["two", "1 GB", "", "-1", "1gi", "1ki", "0x10", "1,5", "1e3m", "1e1000", True, {"a": 1}]
)
@pytest.mark.parametrize("name", ["requests.cpu", "limits.memory"])
def test_it_refuses_what_is_no_quantity(name: str, amount: Any) -> None:
    bound, _, resource = name.partition(".")
    message = refusal({"predictor": {"resources": {bound: {resource: amount}}}})
    assert f"predictor.resources.{name} is " in message
    assert "expected a quantity such as 500m, 2 or 3Gi" in message


@pytest.mark.parametrize("component", COMPONENTS)
@pytest.mark.parametrize("name", ["requests.cpu", "requests.memory", "limits.cpu", "limits.memory"])
def test_it_refuses_to_go_without_a_request_or_a_limit(component: str, name: str) -> None:
    bound, _, resource = name.partition(".")
    message = refusal({component: {"resources": {bound: {resource: None}}}})
    assert f"{component}.resources.{name} is needed: " in message
    assert ("KServe" in message) == (component in PAIR)


@pytest.mark.parametrize("component", COMPONENTS)
def test_it_refuses_to_go_without_all_of_them(component: str) -> None:
    for resources in (None, {"limits": None}, {"requests": None}, {"limits": {"cpu": None, "memory": None}}):
        assert f"{component}.resources." in refusal({component: {"resources": resources}})
    assert f"{component}.resources.limits is 4: expected cpu and memory" in refusal(
        {component: {"resources": {"limits": 4}}}
    )


def test_it_says_what_kserve_would_do() -> None:
    assert refusal({"predictor": {"resources": {"limits": {"cpu": None}}}}).endswith(
        "predictor.resources.limits.cpu is needed: KServe would set a limit of one CPU where there is none"
    )


STEPS: list[tuple[dict[str, Any], str]] = [
    (
        {"train": {"requests": {"memory": "24Gi"}}},
        "training.steps.train.requests.memory is 24Gi, more than training.steps.train.limits.memory, 12Gi",
    ),
    (
        {"ingest": {"limits": {"cpu": "250m"}}},
        "training.steps.ingest.requests.cpu is 500m, more than training.steps.ingest.limits.cpu, 250m",
    ),
    (
        {"publish": {"requests": {"cpu": "half"}}},
        'training.steps.publish.requests.cpu is "half": expected a quantity',
    ),
    (
        {"train": {"limits": {"memory": None}}},
        "training.steps.train.limits.memory is needed: the program would set its own where there is none",
    ),
    ({"train": {"request": {"cpu": 1}}}, "training.steps.train.request is not known"),
    ({"train": {"requests": {"gpu": 1}}}, "training.steps.train.requests.gpu is not known"),
]


@pytest.mark.parametrize(("steps", "told"), STEPS)
def test_it_refuses_of_the_steps_what_the_program_would_refuse(steps: dict[str, Any], told: str) -> None:
    assert told in refusal({"training": {"steps": steps}})


@pytest.mark.parametrize("amount", [None, 1, "500m", "64"])
def test_it_takes_a_step_with_a_cpu_limit_or_without(amount: Any) -> None:
    assert render({"training": {"steps": {"train": {"limits": {"cpu": amount}}}}})
