from __future__ import annotations

import io

from rich.console import Console

from pipelines.display import Display
from pipelines.output import LineSink

STEPS = ("ingest", "build_index")
STARTED = "20:01:02.123 - INFO - Executing task \x1b[96m'{}'\x1b[0m"


def shown(*lines: str) -> tuple[str, Display]:
    out = io.StringIO()
    display = Display(Console(file=out, width=200), STEPS)
    for line in lines:
        display.line(line)
    display.close()
    return out.getvalue(), display


def test_a_step_is_one_line_with_its_seconds() -> None:
    text, display = shown(
        STARTED.format("build-index"),
        "    segue build_index | IVF64: recall 0.98",
        "    20:01:03 - INFO - Looking for component `build_index` in --component_module_path",
        "    segue build_index = Flat: recall@200 1.0000 · 1.2 s",
    )
    assert text == "build_index      1.2 s  Flat: recall@200 1.0000\n"
    assert display.step_seconds == 1.2


def test_brackets_in_names_are_data() -> None:
    text, _ = shown("segue ingest = 3 tracks of [bold]odd[/] rows · 0.1 s")
    assert "3 tracks of [bold]odd[/] rows" in text


def test_a_failure_is_the_steps_own_sentence() -> None:
    _, display = shown(
        STARTED.format("ingest"),
        "    segue ingest ! catalog.csv has no column artist_name",
        "20:01:03 - ERROR - Task 'ingest' finished with status FAILURE",
        STARTED.format("record-failure"),
        "    segue record_failure ! the store did not answer",
    )
    assert display.failure() == ("ingest", "catalog.csv has no column artist_name")


def test_an_unexpected_failure_is_the_last_line_of_its_stack() -> None:
    _, display = shown(
        STARTED.format("build-index"),
        "    Traceback (most recent call last):",
        '      File "x.py", line 3, in build',
        "    pyarrow.lib.ArrowInvalid: bad",
        "    During handling of the above exception, another exception occurred:",
        "    ValueError: shapes (3,) and (4,) differ",
    )
    assert display.failure() == ("build_index", "unexpected ValueError: shapes (3,) and (4,) differ")


def test_a_step_that_was_killed_is_named() -> None:
    _, display = shown(STARTED.format("ingest"), "    segue ingest | 2,000,000 rows")
    step, reason = display.failure()
    assert step == "ingest"
    assert "killed" in reason


def test_pieces_of_lines_are_put_together_and_all_goes_to_the_log() -> None:
    out, log = io.StringIO(), io.StringIO()
    sink = LineSink(log, Display(Console(file=out, width=200), STEPS).line)
    for piece in ("    ", "segue ingest = 3 tr", "acks · 0.5 s\nnoise\n"):
        sink.write(piece)
    assert log.getvalue() == "    segue ingest = 3 tracks · 0.5 s\nnoise\n"
    assert out.getvalue() == "ingest           0.5 s  3 tracks\n"
