"""A pipeline's output on a terminal: ablations, Ctrl-C, and the one live line."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from pipelines.output import LineSink, LiveLine, captured
from segue.sample import generate
from tests.pipelines.ways import ROOT, WAYS, Calls
from tests.terminal import Session, TerminalText, run_in_terminal, seen_on

QUICK = "--set rounds=20 --set max_seeds=100 --set max_queries=300 --set threads=1 --set relevance_rounds=10"
TO = "--store store --workdir work"


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
    assert "training without genre" in shown.log
    assert "segue train | " in shown.log
    assert shown.masked[:3] == ablated["80 columns"].masked[:3]


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


def interrupted(data: Path, folder: Path, catalog: str, at: str, signal_number: int | None = None) -> Session:
    """A run on a terminal of 80 columns that is interrupted once it has shown some text."""
    (folder / "data").symlink_to(data)
    return run_in_terminal(
        sys.executable,
        *f"-m pipelines run --catalog data/{catalog} {TO}".split(),
        cwd=folder,
        variables={"PYTHONPATH": str(ROOT)},
        interrupt_at=at,
        interrupt_with=signal_number,
    )


@pytest.mark.parametrize(("signal_number", "code"), [(None, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_ends_without_a_stack_and_gives_the_terminal_back(
    data: Path, tmp_path: Path, signal_number: int | None, code: int
) -> None:
    done = interrupted(data, tmp_path, "catalog.csv", "preprocess", signal_number)
    assert done.code == code
    (line,) = done.lines
    assert line.startswith("ingest ")
    assert done.shows_cursor


def test_a_failure_is_shown_at_once_and_survives_ctrl_c_while_it_is_noted(data: Path, tmp_path: Path) -> None:
    done = interrupted(data, tmp_path, "bad.csv", "failed: bad.csv: required columns missing")
    assert done.code == 1
    message, log = done.lines
    assert message.startswith("ingest failed: bad.csv: required columns missing: track_id")
    assert log.startswith("everything that was printed: ")
    assert done.shows_cursor


def test_a_run_whose_reader_goes_away_ends_without_a_stack(data: Path, tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to(data)
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines", *f"run --catalog data/catalog.csv {TO}".split()],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith("ingest ")
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 1


def test_the_live_line_is_one_row_however_long_and_leaves_nothing() -> None:
    out = TerminalText()
    live = LiveLine(Console(file=out, width=80, force_terminal=True))
    live.begin("train " + "a long sentence about the progress " * 5)
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
    out = TerminalText()
    live = LiveLine(Console(file=out, force_terminal=True))
    live.show("train")
    live.clear()
    assert out.getvalue() == ""


def test_a_file_gets_a_line_every_quarter_of_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    out = io.StringIO()
    live = LiveLine(Console(file=out, width=40))
    live.begin("train")
    for text in ("10 trees", "20 trees of [bold]many[/] that take more room than a line has", "30 trees"):
        live.show(text)
        now += 16
    assert out.getvalue() == (
        "train      16 s  … 20 trees of [bold]many[/] that take more room than a line has\n"
        "train      32 s  … 30 trees\n"
    )


def test_the_live_line_leaves_stdout_and_stderr_alone() -> None:
    before = sys.stdout, sys.stderr
    live = LiveLine(Console(file=TerminalText(), force_terminal=True))
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
