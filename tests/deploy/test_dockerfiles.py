"""Each Dockerfile copies all modules that its process imports, and what they have in common is the same."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.deploy.chart import ROOT

# The image's entry point first, then what else is run in it.
PROGRAMS = {
    "serving/predictor/Dockerfile": ["serving/predictor/__main__.py"],
    "serving/transformer/Dockerfile": ["serving/transformer/__main__.py"],
    "serving/gateway/Dockerfile": ["serving/gateway/__main__.py", "pipelines/trigger.py"],
    "serving/ui/Dockerfile": ["serving/ui/__main__.py", "serving/ui/app.py"],
    "components/Dockerfile": ["pipelines/__main__.py"],
}
PACKAGES = ("serving", "pipelines", "components")


def copied(dockerfile: str) -> set[Path]:
    """Python files that a Dockerfile copies into the folder of the programs."""
    last_stage = (ROOT / dockerfile).read_text().rpartition("\nFROM ")[2]
    files: set[Path] = set()
    for line in re.findall(r"^COPY (?!--)(.+)$", last_stage, re.MULTILINE):
        *sources, _ = line.split()
        for source in sources:
            for path in ROOT.glob(source):
                files |= set(path.rglob("*.py")) if path.is_dir() else {path}
    return files


def imported(path: Path) -> set[Path]:
    """Files of our packages that a file imports, packages on the way included."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    files = set()
    for name in names:
        parts = name.split(".")
        if parts[0] in PACKAGES:
            packages = [ROOT.joinpath(*parts[:n], "__init__.py") for n in range(1, len(parts) + 1)]
            files |= {p for p in [*packages, ROOT.joinpath(*parts).with_suffix(".py")] if p.exists()}
    return files


def missing(dockerfile: str, have: set[Path]) -> list[str]:
    todo = [ROOT / program for program in PROGRAMS[dockerfile]]
    seen: set[Path] = set()
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo += imported(path)
    return sorted(str(path.relative_to(ROOT)) for path in seen - have)


@pytest.mark.parametrize("dockerfile", PROGRAMS)
def test_it_copies_every_module_that_its_process_imports(dockerfile: str) -> None:
    assert missing(dockerfile, copied(dockerfile)) == []


def test_it_finds_a_module_that_is_not_copied() -> None:
    dockerfile = "serving/ui/Dockerfile"
    schemas = ROOT / "serving/gateway/schemas.py"
    assert missing(dockerfile, copied(dockerfile) - {schemas}) == ["serving/gateway/schemas.py"]


def test_it_knows_every_dockerfile() -> None:
    there = {
        str(path.relative_to(ROOT)) for package in PACKAGES for path in (ROOT / package).rglob("Dockerfile")
    }
    assert set(PROGRAMS) == there


@pytest.mark.parametrize("dockerfile", PROGRAMS)
def test_it_shares_base_user_and_labels(dockerfile: str) -> None:
    text = (ROOT / dockerfile).read_text()
    base = re.findall(r"^ARG BASE=(\S+)$", text, re.MULTILINE)
    assert base == [
        re.findall(r"^ARG BASE=(\S+)$", (ROOT / "components/Dockerfile").read_text(), re.MULTILINE)[0]
    ]
    assert re.fullmatch(r"docker\.io/library/python:3\.\d+\.\d+-slim-bookworm", base[0])
    assert "\nUSER 10001:10001\n" in text
    assert 'org.opencontainers.image.licenses="Apache-2.0"' in text
    package = str(Path(dockerfile).parent).replace("/", ".")
    program = "pipelines" if package == "components" else package
    assert f'ENTRYPOINT ["python", "-m", "{program}"]' in text


def test_it_sends_the_builder_only_what_is_copied() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    allowed = {line[1:] for line in ignored if line.startswith("!")}
    for dockerfile in PROGRAMS:
        for line in re.findall(r"^COPY (?!--)(.+)$", (ROOT / dockerfile).read_text(), re.MULTILINE):
            for source in line.split()[:-1]:
                assert source in allowed or source.split("/")[0] in allowed, source
