"""Evaluate, search index and publish, on what ``bench_pipeline`` left.

``python -m tests.benchmarks.bench_publish [ROWS]``
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from tests.benchmarks.bench_pipeline import ROWS, measure_steps
from tests.benchmarks.measure import CACHE, Bound, in_own_process, report


def _folders(work: Path) -> Any:
    from segue.steps import Folders

    return Folders(
        tracks=work / "ingested",
        features=work / "preprocessed",
        model=work / "trained",
        index=work / "indexed",
    )


def _evaluate(work: Path) -> str:
    from segue.steps import evaluate

    return evaluate(
        _folders(work), work / "evaluated", page=work / "report.html", store=str(work / "store")
    ).line


def _publish(work: Path) -> str:
    from segue.steps import Target, publish

    target = Target(store=str(work / "store"), run_id="bench")
    return publish(_folders(work), work / "evaluated", work / "published.json", target=target).line


def main(rows: int = ROWS) -> bool:
    """Measure, print, write JSON; False where a promise is missed."""
    work = CACHE / f"steps-{rows}"
    if not (work / "indexed" / "index.json").exists():
        measure_steps(rows)
    for name in ("store", "evaluated"):
        shutil.rmtree(work / name, ignore_errors=True)
    steps = {name: in_own_process(step, work=work) for name, step in _STEPS.items()}
    for name, step in steps.items():
        print(f"  {name:<12} {step.seconds:7.1f} s   peak {step.peak_mib:6.0f} MiB   {step.result}")
    return report(
        "publish",
        [
            Bound("evaluate, search index and publish, s", sum(s.seconds for s in steps.values()), 150),
            Bound("largest peak memory, MiB", max(step.peak_mib for step in steps.values()), 2560),
        ],
        {"rows": rows, "seconds": {name: step.seconds for name, step in steps.items()}},
    )


_STEPS = {"evaluate": _evaluate, "publish": _publish}

if __name__ == "__main__":
    sys.exit(0 if main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS) else 1)
