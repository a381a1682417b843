"""A stack that is started once, found again and stopped."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from serving.stack.running import AlreadyRunning, running_alone, stop_running

HOLD = """
import sys, time, pathlib
from serving.stack.running import running_alone
from serving.stack.supervisor import Stopped, raise_on_signals
raise_on_signals()
try:
    with running_alone(pathlib.Path(sys.argv[1])):
        print("held", flush=True)
        time.sleep(60)
except Stopped:
    print("ended", flush=True)
"""


@pytest.fixture
def holder(tmp_path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_one_is_refused_and_told_how_to_stop_the_first(
    holder: subprocess.Popen[str], tmp_path: Path
) -> None:
    with pytest.raises(AlreadyRunning, match=rf"process {holder.pid}: .*make stop"), running_alone(tmp_path):
        pass
    assert stop_running(tmp_path) is True
    assert holder.communicate(timeout=20)[0] == "ended\n"
    assert stop_running(tmp_path) is False


def test_one_that_was_killed_leaves_nothing_in_the_way(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    holder.kill()
    holder.wait()
    assert stop_running(tmp_path) is False
    began = time.monotonic()
    with running_alone(tmp_path):
        assert time.monotonic() - began < 5


def test_nothing_is_stopped_where_nothing_ever_ran(tmp_path: Path) -> None:
    assert stop_running(tmp_path / "nowhere") is False
    assert not (tmp_path / "nowhere").exists()
