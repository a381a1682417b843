"""The frame of the command line: quick to start, one clear line for what a person can mend."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import segue
from segue.cli import COMMANDS

HEAVY = {"numpy", "pandas", "pandera", "pyarrow", "faiss", "lightgbm", "sklearn", "mlflow", "kfp", "minio"}
# A word that only the command itself has in its help, beside the line that the frame shows.
OWN = {"sample": "--rows", "check": "--interactions", "recommend": "--seeds-file", "bundle": "rollback"}
OWN |= {"search": "--ids", "genres": "--json", "database": "migrate", "keys": "revoke", "log": "forget"}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return _python("-m", "segue.cli", *arguments)


def run_without(packages: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run where some packages are not installed."""
    code = f"import sys; sys.modules.update(dict.fromkeys({packages.split()})); "
    code += f"sys.argv = ['segue', *{list(arguments)}]\nfrom segue.cli import main; main()"
    return _python("-c", code)


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], check=False, capture_output=True, text=True)


def test_help_lists_every_command_and_imports_nothing_heavy() -> None:
    shown = run("--help")
    assert shown.returncode == 0
    for name, command in COMMANDS.items():
        assert f"  {name}" in shown.stdout
        assert command.help in shown.stdout
    loaded = _python("-c", "import sys; from segue.cli import build_app; build_app(''); print(*sys.modules)")
    assert "segue.cli" in loaded.stdout.split()
    assert not HEAVY & set(loaded.stdout.split())


def test_the_version_is_the_packages() -> None:
    assert run("--version").stdout == f"segue {segue.__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_its_real_help(name: str) -> None:
    shown = run(name, "--help")
    assert shown.returncode == 0
    assert OWN[name] in shown.stdout


def test_an_error_is_one_line_on_stderr_and_exit_code_1(tmp_path: Path) -> None:
    done = run("recommend", str(tmp_path / "store" / "channels" / "champion"), "--seed", "x")
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("segue: ")


def test_a_name_that_is_no_command_is_exit_code_2() -> None:
    done = run("recomend")
    assert done.returncode == 2
    assert "recomend" in done.stderr


def test_a_package_that_is_not_installed_is_named_with_its_extra() -> None:
    done = run_without("pyarrow", "check", "--help")
    assert done.returncode == 1
    assert done.stderr == (
        "segue: segue check needs pyarrow, which is not installed: pip install 'segue[train]'\n"
    )


def test_an_image_without_the_training_packages_can_still_recommend() -> None:
    done = run_without("pandas pandera sklearn matplotlib mlflow fsspec jinja2", "recommend", "--help")
    assert done.returncode == 0
    assert "--seeds-file" in done.stdout
