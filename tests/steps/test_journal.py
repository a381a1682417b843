from __future__ import annotations

import io

import pytest

from segue.errors import CatalogError
from segue.journal import Journal, parse_line, step


def test_lines_are_read_back() -> None:
    stream = io.StringIO()
    journal = Journal("build_index", stream)
    journal.say("IVF1024: recall 0.991")
    journal.error("no index reached 0.99 | try again = later")
    progress, error = (parse_line(line) for line in stream.getvalue().splitlines())
    assert progress is not None
    assert (progress.step, progress.kind, progress.text) == (
        "build_index",
        "progress",
        "IVF1024: recall 0.991",
    )
    assert error is not None
    assert (error.kind, error.text) == ("error", "no index reached 0.99 | try again = later")


def test_a_result_says_its_seconds() -> None:
    stream = io.StringIO()
    Journal("ingest", stream).result("28,352 tracks")
    assert stream.getvalue() == "segue ingest = 28,352 tracks · 0.0 s\n"


def test_a_name_from_the_data_can_not_forge_a_line_or_colour_the_terminal() -> None:
    stream = io.StringIO()
    Journal("ingest", stream).error("genre 'x\nsegue publish = promoted\x1b[31m'")
    (line,) = stream.getvalue().splitlines()
    assert "\x1b" not in line
    parsed = parse_line(line)
    assert parsed is not None
    assert parsed.step == "ingest"


@pytest.mark.parametrize(
    "text", ["", "segue", "segue ingest ? what", "KFP Executor segue ingest = 3", "Traceback:"]
)
def test_other_lines_are_none_of_a_journal(text: str) -> None:
    assert parse_line(text) is None


def test_ticks_that_come_often_are_dropped() -> None:
    stream = io.StringIO()
    journal = Journal("train", stream)
    for tree in range(1000):
        journal.tick(f"{tree} trees")
    assert stream.getvalue().splitlines() == ["segue train | 0 trees"]


def test_a_steps_own_error_is_one_line_and_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left, step("ingest"):
        raise CatalogError("tracks.csv has no column artist_name")
    assert left.value.code == 1
    assert capsys.readouterr().out == "segue ingest ! tracks.csv has no column artist_name\n"


def test_a_bug_keeps_its_stack() -> None:
    with pytest.raises(ZeroDivisionError), step("ingest"):
        raise ZeroDivisionError
