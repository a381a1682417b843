"""Every shell block, pasted in the order of the pages into a copy of the checkout where the demo runs."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import nbformat
import pytest

from tests.checkout import copy_of_checkout
from tests.conftest import require
from tests.docs.pages import PAGES, Block, blocks
from tests.docs.test_pages import GROUPS, help_of
from tests.live_services import free_port
from tests.serving.processes import wait_for
from tests.terminal import run_in_terminal

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]

# What the fixture has done, and what CI does.
ELSEWHERE = {"make demo", "make test"}
BLOCKS = [block for page in PAGES for block in blocks(page)]


@dataclass
class Shell:
    """A shell into which blocks are pasted one after the other: folder and variables last."""

    folder: Path
    state: Path
    printed: list[str] = field(default_factory=list)

    def paste(self, text: str) -> subprocess.CompletedProcess[str]:
        kept = f'declare -p | grep -v "^declare -[a-z]*r" > "{self.state}"'
        script = f'if [ -e "{self.state}" ]; then . "{self.state}"; fi\n{text}\n{kept}'
        # Streamlit, once a test has imported it, tells matplotlib to draw nowhere
        plain = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("SEGUE_") and name != "MPLBACKEND"
        }
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script],
            cwd=self.folder,
            env=plain,
            capture_output=True,
            text=True,
            check=False,
        )
        self.printed.append(done.stdout)
        return done


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A shell with the lines that the demo prints."""
    require(shutil.which("curl") is not None, "curl", "apt-get install curl")
    folder = copy_of_checkout(tmp_path_factory.mktemp("newcomer"))
    make = ("make", "--no-print-directory", "-o", ".venv/.installed")
    done = run_in_terminal(*make, "demo", "DEMO_ARGS=--detach", columns=120, cwd=folder, seconds=600)
    assert done.code == 0, done.text
    try:
        shell = Shell(folder, folder / ".segue" / "shell")
        lines = [line.strip() for line in done.lines]
        begin = lines.index("source .venv/bin/activate")
        exports = [line for line in lines[begin:] if line.startswith(("source ", "export "))]
        assert len(exports) == 5
        pasted = shell.paste("\n".join(exports))
        assert pasted.returncode == 0, pasted.stderr
        yield shell
    finally:
        subprocess.run([*make, "stop"], cwd=folder, check=False, capture_output=True)


@pytest.mark.parametrize("block", [block for block in BLOCKS if not block.needs], ids=str)
def test_a_block_runs_as_it_is_pasted(shell: Shell, block: Block) -> None:
    text = "\n".join(line for line in block.text.splitlines() if re.sub(r"\s+#.*", "", line) not in ELSEWHERE)
    done = shell.paste(text)
    assert done.returncode == 0, f"{block}\n{block.text}\n{done.stdout}\n{done.stderr}"


def test_the_metrics_page_that_a_run_names_comes_up_and_stays(shell: Shell) -> None:
    # after the blocks above, among which a run said it
    [command, *_] = re.findall(r"runs and models +(mlflow ui .*)", "".join(shell.printed))
    port = free_port()
    log = shell.folder / ".segue" / "mlflow.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["bash", "-c", f'. "{shell.state}"; exec {command} --port {port}'],
            cwd=shell.folder,
            stdout=output,
            stderr=output,
        )
    try:
        wait_for(lambda: _answers(f"http://127.0.0.1:{port}/health"), "MLflow's page", seconds=120)
        search = f"http://127.0.0.1:{port}/api/2.0/mlflow/experiments/search"
        for _ in range(5):
            time.sleep(2)
            found = httpx.post(search, json={"max_results": 10}, timeout=30)
            assert found.status_code == 200, log.read_text()
        assert "segue" in {experiment["name"] for experiment in found.json()["experiments"]}
        assert process.poll() is None
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.needs], ids=str)
def test_a_block_that_needs_more_names_commands_and_options_that_exist(block: Block) -> None:
    named = re.fullmatch(r"(a cluster|PostgreSQL|MySQL or MariaDB|Docker|the program \w+.*)", block.needs)
    assert named, f"{block} needs {block.needs}, which no page explains"
    for line in block.commands:
        if line.startswith(("segue ", "python -m pipelines ")):
            words = shlex.split(line.removeprefix("python -m "))
            text = help_of(*words[: 3 if words[1] in GROUPS else 2])
            for option in (word for word in words if word.startswith("-")):
                assert option in text, f"{block}: {option}"


def test_the_python_of_the_manual_runs_in_order(shell: Shell) -> None:
    program = "\n".join(block.text for block in blocks("docs/PYTHON.md", "python"))
    (shell.folder / ".segue" / "manual.py").write_text(program, encoding="utf-8")
    done = shell.paste("python .segue/manual.py")
    assert done.returncode == 0, done.stderr
    assert "did you mean psych-rock" in done.stdout
    assert (shell.folder / ".segue/notebook/report.html").is_file()


def test_the_notebook_runs_and_draws_its_plots(shell: Shell) -> None:
    expected = _plots(shell.folder / "docs" / "notebook.ipynb")
    assert expected == 3
    # in a process of its own, as a person runs it
    done = shell.paste("jupyter execute --output=executed docs/notebook.ipynb")
    assert done.returncode == 0, done.stderr
    assert _plots(shell.folder / "docs" / "executed.ipynb") == expected


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def _plots(file: Path) -> int:
    book = nbformat.read(file, as_version=4)
    outputs = [output for cell in book.cells for output in cell.get("outputs", [])]
    return sum("image/png" in output.get("data", {}) for output in outputs)
