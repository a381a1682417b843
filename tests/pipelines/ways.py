"""``python -m pipelines`` called as a person calls it: on terminals of two widths, and piped."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.terminal import run_in_terminal

__all__ = ["ROOT", "STEPS", "WAYS", "Calls", "Shown"]

ROOT = Path(__file__).resolve().parents[2]
STEPS = ["ingest", "preprocess", "train", "build_index", "evaluate", "publish"]
# Time and names of runs: all that may differ between two runs on the same data.
_CHANGING = re.compile(r" *\d+\.\d s|^\d+ s in all, \d+ s|\d{8}-\d{6}-[0-9a-f]{4}", re.MULTILINE)


@dataclass(frozen=True)
class Shown:
    """What a person saw of a command.

    Attributes
    ----------
    code
        Its exit code.
    lines
        What it showed, stderr among it.
    folder
        Where it ran.
    """

    code: int
    lines: list[str]
    folder: Path

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self.lines)

    @property
    def masked(self) -> list[str]:
        """The lines without what differs from run to run, how a slow step goes on among it."""
        return [line for line in _CHANGING.sub("#", self.text).splitlines() if " s  … " not in line]

    @property
    def log(self) -> str:
        """Everything that the program printed, as it was kept."""
        (path,) = self.folder.rglob("run.log")
        return path.read_text()


_Way = Callable[[Path, list[str], Mapping[str, str]], Shown]


def _on_terminal(columns: int) -> _Way:
    def run(folder: Path, words: list[str], variables: Mapping[str, str]) -> Shown:
        command = (sys.executable, "-m", "pipelines", *words)
        done = run_in_terminal(*command, columns=columns, cwd=folder, variables=variables)
        assert done.shows_cursor
        return Shown(done.code, done.lines, folder)

    return run


def _piped(folder: Path, words: list[str], variables: Mapping[str, str]) -> Shown:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SEGUE_")}
    done = subprocess.run(
        [sys.executable, "-m", "pipelines", *words],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env={**environment, **variables},
    )
    return Shown(done.returncode, done.stdout.rstrip("\n").split("\n"), folder)


_WAYS: dict[str, _Way] = {
    "80 columns": _on_terminal(80),
    "200 columns": _on_terminal(200),
    "piped": _piped,
}
# Each way takes as long as a run: one of them in every `make test`, all of them compared in `make test-live`.
WAYS = ["80 columns", *(pytest.param(way, marks=pytest.mark.live) for way in ("200 columns", "piped"))]


class Calls:
    """One command in each way, called when it is first asked for, in a folder of its own where `data` is."""

    def __init__(self, data: Path, words: str, folders: pytest.TempPathFactory, **variables: str) -> None:
        self._data, self._words, self._folders = data, words, folders
        self._variables = {"PYTHONPATH": str(ROOT), **variables}
        self._shown: dict[str, Shown] = {}

    def __getitem__(self, way: str) -> Shown:
        if way not in self._shown:
            folder = self._folders.mktemp("call")
            (folder / "data").symlink_to(self._data)
            self._shown[way] = _WAYS[way](folder, self._words.split(), self._variables)
        return self._shown[way]
