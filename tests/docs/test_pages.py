"""What the pages and the messages say exists, exists; what exists, the pages say."""

from __future__ import annotations

import ast
import functools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.__main__ import app as pipelines
from segue.cli import COMMANDS, build_app
from tests.docs.pages import PAGES, ROOT, blocks, read

# Commands that have commands of their own.
GROUPS = {"bundle", "database", "keys", "log"}
COMMAND_LINES = sorted(
    {
        re.sub(r"\$\([^)]*\)", "X", line)
        for page in PAGES
        for block in blocks(page)
        for line in block.commands
        if line.startswith(("segue ", "python -m pipelines "))
    }
)
TEXTS = {
    page: read(page) for page in (*PAGES, "CONTRIBUTING.md", "CHANGELOG.md", "DATA.md", "serving/README.md")
}
# A command within a sentence or a message.
IN_TEXT = re.compile(
    rf"\bsegue (?P<command>{'|'.join(COMMANDS)})\b(?P<rest>[^\n\"'`”’“;:,()]*)"
    r"|python -m pipelines (?P<pipeline>[a-z]+)\b(?P<options>[^\n\"'`”’“;:,()]*)"
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

    table = read("docs/PIPELINE.md").split("## Settings of a run")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| `?([^`|]*?)`? \|", table, re.MULTILINE))
    options = ("catalog", "interactions", "store")
    settings = {name: kind for name, kind in declared().items() if name not in options}
    assert list(rows) == list(settings)
    for name, (kind, default) in settings.items():
        shown = str(default).lower() if kind == "Boolean" else str(default)
        assert rows[name] == ("this version" if name == "code_version" else shown), name


def test_every_make_target_that_is_named_exists() -> None:
    text = "\n".join(TEXTS.values())
    named = set(re.findall(r"`make ([a-z-]+)|^make ([a-z-]+)", text, re.MULTILINE))
    assert {first or second for first, second in named} <= make_targets()
    assert {"setup", "demo", "test", "test-live", "lint", "bench", "clean", "help"} <= make_targets()


def test_every_command_is_shown() -> None:
    shown = {shlex.split(line)[1] for line in COMMAND_LINES if line.startswith("segue ")}
    assert set(COMMANDS) == shown
    shown = {shlex.split(line)[3] for line in COMMAND_LINES if line.startswith("python ")}
    assert shown == {"run", "ablate", "compile", "submit", "schedule", "unschedule", "trigger"}


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_a_command_line_of_a_page_is_one(line: str) -> None:
    words = shlex.split(line.removeprefix("python -m "))
    text = help_of(*words[: 3 if words[1] in GROUPS else 2])
    for option in (word for word in words if word.startswith("-")):
        assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text), option
    options = re.compile(r"^  (?:(-\w), )?(--[\w-]+)(.*?)(?=^  -|\Z)", re.MULTILINE | re.DOTALL)
    for short, long, told in options.findall(text):
        assert "required]" not in told or {short, long} & set(words), f"{long} is needed"


def test_links_between_the_pages_lead_somewhere() -> None:
    for page, text in TEXTS.items():
        for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", text):
            linked = (ROOT / page).parent / target if target else ROOT / page
            assert linked.exists(), f"{page} links to {target}"
            if anchor:
                assert anchor in anchors(linked.read_text(encoding="utf-8")), f"{page}: {target}#{anchor}"


def anchors(text: str) -> set[str]:
    """What GitHub makes of headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def strings_of(path: Path) -> Iterator[str]:
    """Texts that a person may read: of the page's strings, and of the code."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".toml":
        yield from re.findall(r'"(.*)"', text)
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.JoinedStr):
            # what is filled in is a word
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def commands_in(text: str) -> Iterator[tuple[list[str], list[str]]]:
    """The commands within a text: the words that name each, and its options."""
    for found in IN_TEXT.finditer(text):
        named = ["segue", found["command"]] if found["command"] else ["pipelines", found["pipeline"]]
        rest = (found["rest"] or found["options"] or "").split()
        if named[1] in GROUPS and rest:
            named.append(rest[0].rstrip("."))
        yield (
            named,
            [word.partition("=")[0].rstrip(".") for word in rest if word.startswith("-") and word != "-"],
        )


@pytest.mark.parametrize("folder", ["segue", "serving", "pipelines", "components", "scripts"])
def test_a_command_that_a_message_names_exists_with_its_options(folder: str) -> None:
    files = [*(ROOT / folder).rglob("*.py"), *(ROOT / folder).rglob("*.toml")]
    named = [(file, *found) for file in files for text in strings_of(file) for found in commands_in(text)]
    for file, words, options in named:
        text = help_of(*words)
        for option in options:
            assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text), f"{file}: {words} {option}"
    assert named or folder in ("components", "scripts")


def test_a_command_within_a_sentence_of_a_page_exists() -> None:
    for page, text in TEXTS.items():
        prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        for words, options in (
            found for code in re.findall(r"`([^`]+)`", prose) for found in commands_in(code)
        ):
            for option in options:
                assert option in help_of(*words), f"{page}: {words} {option}"


def test_the_front_page_is_short() -> None:
    assert len(read("README.md").splitlines()) <= 180


def test_the_layout_names_folders_that_exist() -> None:
    listing = read("README.md").split("## Where things are")[1].split("```")[1]
    folders = re.findall(r"^(\w+)/", listing, re.MULTILINE)
    assert len(folders) >= 6
    assert all((ROOT / folder).is_dir() for folder in folders)
