"""Two pairs to measure: Segue's, and one that does nothing."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

from tests.benchmarks.measure import CACHE
from tests.serving.processes import ROOT, Served, free_port, predictor, transformer, wait_for

LOGS = CACHE / "serving-logs"


@contextlib.contextmanager
def noop_pair(columns: int) -> Iterator[int]:
    """Start the pair that does nothing; gives its HTTP port."""
    ports = [free_port() for _ in range(4)]
    module = [sys.executable, "-m", "tests.benchmarks.noop_pair"]
    commands = [
        [*module, "predictor", str(ports[0]), str(ports[1]), str(columns)],
        [*module, "transformer", str(ports[2]), str(ports[3]), str(columns), f"127.0.0.1:{ports[1]}"],
    ]
    with (LOGS / "noop.log").open("wb") as log:
        started = [subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log) for command in commands]
    try:
        for port in (ports[0], ports[2]):
            served = Served("noop", LOGS / "noop.log", {}, http_port=port)
            wait_for(lambda served=served: served.ready, "the no-op pair")  # type: ignore[misc]
        yield ports[2]
    finally:
        for process in started:
            process.terminate()
            process.wait()


@contextlib.contextmanager
def segue_pair(bundle: str, **flags: str) -> Iterator[tuple[Served, Served]]:
    """Start the pair; gives transformer and predictor."""
    ranking = predictor(LOGS, bundle, **flags)
    serving = transformer(LOGS, bundle, ranking, poll_seconds="0.5", predictor_deadline_seconds="5")
    try:
        ranking.start().wait_ready()
        serving.start().wait_ready()
        yield serving, ranking
    finally:
        for served in (serving, ranking):
            served.stop()
