"""Two releases in one namespace do not touch, and the next chart does no harm to what stands."""

from __future__ import annotations

import itertools
from typing import Any

from tests.deploy.chart import Manifest, Rendered, render
from tests.deploy.matrix import MATRIX

FULL: dict[str, Any] = {
    **MATRIX["trained"],
    **MATRIX["evaluation"],
    "catalog": MATRIX["trained"]["catalog"],
    "monitoring": {"enabled": True},
    "autoscaling": {"class": "hpa"},
    "gateway": {"replicas": 2, "maxReplicas": 4},
    "ingress": {"enabled": True, "uiHost": "music.example"},
    "retention": {"enabled": True},
}


def ids(rendered: Rendered) -> set[tuple[str, str, str]]:
    return {(m["kind"], m["metadata"].get("namespace", ""), m["metadata"]["name"]) for m in rendered}


def selectors(rendered: Rendered) -> list[Manifest]:
    """Labels that a release's services, budgets, policies and monitors look for."""
    found = []
    for manifest in rendered:
        spec = manifest.get("spec", {})
        selector = spec.get("selector") or spec.get("podSelector") or {}
        if selector and manifest["kind"] != "PersistentVolumeClaim":
            found.append(selector.get("matchLabels", selector))
    return found


def test_it_names_nothing_as_another_release_does() -> None:
    one, other = render(FULL, name="jazz"), render(FULL, name="rock")
    assert len(one) > 30
    assert not ids(one) & ids(other)


def test_it_selects_no_pod_of_another_release() -> None:
    releases = {name: render(FULL, name=name) for name in ("jazz", "rock", "segue", "segue-challenger")}
    labels = {name: [p["metadata"]["labels"] for _, p in r.pods()] for name, r in releases.items()}
    for name, other in itertools.permutations(releases, 2):
        for selector in selectors(releases[name]):
            touched = [pod for pod in labels[other] if selector.items() <= pod.items()]
            assert touched == [], f"{name} selects pods of {other} by {selector}"


def test_it_names_every_object_once() -> None:
    for values in MATRIX.values():
        rendered = render(values)
        assert len(ids(rendered)) == len(rendered)


def test_it_keeps_names_short_enough_for_what_kserve_appends() -> None:
    rendered = render(name="a-release-with-a-very-long-name-of-fifty-two-chars")
    longest = max(len(m["metadata"]["name"]) for m in rendered)
    assert longest <= 63
    # Kubernetes appends the time
    (nightly,) = render(MATRIX["log that is kept for a while"], name="a" * 53).of("CronJob")
    assert len(nightly["metadata"]["name"]) <= 52
    assert len(rendered.one("InferenceService")["metadata"]["name"]) <= 40


def test_it_lets_the_champion_s_gateway_in_to_the_canary_and_nobody_else() -> None:
    canary = render(MATRIX["canary"], name="segue-challenger")
    policy = canary.one("NetworkPolicy", "segue-challenger-transformer")
    peers = policy["spec"]["ingress"][0]["from"]
    instances = {peer["podSelector"]["matchLabels"]["app.kubernetes.io/instance"] for peer in peers}
    assert instances == {"segue-challenger", "segue"}
    assert canary.of("StatefulSet") == []


def immutable(manifest: Manifest) -> Any:
    """What Kubernetes lets nobody change in an object that stands."""
    spec = manifest.get("spec", {})
    if manifest["kind"] in ("Deployment", "StatefulSet"):
        kept = {key: spec.get(key) for key in ("selector", "serviceName", "podManagementPolicy")}
        claims = [claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates", [])]
        return {**kept, "claims": claims}
    if manifest["kind"] == "Job":
        return spec
    if manifest["kind"] == "Service":
        return spec.get("clusterIP")
    if manifest["kind"] == "RoleBinding":
        return manifest["roleRef"]
    return None


def test_it_changes_nothing_that_can_not_be_changed_when_it_is_upgraded() -> None:
    before = {key(m): m for m in render(FULL)}
    changed = {**FULL, "images": {"tag": "9.9.9"}, "store": {"url": "s3://other/place"}}
    after = {key(m): m for m in render(changed, upgrade=True)}
    for name in before.keys() & after.keys():
        assert immutable(before[name]) == immutable(after[name]), name
    gone = {name[0] for name in before.keys() - after.keys()}
    assert gone <= {"Job"}


def key(manifest: Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


def test_it_has_no_label_of_a_version_in_a_selector() -> None:
    for selector in selectors(render(FULL)):
        assert "app.kubernetes.io/version" not in selector
        assert "team" not in selector
