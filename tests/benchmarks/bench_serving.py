"""The pair against a pair that does nothing, and against the base design, in one run on one machine.

``make bench-serving``, or ``python -m tests.benchmarks.bench_serving [--rows N] [--store DIR] [--minutes M]``
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks.http_load import closed, in_turns
from tests.benchmarks.measure import Bound, report
from tests.benchmarks.serving_load import SECONDS, SWAPS, no_failures, under_load
from tests.benchmarks.serving_pairs import LOGS, noop_pair, segue_pair
from tests.benchmarks.serving_store import CANDIDATES, K, Setting, make_store, prepare
from tests.serving.processes import ROOT, Served, free_port, wait_for

ROWS = 1_160_000
ROUNDS, TURNS = 5, 8


def base_design(setting: Setting) -> float:
    """p50 of the base design's compute for one request, in ms: no HTTP, no filters, no checks."""
    import faiss
    import lightgbm
    import numpy as np
    import pandas as pd
    import pyarrow.parquet as pq

    from segue.bundle.definition import BundleDefinition

    folder = setting.store / "bundles" / setting.digests[0]
    index = faiss.read_index(str(folder / "index.faiss"))
    spec = BundleDefinition.parse((folder / "bundle.json").read_bytes(), source="bench")
    if spec.index.kind == "ivf":
        index.nprobe = spec.index.nprobe
    embedding = np.load(folder / "embedding.npy", mmap_mode="r")
    # the catalogue as pandas holds it: names beside numbers
    frame = pq.read_table(folder / "tracks.parquet", columns=["track_id", "track_name", "artist_name"])
    frame = frame.to_pandas().join(pd.DataFrame(np.load(folder / "features.npy"), columns=spec.features))
    booster = lightgbm.Booster(model_file=str(folder / "popularity.txt"))
    seconds = []
    for row in np.random.default_rng(4).integers(0, len(embedding), 60):
        begun = time.perf_counter()
        ids = index.search(np.array(embedding[row])[None, :], CANDIDATES)[1][0]
        candidates = pd.DataFrame([frame.iloc[i] for i in ids])
        predicted = booster.predict(candidates[spec.features].astype(np.float32))
        candidates.assign(predicted=predicted).sort_values("predicted", ascending=False).head(K)
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds[10:]) * 1e3


def compare(setting: Setting, ports: dict[str, int], *, base: str) -> None:
    """p50 at one client and rate at eight, against those of `base` in the same round; the median of five."""
    calls = {name: (port, setting.calls) for name, port in ports.items()}
    seen: dict[str, dict[str, list[float]]] = {name: {"p50_ms": [], "rate": []} for name in ports}
    for port in ports.values():
        closed(port, setting.calls, clients=4, seconds=2)
    for _ in range(ROUNDS):
        for clients in (1, 8):
            for name, outcome in in_turns(calls, clients=clients, seconds=SECONDS, turns=TURNS).items():
                no_failures(name, outcome)
                if clients == 1:
                    seen[name]["p50_ms"].append(outcome.percentile_ms(50))
                else:
                    seen[name]["rate"].append(outcome.rate)
    setting.figures["compare"] = {
        name: {
            "p50_ms": statistics.median(kinds["p50_ms"]),
            "p50_ratio": _median_ratio(kinds["p50_ms"], seen[base]["p50_ms"]),
            "rate_ratio": _median_ratio(kinds["rate"], seen[base]["rate"]),
            "rounds": kinds,
        }
        for name, kinds in seen.items()
    }


def _median_ratio(values: list[float], others: list[float]) -> float:
    return statistics.median(value / other for value, other in zip(values, others, strict=True))


def start_times(setting: Setting) -> None:
    """Seconds until ready: an empty kserve server, the transformer, the predictor; the median of three."""
    empty = (
        "import sys; port = int(sys.argv[1]); grpc = int(sys.argv[2]); sys.argv = sys.argv[:1]\n"
        "import kserve\n"
        "model = kserve.Model('segue'); model.load()\n"
        "kserve.ModelServer(http_port=port, grpc_port=grpc).start([model])\n"
    )

    def ready(start: Callable[[int, int], subprocess.Popen[bytes]]) -> float:
        http, grpc = free_port(), free_port()
        begun = time.perf_counter()
        process = start(http, grpc)
        served = Served("any", LOGS / "start.log", {}, http_port=http)
        wait_for(lambda: served.ready, "a server that starts")
        took = time.perf_counter() - begun
        process.terminate()
        process.wait()
        return took

    def popen(*arguments: str) -> subprocess.Popen[bytes]:
        with (LOGS / "start.log").open("ab") as log:
            return subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=log, stderr=log)

    def program(name: str) -> Callable[[int, int], subprocess.Popen[bytes]]:
        def start(http: int, grpc: int) -> subprocess.Popen[bytes]:
            flags = ["--bundle", setting.bundle, "--http_port", str(http), "--grpc_port", str(grpc)]
            return popen("-m", f"serving.{name}", *flags)

        return start

    kinds = {
        "empty": lambda http, grpc: popen("-c", empty, str(http), str(grpc)),
        "transformer": program("transformer"),
        "predictor": program("predictor"),
    }
    runs = {name: [] for name in kinds}  # type: ignore[var-annotated]
    for _ in range(3):
        for name, start in kinds.items():
            runs[name].append(ready(start))
    setting.figures["start_seconds"] = {name: statistics.median(values) for name, values in runs.items()}


def bounds(figures: dict[str, Any]) -> list[Bound]:
    """The figures that are promised."""
    load, start, plain = figures["load"], figures["start_seconds"], figures["compare"]["booster"]
    made = [
        Bound("p50 at 1 client / no-op pair, booster", plain["p50_ratio"], 2.8),
        Bound("rate at 8 clients / no-op pair, booster", plain["rate_ratio"], 0.33, True),
        Bound("p50 of the pair / base design's compute", plain["p50_ms"] / figures["base_design_ms"], 0.5),
        Bound("transformer ready - empty kserve server, s", start["transformer"] - start["empty"], 2),
        Bound("predictor ready - empty kserve server, s", start["predictor"] - start["empty"], 2),
        Bound("RssAnon of the transformer, MiB", load["rss_anon_mib"], 550),
        Bound("RssAnon during a swap, MiB", load["rss_anon_swap_mib"], 900),
        Bound("p99 / p50 at 60 % of the rate held", load["p99_to_p50"], 4),
        Bound("failed requests during a swap", load["swap_failed"], 0),
        Bound("p99 during a swap / before", load["swap_p99"], 2),
    ]
    if compiled := figures["compare"].get("compiled"):
        made[2:2] = [
            Bound("p50 at 1 client / no-op pair, compiled", compiled["p50_ratio"], 1.9),
            Bound("rate at 8 clients / no-op pair, compiled", compiled["rate_ratio"], 0.45, True),
        ]
    if figures["soak"]:
        grown = figures["soak"]["last_mib"] / figures["soak"]["first_mib"]
        made.append(Bound(f"RssAnon after {figures['soak']['minutes']:g} minutes / at first", grown, 1.05))
    return made


def main() -> int:
    """Measure, print the table, write the JSON; 1 where a figure is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--store", type=Path, help="a store that has a champion already")
    parser.add_argument("--minutes", type=float, default=10.0, help="length of the soak; 0: none")
    parser.add_argument("--no-compile", action="store_true")
    arguments = parser.parse_args()
    LOGS.mkdir(parents=True, exist_ok=True)
    setting = prepare(arguments.store or make_store(arguments.rows), twins=2 + SWAPS)
    figures = setting.figures
    figures |= {"tracks": setting.tracks, "bytes_per_track": setting.bytes_per_track}
    figures["cpus"] = len(os.sched_getaffinity(0))
    print(f"{setting.tracks:,} tracks, {setting.bytes_per_track:.0f} bytes a track", flush=True)
    start_times(setting)
    print("start, s:", figures["start_seconds"], flush=True)
    figures["base_design_ms"] = base_design(setting)
    print(f"base design: {figures['base_design_ms']:.1f} ms", flush=True)
    with contextlib.ExitStack() as stack:
        ports = {"noop": stack.enter_context(noop_pair(setting.columns))}
        ports["booster"] = stack.enter_context(segue_pair(setting.bundle))[0].http_port
        if not arguments.no_compile:
            serving, ranking = stack.enter_context(segue_pair(setting.bundle, compile_ranker=""))
            wait_for(
                lambda: ranking.metric("segue_ranker_compiled", digest=setting.digests[0]) == 1,
                "compiled boosters",
                seconds=600,
                about=ranking.tail,
            )
            ports["compiled"] = serving.http_port
        compare(setting, ports, base="noop")
    print("compare:", figures["compare"], flush=True)
    under_load(setting, arguments.minutes)
    print("load:", figures["load"], flush=True)
    return 0 if report("serving", bounds(figures), figures) else 1


if __name__ == "__main__":
    sys.exit(main())
