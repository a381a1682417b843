"""Measuring: one step a process, so that its memory is its own; ratios within one run; JSON for comparing."""

from __future__ import annotations

import json
import multiprocessing
import resource
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
CACHE = Path(__file__).resolve().parents[2] / ".segue" / "bench"


@dataclass(frozen=True)
class Step:
    """What one step took: seconds of work, seconds of imports, peak resident memory of its process."""

    seconds: float
    import_seconds: float
    peak_mib: float
    result: Any


def _child(imports: tuple[str, ...], work: Callable[..., Any], arguments: Mapping[str, Any]) -> Step:
    begun = time.perf_counter()
    for name in imports:
        __import__(name)
    imported = time.perf_counter()
    result = work(**arguments)
    done = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Step(done - imported, imported - begun, peak, result)


def in_own_process(work: Callable[..., Any], /, *, imports: tuple[str, ...] = (), **arguments: Any) -> Step:
    """Run a function in a new process and say what it took."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_child, imports, work, arguments).result()


@dataclass(frozen=True)
class Bound:
    """One promised figure."""

    name: str
    value: float
    bound: float
    at_least: bool = False

    @property
    def kept(self) -> bool:
        return self.value >= self.bound if self.at_least else self.value <= self.bound


def report(name: str, bounds: list[Bound], details: Mapping[str, Any]) -> bool:
    """Print the figures against their bounds, write JSON, and say whether all are kept."""
    print(f"\n{name}")
    for bound in bounds:
        sign = ">=" if bound.at_least else "<="
        verdict = "kept" if bound.kept else "MISSED"
        print(f"  {bound.name:<62} {bound.value:10.3f}  {sign} {bound.bound:<8g} {verdict}")
    RESULTS.mkdir(parents=True, exist_ok=True)
    rows = [{**vars(bound), "kept": bound.kept} for bound in bounds]
    (RESULTS / f"{name}.json").write_text(
        json.dumps({"bounds": rows, "details": details}, indent=2, default=str) + "\n"
    )
    return all(bound.kept for bound in bounds)
