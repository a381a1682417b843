"""Rules that every pod of Segue keeps: the restricted pod security standard, and what running it asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from kubernetes.utils.quantity import parse_quantity

from tests.deploy.chart import Manifest, containers_of

# A value here would be a secret in plain sight; a name or an address is none.
_SECRET_NAMES = re.compile(r"(SECRET_KEY|ACCESS_KEY|PASSWORD|TOKEN|_KEY|DATABASE_URL)(_ID)?$")


def violations(pod: Manifest, *, runs_to_its_end: bool = False) -> list[str]:
    """What a pod does that it must not, a line each."""
    found = list(_of_pod(pod["spec"]))
    for container in containers_of(pod):
        found += [f"{container['name']}: {problem}" for problem in _of_container(container)]
    if not runs_to_its_end:
        for container in pod["spec"]["containers"]:
            found += [
                f"{container['name']}: no {probe}"
                for probe in ("livenessProbe", "readinessProbe", "startupProbe")
                if probe not in container
            ]
    return found


def _of_pod(spec: Manifest) -> Iterator[str]:
    security = spec.get("securityContext", {})
    if not security.get("runAsNonRoot") or not security.get("runAsUser"):
        yield "runs as root, or may"
    if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "no seccomp profile"
    if spec.get("automountServiceAccountToken") is not False:
        yield "is given a token for the API server"
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(name):
            yield f"{name} is on"
    allowed = {"name", "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral"}
    allowed |= {"persistentVolumeClaim", "projected", "secret"}
    for volume in spec.get("volumes", []):
        yield from (f"volume {volume['name']} is a {kind}" for kind in volume.keys() - allowed)
        if "emptyDir" in volume and "sizeLimit" not in volume["emptyDir"]:
            yield f"volume {volume['name']} has no limit"


def quantity(amount: str | float) -> Decimal:
    """What Kubernetes reads there: `500m` is 0.5."""
    return parse_quantity(str(amount))


def _of_resources(resources: Manifest) -> Iterator[str]:
    requests, limits = resources.get("requests", {}), resources.get("limits", {})
    for what, called in (("cpu", "CPU"), ("memory", "memory")):
        if what not in limits:
            yield f"no {called} limit"
        if what not in requests:
            yield f"asks for no {called}"
        elif what in limits and quantity(requests[what]) > quantity(limits[what]):
            yield f"asks for more {called} than its limit"


def _of_container(container: Manifest) -> Iterator[str]:
    security = container.get("securityContext", {})
    if security.get("allowPrivilegeEscalation") is not False:
        yield "may gain privileges"
    if not security.get("readOnlyRootFilesystem"):
        yield "may write to its root"
    if security.get("capabilities", {}).get("drop") != ["ALL"] or security["capabilities"].get("add"):
        yield "has capabilities"
    yield from _of_resources(container.get("resources", {}))
    name, _, tag = container["image"].rpartition("/")[2].partition(":")
    if "@" not in name and tag in ("", "latest"):
        yield f"image {container['image']} is not pinned"
    for variable in container.get("env", []):
        value = variable.get("value", "")
        if _SECRET_NAMES.search(variable["name"]) and value and not value.startswith("sqlite:"):
            yield f"{variable['name']} holds a secret in plain sight"
    for port in container.get("ports", []):
        if port["containerPort"] < 1024 or "hostPort" in port:
            yield f"port {port['containerPort']} needs privileges"
