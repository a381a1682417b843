"""What the README says exists, exists; what exists, it says."""

from __future__ import annotations

import functools
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.__main__ import app as pipelines
from segue.cli import COMMANDS, build_app

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
# Commands that have commands of their own.
GROUPS = {"bundle", "database", "keys", "log"}
COMMAND_LINES = sorted(
    {
        line.split(" #")[0].strip()
        for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
        for line in block.splitlines()
        if line.startswith(("segue ", "python -m pipelines "))
    }
)


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


@functools.cache
def help_of(program: str, *words: str) -> str:
    app = build_app(words[0]) if program == "segue" else pipelines
    done = CliRunner().invoke(app, [*words, "--help"])
    assert done.exit_code == 0, done.output
    return done.output


def test_every_setting_of_the_pipeline_is_in_the_table_with_its_default() -> None:
    from pipelines.arguments import declared

    table = README.split("### Settings of a run")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| `?([^`|]*?)`? \|", table, re.MULTILINE))
    options = ("catalog", "interactions", "store")
    settings = {name: kind for name, kind in declared().items() if name not in options}
    assert list(rows) == list(settings)
    for name, (kind, default) in settings.items():
        shown = str(default).lower() if kind == "Boolean" else str(default)
        assert rows[name] == ("this version" if name == "code_version" else shown), name


def test_every_make_target_that_is_named_exists() -> None:
    named = set(re.findall(r"`make ([a-z-]+)|^make ([a-z-]+)", README + CONTRIBUTING, re.MULTILINE))
    assert {first or second for first, second in named} <= make_targets()
    assert {"setup", "demo", "test", "test-live", "lint", "bench", "clean", "help"} <= make_targets()


def test_every_command_is_shown() -> None:
    shown = {shlex.split(line)[1] for line in COMMAND_LINES if line.startswith("segue ")}
    assert set(COMMANDS) - {"sample"} <= shown
    shown = {shlex.split(line)[3] for line in COMMAND_LINES if line.startswith("python ")}
    assert shown == {"run", "ablate", "compile", "submit", "schedule", "unschedule", "trigger"}


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_a_command_line_of_the_readme_is_one(line: str) -> None:
    words = shlex.split(line.removeprefix("python -m "))
    text = help_of(*words[: 3 if words[1] in GROUPS else 2])
    for option in (word for word in words if word.startswith("-")):
        assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text), option
    options = re.compile(r"^  (?:(-\w), )?(--[\w-]+)(.*?)(?=^  -|\Z)", re.MULTILINE | re.DOTALL)
    for short, long, told in options.findall(text):
        assert "required]" not in told or {short, long} & set(words), f"{long} is needed"


def test_links_between_the_pages_lead_somewhere() -> None:
    for page in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
            assert (ROOT / target).exists(), f"{page} links to {target}"


def test_the_layout_names_folders_that_exist() -> None:
    listing = README.split("## Where things are")[1].split("```")[1]
    folders = re.findall(r"^(\w+)/", listing, re.MULTILINE)
    assert len(folders) >= 6
    assert all((ROOT / folder).is_dir() for folder in folders)
