"""The programs of docs/API.md, run as they stand there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import require
from tests.gateway.conftest import Stack
from tests.serving.processes import ROOT

MANUAL = (ROOT / "docs" / "API.md").read_text(encoding="utf-8")
API = MANUAL.split("\n## The gateway\n")[1].split("\n## ")[0]


def program(language: str) -> str:
    [found] = re.findall(rf"```{language}\n(.*?)```", API, re.DOTALL)
    return str(found)


def run(stack: Stack, command: list[str], folder: Path) -> list[str]:
    environment = {**os.environ, "SEGUE_URL": stack.url, "SEGUE_KEY": stack.keys.made["read"]}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_it_runs_the_program_for_spotipy(stack: Stack, tmp_path: Path) -> None:
    written = tmp_path / "near.py"
    written.write_text(program("python"), encoding="utf-8")
    lines = run(stack, [sys.executable, "-W", "ignore", str(written), "nina", "sinnerman"], tmp_path)
    assert lines[0] == "like Nina Simone - Sinnerman:"
    assert len(lines) == 6
    assert all(re.fullmatch(r"  .+ - .+, \d+ BPM", line) for line in lines[1:]), lines
    assert len(program("python").strip().splitlines()) <= 22


@pytest.mark.live
def test_it_runs_the_program_for_javascript(stack: Stack, tmp_path: Path) -> None:
    node = shutil.which("node")
    require(node is not None, "node", "apt-get install nodejs")
    written = tmp_path / "near.mjs"
    written.write_text(program("js"), encoding="utf-8")
    lines = run(stack, [str(node), str(written), "rap"], tmp_path)
    assert [line.partition(".")[0] for line in lines] == ["1", "2", "3", "4", "5"]


def test_it_runs_the_commands_with_curl(stack: Stack, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    [block] = re.findall(r"```sh\n(.*?)```", API, re.DOTALL)
    text = f"\n{block}".replace("jazz", "rap").replace("[1960, 1969]", "[1900, 2030]")
    answers = run(stack, ["sh", "-ec", text.replace("\ncurl", "\necho; curl")], tmp_path)
    assert [answer.startswith('{"') for answer in answers if answer] == [True, True]
    assert '"explanation":{' in answers[-1]


def test_it_names_every_path_of_the_native_api(stack: Stack) -> None:
    for path in stack.call("GET", "/openapi.json").json["paths"]:
        if path.startswith(("/api/", "/v1/")):
            # a list of moves is written "/api/bundles/promote`, `rollback`…"
            last = path.rpartition("/")[2]
            shown = path.partition("/{")[0]
            assert shown in API or f"`{last}`" in API, path
