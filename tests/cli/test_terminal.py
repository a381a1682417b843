"""``segue`` on a terminal: progress on stderr alone, gone at the end, and nothing of stdout taken over."""

from __future__ import annotations

import ast
import io
import sys
from pathlib import Path

import pytest
from rich.progress import TextColumn

from segue.cli.terminal import progress_bar
from tests.terminal import TerminalText, run_in_terminal, seen_on

ROOT = Path(__file__).resolve().parents[2]
SEGUE = (sys.executable, "-m", "segue.cli")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("terminal")


@pytest.mark.parametrize("columns", [80, 200])
def test_a_sample_and_its_check_show_their_results_and_no_more(folder: Path, columns: int) -> None:
    made = run_in_terminal(*SEGUE, "sample", "-n", 3000, "-o", "data", cwd=folder, columns=columns)
    assert made.code == 0
    assert made.lines[0].startswith("data/catalog.csv  3,000 rows by ")
    assert made.lines[-1].startswith("  python -m pipelines run --catalog data/catalog.csv")
    assert len(made.lines) == 6
    checked = run_in_terminal(*SEGUE, "check", "data/catalog.csv", cwd=folder, columns=columns)
    assert checked.code == 0
    assert checked.lines[-1] == "This catalogue can be used."
    assert made.shows_cursor
    assert checked.shows_cursor


def test_stdout_goes_where_it_is_sent_while_stderr_is_a_terminal(folder: Path) -> None:
    words = "sample -n 3000 -o other > out.txt"
    done = run_in_terminal("/bin/sh", "-c", f"{sys.executable} -m segue.cli {words}", cwd=folder)
    assert done.code == 0
    assert done.lines == []
    assert (folder / "out.txt").read_text().startswith("other/catalog.csv  3,000 rows by ")


def test_what_is_printed_beside_a_progress_bar_stays_on_stdout(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, out = TerminalText(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setenv("TERM", "xterm-256color")
    with progress_bar(TextColumn("reading")) as bar:
        bar.add_task("reading", total=None)
        bar.refresh()
        print("a row")
    assert out.getvalue() == "a row\n"
    assert "reading" in terminal.getvalue()
    assert seen_on(80, terminal.getvalue()) == ([], True)


@pytest.mark.parametrize("variables", [{"FORCE_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_file_and_a_dumb_terminal_get_no_progress_bar(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    terminal = TerminalText() if "TERM" in variables else io.StringIO()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress_bar(TextColumn("reading")) as bar:
        bar.add_task("reading", total=None)
        bar.refresh()
    assert terminal.getvalue() == ""


def test_no_program_shows_a_status_that_takes_over_stdout() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for package in ("segue", "pipelines", "serving", "components", "scripts")
        for path in sorted((ROOT / package).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "status"
        and "console" in ast.unparse(node.func.value).lower()
    ]
    assert found == []
