"""kustomize builds every combination, gives what the chart gives, and patches by JSON6902 alone."""

from __future__ import annotations

import functools
import itertools
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.manifests import AFTER, NAME, NAMESPACE
from tests.conftest import require
from tests.deploy.chart import ROOT, Manifest, Rendered, deep_merge, render, runs_to_its_end
from tests.deploy.policies import violations
from tests.deploy.schemas import problems

MANIFESTS = ROOT / "manifests"
COMPONENTS = sorted(path.parent.name for path in MANIFESTS.glob("components/*/values.yaml"))
OVERLAYS = sorted(path.name for path in MANIFESTS.glob("overlays/*"))
# Those that change what the base has; the others only add, and are all built at once below.
PATCHING = [
    name
    for name in COMPONENTS
    if "patches:" in (MANIFESTS / "components" / name / "kustomization.yaml").read_text()
]
# Two ways to do one thing.
EITHER_OR = {frozenset({"hpa", "keda"})}
PAIRS = [pair for pair in itertools.combinations(PATCHING, 2) if frozenset(pair) not in EITHER_OR]


@functools.cache
def kustomize() -> str:
    found = shutil.which("kustomize") or shutil.which("kustomize", path=str(Path.home() / "go/bin"))
    how = "go install sigs.k8s.io/kustomize/kustomize/v5@v5.7.1"
    require(found is not None, "kustomize", how)
    return str(found)


def build(folder: Path) -> Rendered:
    done = subprocess.run([kustomize(), "build", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Rendered(manifest for manifest in yaml.load_all(done.stdout, Loader=yaml.CSafeLoader) if manifest)


def combination(folder: Path, *components: str) -> Rendered:
    """Base and components, each after what it stands on."""
    wanted = list(dict.fromkeys(x for c in components for x in ([AFTER[c]] if c in AFTER else []) + [c]))
    described = {
        "namespace": NAMESPACE,
        "resources": ["base"],
        "components": [f"components/{name}" for name in wanted],
    }
    # kustomize takes nothing from outside its root, so the root is a copy
    for name in ("manifests", "dashboards"):
        shutil.copytree(ROOT / name, folder / name)
    (folder / "manifests" / "kustomization.yaml").write_text(yaml.safe_dump(described))
    return build(folder / "manifests")


def values_of(*components: str) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for folder in (MANIFESTS, *(MANIFESTS / "components" / name for name in components)):
        merged = deep_merge(merged, yaml.safe_load((folder / "values.yaml").read_text()))
    return merged


def comparable(manifests: list[Manifest]) -> dict[str, str]:
    """Objects by kind and name, with what kustomize writes in and Helm leaves to the command."""
    found = {}
    for manifest in manifests:
        metadata = {**manifest["metadata"], "namespace": manifest["metadata"].get("namespace", NAMESPACE)}
        text = json.dumps({**manifest, "metadata": metadata}, sort_keys=True)
        found[f"{manifest['kind']}/{metadata['name']}"] = text
    return found


def same_up_to_order(one: str, other: str) -> bool:
    """Whether two objects are equal where a patch may have appended what the chart puts in between."""
    return _sorted(json.loads(one)) == _sorted(json.loads(other))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(part) for key, part in value.items()}
    if isinstance(value, list):
        return sorted((_sorted(part) for part in value), key=lambda part: json.dumps(part, sort_keys=True))
    return value


def assert_parity(built: Rendered, components: tuple[str, ...]) -> None:
    under = tuple(dict.fromkeys(x for c in components for x in ([AFTER[c]] if c in AFTER else []) + [c]))
    chart = comparable(render(values_of(*under), name=NAME, namespace=NAMESPACE))
    kustomized = comparable(built)
    assert chart.keys() == kustomized.keys()
    assert [name for name in chart if not same_up_to_order(chart[name], kustomized[name])] == []


@pytest.mark.parametrize("component", COMPONENTS)
def test_it_gives_with_a_component_what_the_chart_gives_with_its_values(
    component: str, tmp_path: Path
) -> None:
    assert_parity(combination(tmp_path, component), (component,))


def test_it_gives_with_every_component_what_the_chart_gives_with_all_values(tmp_path: Path) -> None:
    for either in ("hpa", "keda"):
        every = tuple(name for name in COMPONENTS if name != either)
        folder = tmp_path / either
        folder.mkdir()
        assert_parity(combination(folder, *every), every)


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_it_gives_with_two_patches_what_the_chart_gives(pair: tuple[str, str], tmp_path: Path) -> None:
    assert_parity(combination(tmp_path, *pair), pair)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_it_builds_an_overlay_whose_pods_keep_the_rules(overlay: str) -> None:
    built = build(MANIFESTS / "overlays" / overlay)
    for name, pod in built.pods():
        assert violations(pod, runs_to_its_end=runs_to_its_end(name)) == [], name
    assert {m["metadata"].get("namespace") for m in built if m["kind"] != "Namespace"} == {NAMESPACE}


@pytest.mark.usefixtures("custom_schemas")
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_it_builds_an_overlay_that_the_api_servers_take(overlay: str) -> None:
    assert problems(build(MANIFESTS / "overlays" / overlay)) == []


def test_it_points_everything_at_your_store_in_prod() -> None:
    built = build(MANIFESTS / "overlays" / "prod")
    text = json.dumps(built)
    assert "s3://segue/segue" not in text
    assert text.count("s3://music/segue/channels/champion") == 3
    assert text.count("--store=s3://music/segue") == 2
    assert {pod["spec"]["containers"][0]["image"].partition("/segue/")[0] for _, pod in built.pods()} == {
        "registry.example"
    }
    assert built.of("ConfigMap") == [] or "segue-store" not in text


def test_it_patches_the_inference_service_by_json6902_alone() -> None:
    for path in MANIFESTS.glob("*/*/kustomization.yaml"):
        described = yaml.safe_load(path.read_text())
        assert "patchesStrategicMerge" not in described
        for patch in described.get("patches", []):
            assert isinstance(yaml.safe_load(patch["patch"]), list), path


def test_it_says_what_each_component_is_for() -> None:
    for folder in sorted((MANIFESTS / "components").iterdir()):
        readme = folder / "README.md"
        assert readme.exists(), folder
        assert len(readme.read_text().split()) > 15
        under = AFTER.get(folder.name)
        assert under is None or under in readme.read_text()
