"""``make demo`` as a newcomer meets it: on a terminal, in a copy of the checkout, and piped into a file."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.checkout import copy_of_checkout
from tests.terminal import run_in_terminal

STEPS = ["ingest", "preprocess", "train", "build_index", "evaluate", "publish"]
# a run of the whole demo on two busy cores
pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]


# the environment is there: make need not look whether the lock file is newer
MAKE = ("make", "--no-print-directory", "demo", "-o", ".venv/.installed", "DEMO_ARGS=--once")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of_checkout(tmp_path_factory.mktemp("terminal"))


def test_the_demo_runs_on_a_terminal_of_80_columns(checkout: Path) -> None:
    done = run_in_terminal(*MAKE, columns=80, cwd=checkout, seconds=600)
    _assert_whole_demo(done.code, done.lines)
    assert done.shows_cursor
    (log,) = (checkout / ".segue/demo/work/runs").glob("*/run.log")
    for step in STEPS:
        assert f"segue {step} = " in log.read_text()


def test_the_demo_serves_the_bundle_that_is_there_on_a_terminal_of_200_columns(checkout: Path) -> None:
    done = run_in_terminal(*MAKE, columns=200, cwd=checkout)
    assert done.code == 0, done.text
    assert done.lines[0].startswith("Serving the bundle in .segue/demo; make clean removes it")
    assert done.lines[-1] == "A list came through the whole of it."


def test_the_demo_runs_in_the_background_answers_what_it_prints_and_stops(checkout: Path) -> None:
    make = [word if word != "DEMO_ARGS=--once" else "DEMO_ARGS=--detach" for word in MAKE]
    done = run_in_terminal(*make, columns=120, cwd=checkout)
    assert done.code == 0, done.text
    try:
        assert done.lines[-1] == "It runs in the background; make stop stops it."
        lines = [line.strip() for line in done.lines]
        begin = lines.index("source .venv/bin/activate")
        pasted = "\n".join(lines[begin : begin + 7])
        answers = subprocess.run(
            ["bash", "-ec", pasted], cwd=checkout, capture_output=True, text=True, check=True
        ).stdout
        answer, _ = json.JSONDecoder().raw_decode(answers)
        assert len(answer["items"]) == 5
        for item in answer["items"]:
            assert answers.count(item["track_id"]) == 2, "curl and the command line give one list"
        key = next(line for line in lines if line.startswith("export SEGUE_KEY=")).partition("=")[2]
        logs = checkout / ".segue/demo/service/logs"
        assert all(key not in log.read_text() for log in logs.iterdir())
        again = run_in_terminal(*make, columns=120, cwd=checkout)
        assert again.code != 0
        assert "running already" in again.text
    finally:
        stopped = subprocess.run(
            ["make", "--no-print-directory", "stop", "-o", ".venv/.installed"],
            cwd=checkout,
            capture_output=True,
            text=True,
            check=False,
        )
    assert stopped.stdout == "stopped\n"


def test_the_demo_runs_where_its_output_is_piped(checkout: Path) -> None:
    done = subprocess.run(
        MAKE, cwd=checkout, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith("\nA list came through the whole of it.\n")


def _assert_whole_demo(code: int, lines: list[str]) -> None:
    text = "\n".join(lines)
    assert code == 0, text
    shown = [match[1] for line in lines if (match := re.match(r"(\w+) +\d+\.\d s  ", line))]
    assert shown == STEPS
    assert "Executing task" not in text
    assert "Next:" not in text, "the demo goes on by itself"
    assert len(lines) < 100, text
    assert lines[-1] == "A list came through the whole of it."
