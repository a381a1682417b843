"""The chart, rendered by Helm itself; each set of values once."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import helm_python
import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "helm" / "segue"

Manifest = dict[str, Any]

# What a component of an InferenceService has beside a pod's own fields.
_NOT_OF_A_POD = {
    "annotations",
    "autoScaling",
    "deploymentStrategy",
    "labels",
    "maxReplicas",
    "minReplicas",
    "scaleMetric",
    "scaleTarget",
}


class Rendered(list[Manifest]):
    """Objects of one render."""

    def of(self, kind: str) -> list[Manifest]:
        """All objects of that kind."""
        return [manifest for manifest in self if manifest["kind"] == kind]

    def one(self, kind: str, name: str = "") -> Manifest:
        """The only object of that kind, or the one whose name ends so."""
        found = [m for m in self.of(kind) if m["metadata"]["name"].endswith(name)]
        assert len(found) == 1, f"{len(found)} objects of kind {kind} with a name in …{name}"
        return found[0]

    def pods(self) -> Iterator[tuple[str, Manifest]]:
        """Every pod that these objects lead to, as a Pod, by the name of what makes it."""
        for manifest in self:
            yield from pods_of(manifest)

    def pod(self, name: str) -> Manifest:
        """The pod made by the object whose name ends so."""
        found = [pod for key, pod in self.pods() if key.endswith(name)]
        assert len(found) == 1, f"{len(found)} pods of …{name}: {[key for key, _ in self.pods()]}"
        return found[0]


def pods_of(manifest: Manifest) -> Iterator[tuple[str, Manifest]]:
    """The pods of a workload, as Pod objects that Kubernetes' own rules apply to."""
    kind, name, spec = manifest["kind"], manifest["metadata"]["name"], manifest.get("spec", {})
    if kind in ("Deployment", "StatefulSet", "DaemonSet", "Job"):
        yield f"{kind}/{name}", _pod(name, spec["template"].get("metadata", {}), spec["template"]["spec"])
    elif kind == "CronJob":
        template = spec["jobTemplate"]["spec"]["template"]
        yield f"{kind}/{name}", _pod(name, template.get("metadata", {}), template["spec"])
    elif kind == "InferenceService":
        for component, part in spec.items():
            metadata = {"labels": part.get("labels", {}) | {"app": f"isvc.{name}-{component}"}}
            pod = {key: value for key, value in part.items() if key not in _NOT_OF_A_POD}
            yield f"{kind}/{name}-{component}", _pod(f"{name}-{component}", metadata, pod)


def runs_to_its_end(name: str) -> bool:
    """Whether a pod, named as `Rendered.pods` names it, is a job's: nothing probes it."""
    return name.startswith(("Job/", "CronJob/"))


def _pod(name: str, metadata: Manifest, spec: Manifest) -> Manifest:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **metadata}, "spec": spec}


def containers_of(pod: Manifest) -> list[Manifest]:
    """All containers of a pod, those that run first too."""
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


def arguments_of(container: Manifest) -> dict[str, str]:
    """Flags of a container by name; a flag without a value holds ''."""
    flags = (argument.removeprefix("--").partition("=") for argument in container.get("args", []))
    return {name.replace("-", "_"): value for name, _, value in flags}


def environment_of(container: Manifest) -> dict[str, Any]:
    """Variables of a container: their value, or where it comes from."""
    return {v["name"]: v.get("value", v.get("valueFrom")) for v in container.get("env", [])}


def deep_merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` on `base`, as Helm merges values."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = deep_merge(merged[key], value) if both else value
    return merged


MINIMAL: dict[str, Any] = {"store": {"url": "s3://music/segue"}}


def render(
    values: Mapping[str, Any] | None = None,
    *,
    name: str = "segue",
    namespace: str = "music",
    chart: Path = CHART,
    upgrade: bool = False,
) -> Rendered:
    """Render the chart with the least values that it asks for, and those given on top.

    Raises
    ------
    helm_python.HelmError
        The values contradict each other or the schema.
    """
    merged = deep_merge(MINIMAL, values or {})
    return Rendered(json.loads(_render(json.dumps(merged, sort_keys=True), name, namespace, chart, upgrade)))


@functools.cache
def _render(values: str, name: str, namespace: str, chart: Path, upgrade: bool) -> str:
    files = _load(chart).render(
        json.loads(values), name=name, namespace=namespace, is_install=not upgrade, is_upgrade=upgrade
    )
    texts = [text for path, text in sorted(files.items()) if path.endswith(".yaml")]
    manifests = [
        manifest for text in texts for manifest in yaml.load_all(text, Loader=yaml.CSafeLoader) if manifest
    ]
    return json.dumps(manifests)


@functools.cache
def _load(chart: Path) -> helm_python.Chart:
    return helm_python.Chart.load(str(chart))
