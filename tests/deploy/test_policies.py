"""Every pod that the chart makes keeps the rules; a planted breach is found."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.deploy.chart import Manifest, containers_of, render, runs_to_its_end
from tests.deploy.matrix import MATRIX
from tests.deploy.policies import violations


@pytest.mark.parametrize("values", MATRIX.values(), ids=MATRIX)
def test_it_makes_no_pod_that_breaks_a_rule(values: dict[str, Any]) -> None:
    pods = dict(render(values).pods())
    assert len(pods) >= 2
    found = {name: violations(pod, runs_to_its_end=runs_to_its_end(name)) for name, pod in pods.items()}
    assert {name: problems for name, problems in found.items() if problems} == {}


def first(pod: Manifest) -> Manifest:
    return pod["spec"]["containers"][0]


BREACHES: dict[str, tuple[Callable[[Manifest], Any], str]] = {
    "root": (lambda pod: pod["spec"]["securityContext"].pop("runAsNonRoot"), "runs as root"),
    "writable root": (
        lambda pod: first(pod)["securityContext"].update(readOnlyRootFilesystem=False),
        "may write to its root",
    ),
    "capability": (
        lambda pod: first(pod)["securityContext"]["capabilities"].update(add=["NET_ADMIN"]),
        "has capabilities",
    ),
    "no memory limit": (lambda pod: first(pod)["resources"]["limits"].pop("memory"), "no memory limit"),
    "no CPU limit": (lambda pod: first(pod)["resources"]["limits"].pop("cpu"), "no CPU limit"),
    "no CPU limit of what runs first": (
        lambda pod: pod["spec"]["initContainers"][0]["resources"]["limits"].pop("cpu"),
        "migrate: no CPU limit",
    ),
    "no request": (lambda pod: first(pod)["resources"].pop("requests"), "asks for no CPU"),
    "a request over its limit": (
        lambda pod: first(pod)["resources"]["requests"].update(memory="8Gi"),
        "asks for more memory than its limit",
    ),
    "a request of what runs first over its limit": (
        lambda pod: pod["spec"]["initContainers"][0]["resources"]["requests"].update(cpu="1500m"),
        "migrate: asks for more CPU than its limit",
    ),
    "no probe": (lambda pod: first(pod).pop("readinessProbe"), "no readinessProbe"),
    "latest": (lambda pod: first(pod).update(image="segue-gateway:latest"), "not pinned"),
    "no tag": (lambda pod: first(pod).update(image="registry:5000/segue-gateway"), "not pinned"),
    "secret": (
        lambda pod: first(pod)["env"].append({"name": "SEGUE_S3_SECRET_KEY", "value": "hunter2"}),
        "in plain sight",
    ),
    "token": (lambda pod: pod["spec"].pop("automountServiceAccountToken"), "token for the API server"),
    "host path": (
        lambda pod: pod["spec"]["volumes"].append({"name": "etc", "hostPath": {"path": "/etc"}}),
        "is a hostPath",
    ),
    "boundless scratch": (
        lambda pod: pod["spec"]["volumes"].append({"name": "more", "emptyDir": {}}),
        "has no limit",
    ),
}


@pytest.mark.parametrize(("breach", "told"), BREACHES.values(), ids=BREACHES)
def test_it_finds_a_breach(breach: Callable[[Manifest], Any], told: str) -> None:
    pod = copy.deepcopy(render().pod("StatefulSet/segue-gateway"))
    assert violations(pod) == []
    breach(pod)
    assert any(told in problem for problem in violations(pod))


@pytest.mark.parametrize("values", MATRIX.values(), ids=MATRIX)
def test_it_reads_every_secret_by_reference_and_makes_none(values: dict[str, Any]) -> None:
    rendered = render(values)
    assert rendered.of("Secret") == []
    variables = [
        variable
        for _, pod in rendered.pods()
        for container in containers_of(pod)
        for variable in container.get("env", [])
    ]
    by_reference = {v["name"] for v in variables if "secretKeyRef" in v.get("valueFrom", {})}
    assert {"SEGUE_S3_ACCESS_KEY", "SEGUE_S3_SECRET_KEY"} <= by_reference
