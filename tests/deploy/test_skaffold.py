"""skaffold.yaml is what Skaffold takes, builds what there is, and deploys values that the chart takes."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import jsonschema
import pytest
import yaml

from tests.deploy.chart import ROOT, deep_merge, render
from tests.deploy.schemas import SCHEMAS

SKAFFOLD: dict[str, Any] = yaml.safe_load((ROOT / "skaffold.yaml").read_text())
RELEASES = {
    "dev": SKAFFOLD["deploy"]["helm"]["releases"][0],
    "prod": SKAFFOLD["profiles"][0]["deploy"]["helm"]["releases"][0],
}


def values_of(release: dict[str, Any]) -> dict[str, Any]:
    """Values as Skaffold hands them to Helm, with an image's address in place of each template."""
    merged: dict[str, Any] = {}
    templates = {
        "{{.SEGUE_STORE}}": "s3://music/segue",
        "{{.SEGUE_CATALOG}}": "s3://music/tracks/",
    }
    flat = {**release["setValueTemplates"], **release["setValues"]}
    for path, given in flat.items():
        value = given
        if isinstance(given, str) and given.startswith("{{"):
            value = templates.get(given, f"registry.example/{path.partition('.')[2]}:4f2a@sha256:{'0' * 64}")
        for part in reversed(path.split(".")):
            value = {part: value}
        merged = deep_merge(merged, value)
    return merged


@pytest.mark.usefixtures("custom_schemas")
def test_it_is_what_skaffold_takes_and_a_typo_not() -> None:
    schema = json.loads((SCHEMAS / "skaffold-v4beta13.json").read_text())
    validator = jsonschema.Draft7Validator(schema)
    assert [error.message for error in validator.iter_errors(SKAFFOLD)] == []
    wrong = deep_merge(SKAFFOLD, {"build": {"artefacts": []}})
    assert any("artefacts" in error.message for error in validator.iter_errors(wrong))


@pytest.mark.parametrize("profile", RELEASES)
def test_it_deploys_values_that_the_chart_takes(profile: str) -> None:
    rendered = render(values_of(RELEASES[profile]))
    for _, pod in rendered.pods():
        images = [container["image"] for container in pod["spec"]["containers"]]
        assert all(image.count("@") <= 1 and image.count(":4f2a") <= 1 for image in images)
    built = {
        c["image"] for _, pod in rendered.pods() for c in pod["spec"]["containers"] if "4f2a" in c["image"]
    }
    # every image that the release is told to set is one that a pod runs
    told = [path for path in RELEASES[profile]["setValueTemplates"] if path.startswith("images.")]
    assert {image.partition("/")[2].partition(":")[0] for image in built} == {
        path.removeprefix("images.") for path in told
    }


def test_it_builds_every_image_of_the_chart_from_a_dockerfile_that_is_there() -> None:
    images = yaml.safe_load((ROOT / "helm/segue/values.yaml").read_text())["images"]
    built = {
        artifact["image"]: artifact["docker"]["dockerfile"] for artifact in SKAFFOLD["build"]["artifacts"]
    }
    assert set(built) == {images[c] for c in ("predictor", "transformer", "gateway", "ui", "pipeline")}
    assert all((ROOT / path).exists() for path in built.values())


def test_it_writes_saved_files_of_the_page_to_where_it_runs() -> None:
    page = next(a for a in SKAFFOLD["build"]["artifacts"] if a["image"] == "segue-ui")
    sync = page["sync"]["manual"][0]
    pod = render(values_of(RELEASES["dev"])).pod("-ui")
    container = pod["spec"]["containers"][0]
    folder = container["workingDir"]
    assert sync["dest"].startswith(f"{folder}/serving/ui")
    assert folder in {mount["mountPath"] for mount in container["volumeMounts"]}
    assert "workingDir" not in render().pod("-ui")["spec"]["containers"][0]


def test_it_forwards_ports_of_services_that_are_there() -> None:
    services = {
        s["metadata"]["name"]: [port["port"] for port in s["spec"]["ports"]]
        for s in render(values_of(RELEASES["dev"])).of("Service")
    }
    for forward in SKAFFOLD["portForward"]:
        assert forward["port"] in services[forward["resourceName"]]


def test_it_forwards_nothing_in_prod_that_is_not_there() -> None:
    """A profile's patches as Skaffold applies them: in order, to the base with the profile on it."""
    forwards = list(SKAFFOLD["portForward"])
    prod = SKAFFOLD["profiles"][0]
    # Skaffold takes an empty list of a profile for none given
    assert "portForward" not in prod
    for patch in prod["patches"]:
        assert patch["op"] == "remove"
        forwards.pop(int(patch["path"].removeprefix("/portForward/")))
    services = {s["metadata"]["name"] for s in render(values_of(RELEASES["prod"])).of("Service")}
    assert [forward["resourceName"] for forward in forwards] == ["segue-gateway", "segue-ui"]
    assert {forward["resourceName"] for forward in forwards} <= services


def test_it_does_not_wait_for_pods_that_wait_for_their_first_bundle() -> None:
    assert SKAFFOLD["deploy"]["statusCheck"] is False
    assert "hooks" not in SKAFFOLD["profiles"][0]["deploy"]["helm"]


KUBECTL = """#!/bin/sh
echo "$@" >> "$LOG"
case "$*" in *"get secret"*|*"get namespace"*) exit 1;; esac
"""


def test_it_draws_new_secrets_of_the_form_that_they_must_have(tmp_path: Any) -> None:
    (tmp_path / "kubectl").write_text(KUBECTL)
    (tmp_path / "kubectl").chmod(0o755)
    seen = []
    for run in ("one", "two"):
        log = tmp_path / run
        environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "LOG": str(log)}
        subprocess.run(["sh", str(ROOT / "scripts/dev_secrets.sh"), "music"], env=environment, check=True)
        made = [line for line in log.read_text().splitlines() if " create secret " in line]
        literals = dict(
            word.removeprefix("--from-literal=").split("=", 1)
            for line in made
            for word in line.split()
            if word.startswith("--from-literal=")
        )
        seen.append(literals)
        assert literals["url"].startswith(f"postgresql://segue:{literals['password']}@segue-postgresql:5432/")
        from segue.keys.adopt import is_credential

        assert is_credential(literals["key"])
    assert not {seen[0][name] for name in ("access_key", "secret_key", "password", "key")} & set(
        seen[1].values()
    )
