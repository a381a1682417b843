"""A pipeline's output on a terminal: ablations, Ctrl-C, and the one live line."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest
from rich.console import Console

from pipelines.output import LineSink, LiveLine, captured
from segue.sample import generate
from tests.pipelines.ways import ROOT, WAYS, Calls
from tests.terminal import run_in_terminal, seen_on

QUICK = "--set rounds=20 --set max_seeds=100 --set max_queries=300 --set threads=1 --set relevance_rounds=10"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    generate(3_000, folder)
    (folder / "bad.csv").write_text("name,energy\nx,0.5\n")
    return folder


@pytest.fixture(scope="module")
def ablated(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Calls:
    words = "ablate --catalog data/catalog.csv --interactions data/playlists.csv --without genre --out out"
    return Calls(data, f"{words} {QUICK}", tmp_path_factory)


@pytest.mark.parametrize("way", WAYS)
def test_an_ablation_shows_a_line_a_training_then_its_table(ablated: Calls, way: str) -> None:
    shown = ablated[way]
    assert shown.code == 0, shown.lines
    assert re.match(r"2,\d{3} tracks of 3,0\d{2} rows", shown.lines[0])
    assert [line.split(":")[0] for line in shown.lines[1:3]] == ["with everything", "without genre"]
    assert "What each part gives" in shown.lines[3]
    assert shown.lines[-1] == "figures: out/ablation.json, out/ablation.csv"
    assert "segue train | " in shown.log
    assert shown.lines[:3] == ablated["80 columns"].lines[:3]


@pytest.fixture(scope="module")
def not_ablated(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Calls:
    words = "ablate --catalog data/catalog.csv --interactions data/bad.csv --without genre --out out"
    return Calls(data, words, tmp_path_factory)


@pytest.mark.parametrize("way", WAYS)
def test_an_ablation_that_fails_ends_with_its_own_sentence_and_exits_1(not_ablated: Calls, way: str) -> None:
    shown = not_ablated[way]
    assert shown.code == 1
    (line,) = shown.lines
    assert line.startswith("pipelines: interactions: bad.csv: required columns missing: playlist_id")
    assert shown.lines == not_ablated["80 columns"].lines


def test_ctrl_c_ends_a_run_without_a_stack_and_gives_the_terminal_back(data: Path, tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to(data)
    words = "run --catalog data/catalog.csv --store store --workdir work"
    done = run_in_terminal(
        sys.executable,
        "-m",
        "pipelines",
        *words.split(),
        cwd=tmp_path,
        variables={"PYTHONPATH": str(ROOT)},
        interrupt_at="preprocess",
    )
    assert done.code == 130
    (line,) = done.lines
    assert line.startswith("ingest ")
    assert done.shows_cursor


def test_the_live_line_is_one_row_however_long_and_leaves_nothing() -> None:
    out = _Terminal()
    live = LiveLine(Console(file=out, width=80, force_terminal=True))
    live.show("train        " + "a long sentence about the progress " * 5)
    shown, _ = seen_on(80, out.getvalue())
    assert len(shown) == 1
    assert "train" in shown[0]
    assert shown[0].endswith("…")
    live.clear()
    shown, shows_cursor = seen_on(80, out.getvalue())
    assert shown == []
    assert shows_cursor


@pytest.mark.parametrize("variables", [{"FORCE_COLOR": "1"}, {"TTY_COMPATIBLE": "1"}])
def test_a_file_gets_no_live_line_even_in_colour(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    out = io.StringIO()
    live = LiveLine(Console(file=out))
    live.show("train")
    assert out.getvalue() == ""


def test_a_dumb_terminal_gets_no_live_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    out = _Terminal()
    live = LiveLine(Console(file=out, force_terminal=True))
    live.show("train")
    live.clear()
    assert out.getvalue() == ""


def test_the_live_line_leaves_stdout_and_stderr_alone() -> None:
    before = sys.stdout, sys.stderr
    live = LiveLine(Console(file=_Terminal(), force_terminal=True))
    live.show("train")
    assert (sys.stdout, sys.stderr) == before
    live.clear()
    assert (sys.stdout, sys.stderr) == before


def test_a_stream_that_a_library_kept_can_still_be_written_to_when_the_log_is_closed(tmp_path: Path) -> None:
    with captured(tmp_path / "run.log", lambda _line: None):
        kept = sys.stdout
        print("within")
    assert isinstance(kept, LineSink)
    assert kept.write("after\n") == 6
    kept.flush()
    assert (tmp_path / "run.log").read_text() == "within\n"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True
