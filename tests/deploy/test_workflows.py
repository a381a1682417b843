"""The workflows: pinned, least rights, no secret for strangers, and they run what is there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.chart import ROOT

WORKFLOWS = {path.name: path.read_text() for path in sorted((ROOT / ".github/workflows").glob("*.yml"))}
PARSED: dict[str, dict[Any, Any]] = {name: yaml.safe_load(text) for name, text in WORKFLOWS.items()}
PINNED = re.compile(r"^[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


def unpinned(text: str) -> list[str]:
    used = re.findall(r"uses: (.+)", text)
    return [action for action in used if not PINNED.match(action)]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_it_pins_every_action_to_a_commit(name: str) -> None:
    assert "uses: " in WORKFLOWS[name]
    assert unpinned(WORKFLOWS[name]) == []


def test_it_finds_an_action_that_is_not_pinned() -> None:
    assert unpinned("- uses: actions/checkout@v4\n") == ["actions/checkout@v4"]


def test_it_pins_one_action_to_one_commit_everywhere() -> None:
    pins = set(re.findall(r"uses: (\S+)@(\w+)", "\n".join(WORKFLOWS.values())))
    assert len(pins) == len({action for action, _ in pins})


@pytest.mark.parametrize("name", WORKFLOWS)
def test_it_starts_with_rights_to_read_alone(name: str) -> None:
    assert set(PARSED[name]["permissions"].values()) == {"read"}
    # yaml reads `on` as true
    assert "pull_request_target" not in PARSED[name][True]


def test_it_shows_no_secret_to_a_pull_request() -> None:
    for name, parsed in PARSED.items():
        if "pull_request" in parsed[True]:
            assert "secrets." not in WORKFLOWS[name]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_it_puts_nothing_that_a_stranger_writes_into_a_script(name: str) -> None:
    for job in PARSED[name]["jobs"].values():
        assert "timeout-minutes" in job
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), step


def test_it_builds_and_releases_every_image() -> None:
    wanted = {
        str(path.relative_to(ROOT))
        for path in [*ROOT.glob("serving/*/Dockerfile"), ROOT / "components/Dockerfile"]
    }
    assert {"components/Dockerfile", "serving/gateway/Dockerfile"} <= wanted
    for name, job in (("ci.yml", "images"), ("release.yml", "image")):
        built = PARSED[name]["jobs"][job]["strategy"]["matrix"]["include"]
        assert {image["file"] for image in built} == wanted


def test_it_releases_with_provenance_and_sbom_and_no_latest() -> None:
    steps = PARSED["release.yml"]["jobs"]["image"]["steps"]
    build = next(step["with"] for step in steps if "build-push" in step.get("uses", ""))
    assert (build["provenance"], build["sbom"], build["push"]) == ("mode=max", True, True)
    meta = next(step["with"] for step in steps if "metadata" in step.get("uses", ""))
    assert meta["flavor"] == "latest=false"


def test_it_deploys_with_rollback_to_an_environment() -> None:
    job = PARSED["deploy.yml"]["jobs"]["deploy"]
    assert job["environment"]
    assert "--rollback-on-failure" in str(job["steps"])


HELM = """#!/bin/sh
case "$1" in
list) cat "$RELEASES" ;;
upgrade) echo "$@" >>"$LOG" ;;
*) cat >/dev/null ;;
esac
"""


@pytest.mark.parametrize(("there", "guarded"), [("segue\n", True), ("", False)], ids=["upgrade", "first"])
def test_it_waits_for_an_upgrade_and_not_for_a_first_installation(
    tmp_path: Path, there: str, *, guarded: bool
) -> None:
    (step,) = (s for s in PARSED["deploy.yml"]["jobs"]["deploy"]["steps"] if "run" in s)
    (tmp_path / "helm").write_text(HELM)
    (tmp_path / "helm").chmod(0o755)
    (tmp_path / "releases").write_text(there)
    environment = dict.fromkeys(step["env"], "x") | {
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "RUNNER_TEMP": str(tmp_path),
        "RELEASES": str(tmp_path / "releases"),
        "LOG": str(tmp_path / "log"),
        "OWNER": "The-Owner",
        "VERSION": "1.2.3",
        "NAMESPACE": "music",
    }
    # as the runner starts it
    subprocess.run(["bash", "-e", "-c", step["run"]], env=environment, check=True)
    (asked,) = (tmp_path / "log").read_text().splitlines()
    assert "oci://ghcr.io/the-owner/charts/segue --version 1.2.3" in asked
    assert "images.registry=ghcr.io/the-owner" in asked
    assert ("--rollback-on-failure" in asked) is guarded
    assert (tmp_path / "kubeconfig").stat().st_mode & 0o077 == 0


def test_it_releases_under_a_name_that_a_registry_takes() -> None:
    steps = [step for job in PARSED["release.yml"]["jobs"].values() for step in job["steps"]]
    named = [str(step["with"]) for step in steps if "/segue-" in str(step.get("with", ""))]
    assert named
    assert all("needs.version.outputs.registry" in told for told in named)
    assert "github.repository_owner" not in WORKFLOWS["release.yml"]


def test_it_runs_commands_that_there_are() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for text in WORKFLOWS.values():
        for line in re.findall(r"^\s*make (.+)$", text, re.MULTILINE):
            assert set(line.split()) <= targets
    assert Path(ROOT / ".ci/run").exists()
