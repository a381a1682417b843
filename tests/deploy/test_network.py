"""What the policies let through, worked out as a cluster does: a connection needs both ends to agree."""

from __future__ import annotations

from typing import Any

import pytest

from tests.deploy.chart import Manifest, Rendered, deep_merge, render
from tests.deploy.matrix import MATRIX

PROMETHEUS = {"app.kubernetes.io/name": "prometheus"}
STRANGER = {"app": "stranger"}


def pods(rendered: Rendered) -> dict[str, Manifest]:
    return {name.rpartition("-")[2]: pod["metadata"]["labels"] for name, pod in rendered.pods()}


def selects(selector: Manifest, labels: Manifest) -> bool:
    return bool(selector.get("matchLabels", {}).items() <= labels.items())


def may(policies: list[Manifest], way: str, of: Manifest, peer: Manifest, port: int) -> bool:
    """Whether policies let `of` receive from (Ingress) or send to (Egress) a pod of the same namespace."""
    mine = [
        p["spec"]
        for p in policies
        if selects(p["spec"]["podSelector"], of) and way in p["spec"]["policyTypes"]
    ]
    if not mine:
        return True
    field = "from" if way == "Ingress" else "to"
    return any(
        port in {p["port"] for p in rule.get("ports", [])} and matches(rule.get(field), peer)
        for spec in mine
        for rule in spec.get(way.lower(), [])
    )


def matches(peers: list[Manifest] | None, labels: Manifest) -> bool:
    return not peers or any(
        selects(peer.get("podSelector", {}), labels) for peer in peers if "ipBlock" not in peer
    )


def connects(rendered: Rendered, source: Manifest, target: Manifest, port: int) -> bool:
    policies = rendered.of("NetworkPolicy")
    return may(policies, "Egress", source, target, port) and may(policies, "Ingress", target, source, port)


@pytest.mark.parametrize(
    ("source", "target", "port"),
    [
        ("ui", "gateway", 8000),
        ("gateway", "transformer", 8080),
        ("transformer", "predictor", 8081),
    ],
)
def test_it_lets_a_request_through_step_by_step(source: str, target: str, port: int) -> None:
    rendered = render()
    labels = pods(rendered)
    assert connects(rendered, labels[source], labels[target], port)


@pytest.mark.parametrize(
    ("source", "target", "port"),
    [
        ("ui", "transformer", 8080),
        ("ui", "predictor", 8081),
        ("gateway", "predictor", 8081),
        ("gateway", "predictor", 8082),
        ("predictor", "gateway", 8000),
        ("transformer", "gateway", 8000),
        ("predictor", "transformer", 8080),
    ],
)
def test_it_lets_nothing_else_through(source: str, target: str, port: int) -> None:
    rendered = render()
    labels = pods(rendered)
    assert not connects(rendered, labels[source], labels[target], port)


def test_it_keeps_strangers_from_the_pair_but_not_prometheus() -> None:
    rendered = render()
    labels = pods(rendered)
    for component, port in (("predictor", 8082), ("transformer", 8080)):
        assert not connects(rendered, STRANGER, labels[component], port)
        assert connects(rendered, PROMETHEUS, labels[component], port)
    assert connects(rendered, STRANGER, labels["gateway"], 8000)


def test_it_lets_only_those_named_reach_the_gateway_and_the_page() -> None:
    peer = {"podSelector": {"matchLabels": {"app": "shop"}}}
    rendered = render({"networkPolicy": {"gatewayFrom": [peer], "uiFrom": [peer]}})
    labels = pods(rendered)
    assert connects(rendered, {"app": "shop"}, labels["gateway"], 8000)
    assert not connects(rendered, STRANGER, labels["gateway"], 8000)
    assert not connects(rendered, STRANGER, labels["ui"], 8501)
    assert connects(rendered, labels["ui"], labels["gateway"], 8000)
    assert connects(rendered, PROMETHEUS, labels["gateway"], 8000)


def test_it_lets_a_champion_s_gateway_reach_its_canary() -> None:
    champion = render(MATRIX["served with a canary"])
    canary = render(MATRIX["canary"], name="segue-challenger")
    gateway, transformer = pods(champion)["gateway"], pods(canary)["transformer"]
    assert may(champion.of("NetworkPolicy"), "Egress", gateway, transformer, 8080)
    assert may(canary.of("NetworkPolicy"), "Ingress", transformer, gateway, 8080)
    plain = render()
    assert not may(plain.of("NetworkPolicy"), "Egress", gateway, transformer, 8080)
    stranger = pods(render(name="rock"))["gateway"]
    assert not may(canary.of("NetworkPolicy"), "Ingress", transformer, stranger, 8080)


@pytest.mark.parametrize(
    ("component", "port", "reaches"),
    [("predictor", 9000, True), ("gateway", 5432, True), ("predictor", 5432, False), ("ui", 9000, False)],
)
def test_it_lets_out_only_to_what_a_component_needs(component: str, port: int, *, reaches: bool) -> None:
    rendered = render()
    assert may(rendered.of("NetworkPolicy"), "Egress", pods(rendered)[component], STRANGER, port) is reaches


def test_it_lets_the_nightly_job_reach_the_database_and_nothing_else() -> None:
    rendered = render(MATRIX["log that is kept for a while"])
    labels, policies = pods(rendered), rendered.of("NetworkPolicy")
    assert may(policies, "Egress", labels["retention"], STRANGER, 5432)
    for port in (80, 443, 8000, 8080, 8081, 8888, 9000):
        assert not may(policies, "Egress", labels["retention"], STRANGER, port)
    for component, port in (("gateway", 8000), ("transformer", 8080), ("predictor", 8081)):
        assert not connects(rendered, labels["retention"], labels[component], port)
    assert not any(may(policies, "Ingress", labels["retention"], PROMETHEUS, port) for port in (8000, 8080))
    tried = render(deep_merge(MATRIX["evaluation"], {"retention": {"enabled": True}}))
    assert connects(tried, pods(tried)["retention"], pods(tried)["postgresql"], 5432)


@pytest.mark.parametrize("values", [v for n, v in MATRIX.items() if "open" not in n])
def test_it_denies_by_default_for_every_pod(values: dict[str, Any]) -> None:
    rendered = render(values)
    deny = rendered.one("NetworkPolicy", "-default-deny")["spec"]
    assert "ingress" not in deny
    assert all(rule.get("ports") for rule in deny["egress"])
    for name, pod in rendered.pods():
        assert selects(deny["podSelector"], pod["metadata"]["labels"]), name


def test_it_has_no_policy_where_they_are_off() -> None:
    assert render({"networkPolicy": {"enabled": False}}).of("NetworkPolicy") == []
