"""``segue sample`` as a person runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

COMMAND = [sys.executable, "-c", "from segue.cli import main; main()", "sample"]


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)


def test_writes_both_files_and_says_what_is_next(tmp_path: Path) -> None:
    out = tmp_path / "my data"
    done = _run("--rows", "1000", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert (out / "catalog.csv").read_text(encoding="utf-8").count("\n") >= 1_001
    assert "1,000 rows" in done.stdout
    assert f"segue check '{out}/catalog.csv'" in done.stdout
    assert "--interactions" in done.stdout


def test_wrong_rows_is_one_sentence(tmp_path: Path) -> None:
    done = _run("--rows", "12", "--out", str(tmp_path))
    assert done.returncode == 1
    assert "1,000" in done.stderr
    assert "got 12" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_has_examples() -> None:
    assert "segue sample --rows 20000 --out data" in _run("--help").stdout
