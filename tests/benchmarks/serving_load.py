"""The pair under load: latency at a share of what it holds, swaps in the middle of that, and memory."""

from __future__ import annotations

import statistics
import threading
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.http_load import Outcome, closed, paced
from tests.benchmarks.serving_pairs import segue_pair
from tests.benchmarks.serving_store import Setting, point_at
from tests.serving.processes import Served, wait_for

SECONDS = 4.0
CALM_SECONDS = 12.0
STRETCHES = 5
SWAPS = 3


def no_failures(name: str, outcome: Outcome) -> None:
    if outcome.failures:
        raise SystemExit(f"{name}: {len(outcome.failures)} calls failed, first {outcome.failures[0]}")


def anonymous_mib(pid: int) -> float:
    """RssAnon: what a process holds for itself, without mapped files."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no RssAnon: this is not Linux")


class MemoryWatch:
    """The largest RssAnon that a process has while this is entered."""

    def __init__(self, pid: int) -> None:
        self.largest = 0.0
        self._pid = pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.02):
            self.largest = max(self.largest, anonymous_mib(self._pid))


def under_load(setting: Setting, minutes: float) -> None:
    """Held rate, latency at 60 % of it, swaps in the middle of that, memory all along."""
    # those that are swapped in are others: a pod holds the champion and the one before already
    point_at(setting, setting.digests[2])
    point_at(setting, setting.digests[0])
    with segue_pair(setting.channel) as (serving, _):
        closed(serving.http_port, setting.calls, clients=8, seconds=3)
        stretches = [calm(setting, serving.http_port) for _ in range(STRETCHES)]
        rate = stretches[-1]["rate"]
        memory = anonymous_mib(serving.pid)
        swapped = swaps(setting, serving, rate)
        setting.figures["load"] = {
            "stretches": stretches,
            "p99_to_p50": statistics.median(found["p99_ms"] / found["p50_ms"] for found in stretches),
            "rss_anon_mib": memory,
            **swapped,
        }
        setting.figures["soak"] = soak(setting, serving, rate, minutes)


def calm(setting: Setting, port: int) -> dict[str, float]:
    """One stretch at 60 % of the rate that was held just before: the machine's own speed comes and goes."""
    held = closed(port, setting.calls, clients=8, seconds=SECONDS).rate
    rate = 0.6 * held
    outcome = paced(port, setting.calls, rate=rate, count=int(rate * 15))
    no_failures("calm", outcome)
    return {
        "held_rate": held,
        "rate": rate,
        "p50_ms": outcome.percentile_ms(50),
        "p99_ms": outcome.percentile_ms(99),
    }


def swaps(setting: Setting, serving: Served, rate: float) -> dict[str, Any]:
    """New champions in one stream of requests; p99 while each comes in against the calm before it."""
    moments: list[tuple[float, float, float]] = []

    def swap_again() -> None:
        for digest in setting.digests[3 : 3 + SWAPS]:
            calm_from = time.perf_counter()
            time.sleep(CALM_SECONDS)
            begun = time.perf_counter()
            point_at(setting, digest)
            # by its log: /metrics, asked twenty times a second, would take a tenth of its CPU
            wait_for(
                lambda digest=digest: _in_service(serving) == digest[:12],  # type: ignore[misc]
                "the new bundle in service",
                about=serving.tail,
            )
            moments.append((calm_from, begun, time.perf_counter()))
            time.sleep(2.0)

    count = int(max(11_000, rate * SWAPS * (CALM_SECONDS + 15)))
    with MemoryWatch(serving.pid) as watch:
        outcome = paced(serving.http_port, setting.calls, rate=rate, count=count, meanwhile=swap_again)
    each = [
        {
            "seconds": end - begun,
            "calls": len(outcome.between(begun, end).seconds),
            "p99_before_ms": outcome.between(calm_from, begun).percentile_ms(99),
            "p99_during_ms": outcome.between(begun, end).percentile_ms(99),
        }
        for calm_from, begun, end in moments
    ]
    return {
        "rss_anon_swap_mib": watch.largest,
        "swap_requests": count,
        "swap_failed": len(outcome.failures),
        "swaps": each,
        "swap_p99": statistics.median(found["p99_during_ms"] / found["p99_before_ms"] for found in each),
    }


def _in_service(serving: Served) -> str:
    """Start of the digest that the log named last as being in service."""
    return serving.tail().rpartition("in service: bundle ")[2][:12]


def soak(setting: Setting, serving: Served, rate: float, minutes: float) -> dict[str, float]:
    """Load for so long; memory after the first fifth against memory at the end."""
    if not minutes:
        return {}
    measured = []
    for _ in range(5):
        outcome = paced(serving.http_port, setting.calls, rate=rate, count=int(rate * minutes * 12))
        no_failures("soak", outcome)
        measured.append(anonymous_mib(serving.pid))
    return {"minutes": minutes, "first_mib": measured[0], "last_mib": measured[-1]}
