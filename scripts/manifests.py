"""Generate manifests/ from the chart: `make manifests`.

base/ is the chart rendered with manifests/values.yaml. A component is the difference that the component's own
values.yaml makes: new objects are resources, changed ones JSON6902 patches, since a strategic-merge patch
would replace an InferenceService's containers.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import helm_python
import yaml

ROOT = Path(__file__).resolve().parents[1]
CHART = ROOT / "helm" / "segue"
MANIFESTS = ROOT / "manifests"
NAME, NAMESPACE = "segue", "segue"
HEADER = "# Made by `make manifests` from helm/segue: edit the chart, or add a patch in an overlay.\n"
# Components that are applied on top of another one.
AFTER = {
    "evaluation": "database",
    "keda": "monitoring",
    "retention": "database",
    "retrain-on-alert": "training",
}

Manifest = dict[str, Any]
Key = tuple[str, str, str]


class _Dumper(yaml.CSafeDumper):
    """Writes multi-line strings in block style."""


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style="|" if "\n" in text else None
    ),
)


def render(*values: Mapping[str, Any]) -> dict[Key, Manifest]:
    """Objects of the chart by group, kind and name."""
    merged: dict[str, Any] = {}
    for part in values:
        merged = _merge(merged, part)
    files = _chart().render(merged, name=NAME, namespace=NAMESPACE)
    texts = [text for path, text in sorted(files.items()) if path.endswith(".yaml")]
    found = [
        manifest for text in texts for manifest in yaml.load_all(text, Loader=yaml.CSafeLoader) if manifest
    ]
    return {_key(manifest): manifest for manifest in found}


@functools.cache
def _chart() -> helm_python.Chart:
    return helm_python.Chart.load(str(CHART))


def _key(manifest: Manifest) -> Key:
    return manifest["apiVersion"], manifest["kind"], manifest["metadata"]["name"]


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def changes(old: Any, new: Any, path: str = "") -> Iterator[Manifest]:
    """JSON6902 operations that turn `old` into `new`; appended list items are added at the end."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            here = f"{path}/{key.replace('~', '~0').replace('/', '~1')}"
            if key not in new:
                yield {"op": "remove", "path": here}
            elif key not in old:
                yield {"op": "add", "path": here, "value": new[key]}
            else:
                yield from changes(old[key], new[key], here)
    elif isinstance(old, list) and isinstance(new, list) and len(old) <= len(new):
        for number, (before, after) in enumerate(zip(old, new, strict=False)):
            yield from changes(before, after, f"{path}/{number}")
        yield from ({"op": "add", "path": f"{path}/-", "value": value} for value in new[len(old) :])
    elif old != new:
        yield {"op": "replace", "path": path, "value": new}


def generated_files() -> dict[Path, str]:
    """Path and correct content of every generated file of manifests/."""
    base_values = _values(MANIFESTS)
    base = render(base_values)
    files = {
        MANIFESTS / "base" / "resources.yaml": _dump(base.values()),
        MANIFESTS / "base" / "kustomization.yaml": _kustomization(
            "Kustomization", resources=["resources.yaml"]
        ),
        ROOT / "dashboards" / "kustomization.yaml": _dashboards(
            [
                manifest
                for manifest in render(base_values, _values(MANIFESTS / "components" / "monitoring")).values()
                if _is_dashboard(manifest)
            ]
        ),
    }
    for folder in sorted(path.parent for path in (MANIFESTS / "components").glob("*/values.yaml")):
        under = AFTER.get(folder.name)
        below = [base_values, *([_values(MANIFESTS / "components" / under)] if under else [])]
        files |= _component(folder, render(*below), render(*below, _values(folder)))
    return files


def _component(folder: Path, old: dict[Key, Manifest], new: dict[Key, Manifest]) -> dict[Path, str]:
    added = [manifest for key, manifest in new.items() if key not in old and not _is_dashboard(manifest)]
    patches = [
        {
            "target": {"kind": key[1], "name": key[2]},
            "patch": yaml.dump(operations, Dumper=_Dumper, sort_keys=False, width=110),
        }
        for key, manifest in new.items()
        if key in old and (operations := list(changes(old[key], manifest)))
    ]
    files = {}
    resources = []
    if added:
        files[folder / "resources.yaml"] = _dump(added)
        resources.append("resources.yaml")
    if len(added) < len(new.keys() - old.keys()):
        resources.append("../../../dashboards")
    parts = {"resources": resources, "patches": patches}
    files[folder / "kustomization.yaml"] = _kustomization(
        "Component", **{name: part for name, part in parts.items() if part}
    )
    return files


def _is_dashboard(manifest: Manifest) -> bool:
    """Whether it is a dashboard. These are large, and included from dashboards/ instead of copied."""
    return manifest["kind"] == "ConfigMap" and manifest["metadata"]["name"].startswith(f"{NAME}-dashboard-")


def _dashboards(manifests: list[Manifest]) -> str:
    """A kustomization that generates the chart's ConfigMaps from the dashboards' files."""
    generator = [
        {"name": manifest["metadata"]["name"], "files": sorted(manifest["data"])} for manifest in manifests
    ]
    parts: Manifest = {}
    if manifests:
        options = {"disableNameSuffixHash": True, "labels": manifests[0]["metadata"]["labels"]}
        parts = {"configMapGenerator": generator, "generatorOptions": options}
    return _kustomization("Kustomization", **parts)


def _kustomization(kind: str, **parts: Any) -> str:
    version = "v1beta1" if kind == "Kustomization" else "v1alpha1"
    return _dump([{"apiVersion": f"kustomize.config.k8s.io/{version}", "kind": kind, **parts}])


def _values(folder: Path) -> Manifest:
    return dict(yaml.safe_load((folder / "values.yaml").read_text(encoding="utf-8")))


def _dump(manifests: Any) -> str:
    plain = json.loads(json.dumps(list(manifests)))  # copies shared objects, so that YAML has no anchors
    return HEADER + yaml.dump_all(plain, Dumper=_Dumper, sort_keys=False, width=110)


def main() -> None:
    """Write the files that are out of date, and remove those that are no longer generated."""
    files = generated_files()
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")
    for path in MANIFESTS.glob("components/*/resources.yaml"):
        if path not in files and path.read_text(encoding="utf-8").startswith(HEADER):
            path.unlink()


if __name__ == "__main__":
    main()
