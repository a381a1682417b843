"""The supervisor with real processes: ready, stopped, failed; and ports that are taken."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from serving.stack import supervisor as module
from serving.stack.ports import Ports, is_free, pick_ports
from serving.stack.supervisor import Member, MemberEnded, Supervisor
from tests.live_services import free_port

ROOT = Path(__file__).resolve().parents[2]


class Script(Member):
    """A member that runs a script instead of a module of ours."""

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-c", str(self.flags["script"]), str(self.flags["port"])]


SERVER = (
    "import http.server as http, sys\n"
    "http.test(http.SimpleHTTPRequestHandler, port=int(sys.argv[1]), bind='127.0.0.1')"
)


def script(name: str, text: str, folder: Path) -> Script:
    port = free_port()
    return Script(
        name=name,
        flags={"script": text, "port": port},
        ready_url=f"http://127.0.0.1:{port}/",
        log=folder / f"{name}.log",
    )


def is_alive(member: Member) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(str(member.flags["port"])))) == 0


def test_it_waits_until_all_are_ready_and_stops_all(tmp_path: Path) -> None:
    members = [script(name, SERVER, tmp_path) for name in ("one", "two")]
    ready: list[str] = []
    with Supervisor(members) as running:
        running.wait_ready(lambda member: ready.append(member.name))
        assert ready == ["one", "two"]
        assert all(is_alive(member) for member in members)
    assert not any(is_alive(member) for member in members)


def test_it_says_whom_it_waits_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TELL_SECONDS", 0.2)
    slow = script("slow", f"import time; time.sleep(1)\n{SERVER}", tmp_path)
    waited: list[tuple[str, float]] = []
    with Supervisor([slow]) as running:
        running.wait_ready(on_wait=lambda member, seconds: waited.append((member.name, seconds)))
    assert len(waited) >= 3
    assert {name for name, _ in waited} == {"slow"}
    assert [seconds for _, seconds in waited] == sorted(seconds for _, seconds in waited)


def test_it_says_which_one_ended_and_how_its_log_ends(tmp_path: Path) -> None:
    good, bad = script("good", SERVER, tmp_path), script("bad", "raise SystemExit('no licence')", tmp_path)
    with (
        pytest.raises(MemberEnded, match=r"(?s)bad ended with exit code 1.*bad\.log, ends with:\nno licence"),
        Supervisor([good, bad]) as running,
    ):
        running.wait_ready()
    assert not is_alive(good)


def test_it_notices_when_one_dies_later(tmp_path: Path) -> None:
    text = f"import threading, os; threading.Timer(1.0, os._exit, [7]).start()\n{SERVER}"
    with Supervisor([script("frail", text, tmp_path)]) as running:
        running.wait_ready()
        with pytest.raises(MemberEnded, match="frail ended with exit code 7"):
            running.wait()


def test_it_gives_up_on_one_that_does_not_get_ready(tmp_path: Path) -> None:
    with (
        pytest.raises(MemberEnded, match=r"slow was not ready after 0\.5 s"),
        Supervisor([script("slow", "import time; time.sleep(60)", tmp_path)], ready_seconds=0.5) as running,
    ):
        running.wait_ready()


def test_it_kills_one_that_does_not_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STOP_SECONDS", 0.5)
    stubborn = script("stubborn", f"import signal; signal.signal(15, signal.SIG_IGN)\n{SERVER}", tmp_path)
    with Supervisor([stubborn]) as running:
        running.wait_ready()
        begun = time.monotonic()
    assert time.monotonic() - begun < 10
    assert not is_alive(stubborn)


def test_it_takes_another_port_where_one_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        assert not is_free(port)
    assert is_free(port)
    ports, moved = pick_ports(frozenset())
    assert (ports, moved) == (Ports(), {})
    with socket.socket() as taken:
        try:
            taken.bind(("127.0.0.1", Ports().page))
            taken.listen()
        except OSError:
            pass  # something else has it, which is as good
        ports, moved = pick_ports(frozenset({"page"}))
        assert moved == {"page": (Ports().page, ports.page)}
        assert ports.page != Ports().page
        assert ports.gateway == Ports().gateway


def test_it_says_what_is_wrong_with_a_bundle_and_leaves_nothing_running(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "serving.stack", "whole", "--bundle", "s3:/", "--home", str(tmp_path)],
        check=False,
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1
    assert "ended with exit code 1" in done.stderr
    assert "s3:" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_without_a_fault_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    text = (
        "from serving.stack.supervisor import *; from tests.stack.test_supervisor import *\n"
        "raise_on_signals()\n"
        "try:\n"
        f"    with Supervisor([script('one', SERVER, Path({str(tmp_path)!r}))]) as running:\n"
        "        running.wait_ready(); print('ready', flush=True); running.wait()\n"
        "except Stopped:\n"
        "    print('stopped', flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", text], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.stdout.readline() == "stopped\n"
    assert process.returncode == 0
