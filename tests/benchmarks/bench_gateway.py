"""What the gateway adds to the pair, and its search over HTTP, at full size in one run on one machine.

``make bench-gateway``, or ``python -m tests.benchmarks.bench_gateway [ROWS]``
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import psutil
import pyarrow.parquet as pq

from tests.benchmarks.bench_search import draw_queries
from tests.benchmarks.bench_serving import ROWS
from tests.benchmarks.http_load import Outcome, bodies, closed, in_turns
from tests.benchmarks.measure import CACHE, Bound, report
from tests.benchmarks.serving_load import anonymous_mib, no_failures
from tests.benchmarks.serving_store import CANDIDATES, K, make_store
from tests.serving.processes import Served, call, gateway, predictor, transformer, wait_for

ROUNDS, TURNS = 9, 5
SECONDS = 2.5
WORK = CACHE / "gateway"


def gateway_store(rows: int) -> Path:
    """The pair's store with a search index, which the pair never opens, in the bundle; made once."""
    from segue.bundle.channel import read_channel
    from segue.bundle.location import BundleLocation, read_definition
    from segue.bundle.publish import publish
    from segue.search import build_search
    from segue.store.open import open_store

    store = CACHE / f"gateway-{rows}"
    if (store / "channels" / "champion.json").exists():
        return store
    source = make_store(rows)
    digest = read_channel(open_store(str(source)), "champion").digest
    assert digest is not None
    folder = source / "bundles" / digest
    definition, _ = read_definition(BundleLocation.in_folder(folder))
    parts = {name: folder / name for name in definition.files}
    parts["search.sqlite"] = WORK / f"search-{rows}.sqlite"
    build_search(parts["tracks.parquet"], parts["search.sqlite"])
    unnamed = definition.model_copy(update={"files": {}})
    publish(unnamed, parts, str(store), run_id="bench", by="bench", reason="first", promote=True)
    return store


def make_key() -> str:
    """A key of the benchmark's own database."""
    from segue.database import migrate, open_engine
    from segue.keys import Scope, create_key

    (WORK / "segue.db").unlink(missing_ok=True)
    migrate(f"sqlite:///{WORK}/segue.db")
    engine = open_engine(f"sqlite:///{WORK}/segue.db")
    credential = create_key(engine, name="bench", scopes=[Scope.READ])[1]
    engine.dispose()
    return credential


def posts(ids: Sequence[str], credential: str) -> list[bytes]:
    """One call for a list for each id, ready to be sent."""
    made = []
    for name in ids:
        body = json.dumps({"seeds": [name], "k": K, "candidates": CANDIDATES}).encode()
        head = (
            f"POST /api/recommendations HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {credential}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


def searches(tracks: Path, credential: str) -> list[bytes]:
    """One search for each query of the search's own benchmark."""
    names = pq.read_table(tracks, columns=["artist_name", "track_name", "popularity"]).to_pandas()
    made = []
    for _, _, typed in draw_queries(names, np.random.default_rng(9)):
        asked = {"q" if name == "query" else name: text for name, text in typed.items() if text.strip()}
        head = (
            f"GET /api/search?{urlencode(asked)} HTTP/1.1\r\nHost: bench\r\n"
            f"Authorization: Bearer {credential}\r\n\r\n"
        )
        made.append(head.encode())
    return made


def compare(calls: dict[str, tuple[int, list[bytes]]]) -> dict[str, Any]:
    """p50 at one client and rate at eight, medians of rounds; and how many lists were asked for in all."""
    seen: dict[str, dict[str, list[float]]] = {name: {"p50_ms": [], "rate": []} for name in calls}
    asked = dict.fromkeys(calls, 0)

    def run(clients: int, seconds: float, turns: int) -> dict[str, Outcome]:
        outcomes = in_turns(calls, clients=clients, seconds=seconds, turns=turns)
        for name, outcome in outcomes.items():
            no_failures(name, outcome)
            asked[name] += len(outcome.seconds)
        return outcomes

    run(4, 2, 1)
    for number in range(ROUNDS):
        for name, outcome in run(1, SECONDS, TURNS).items():
            seen[name]["p50_ms"].append(outcome.percentile_ms(50))
        if number % 3 == 0:
            for name, outcome in run(8, SECONDS, 1).items():
                seen[name]["rate"].append(outcome.rate)
    medians = {
        name: {key: statistics.median(values) for key, values in kinds.items()}
        for name, kinds in seen.items()
    }
    rounds = zip(seen["gateway"]["p50_ms"], seen["transformer"]["p50_ms"], strict=True)
    added = statistics.median(through - direct for through, direct in rounds)
    return {"medians": medians, "added_ms": added, "runs": seen, "asked": asked}


def cpu_ms_per_list(
    processes: dict[str, Served], port: int, calls: list[bytes]
) -> tuple[dict[str, float], int]:
    """Processor time that a list costs each process, steadier than latency where others compute; and of how
    many lists.
    """

    def spent() -> dict[str, float]:
        times = {name: psutil.Process(served.pid).cpu_times() for name, served in processes.items()}
        return {name: each.user + each.system for name, each in times.items()}

    before = spent()
    lists = len(closed(port, calls, clients=1, seconds=2 * SECONDS).seconds)
    return {name: 1e3 * (after - before[name]) / lists for name, after in spent().items()}, lists


def search_ms(port: int, calls: list[bytes]) -> dict[str, float]:
    """Percentiles of one client's searches, each query asked once."""
    closed(port, calls[:200], clients=1, seconds=1)
    outcome = closed(port, calls, clients=1, seconds=15)
    no_failures("search", outcome)
    return {f"p{share}": outcome.percentile_ms(share) for share in (50, 95, 99)} | {
        "searches": float(len(outcome.seconds))
    }


def written(front: Served) -> int:
    return int(front.metric("segue_log_written_total"))


def main(rows: int = ROWS) -> bool:
    """Measure, print, write JSON; False where a promise is missed."""
    WORK.mkdir(parents=True, exist_ok=True)
    store = gateway_store(rows)
    bundle = f"{store}/channels/champion"
    credential = make_key()
    [folder] = (store / "bundles").iterdir()
    tracks = folder / "tracks.parquet"
    ids = pq.read_table(tracks, columns=["track_id"])["track_id"]
    chosen = [ids[int(row)].as_py() for row in np.random.default_rng(3).integers(0, len(ids), 4_000)]
    ranking = predictor(WORK, bundle).start()
    serving = transformer(WORK, bundle, ranking, predictor_deadline_seconds="5").start()
    front = gateway(WORK, bundle, serving)
    # tests do not wait for the log as long as users do
    del front.environment["SEGUE_LOG_FLUSH_SECONDS"]
    front.start()
    headers = {"authorization": f"Bearer {credential}"}
    try:
        for served in (ranking, serving, front):
            served.wait_ready()
        calls = {
            "transformer": (serving.http_port, bodies(chosen, k=K, candidates=CANDIDATES)),
            "gateway": (front.http_port, posts(chosen, credential)),
        }
        figures = compare(calls)
        figures["cpu_ms_per_list"], more = cpu_ms_per_list(
            {"predictor": ranking, "transformer": serving, "gateway": front}, *calls["gateway"]
        )
        asked = figures["asked"]["gateway"] + more
        wait_for(lambda: written(front) >= asked, "the log", about=front.tail)
        figures["search_ms"] = search_ms(front.http_port, searches(tracks, credential))
        figures["rss_anon_mib"] = anonymous_mib(front.pid)
        stats = call(front.http_port, "GET", "/api/stats?hours=1", headers=headers, timeout=60).json
        figures["logged"] = stats["totals"]["requests"]
    finally:
        for served in (front, serving, ranking):
            served.stop()
    figures |= {"tracks": len(ids), "cpus": len(os.sched_getaffinity(0))}
    medians = figures["medians"]
    direct, through = medians["transformer"], medians["gateway"]
    print(f"p50 at 1 client: transformer {direct['p50_ms']:.2f} ms, gateway {through['p50_ms']:.2f} ms")
    print(f"rate at 8 clients: transformer {direct['rate']:.0f}/s, gateway {through['rate']:.0f}/s")
    print("processor time of a list, ms:", {k: round(v, 2) for k, v in figures["cpu_ms_per_list"].items()})
    print("search, ms:", {name: round(value, 2) for name, value in figures["search_ms"].items()})
    print(f"RssAnon of the gateway: {figures['rss_anon_mib']:.0f} MiB", flush=True)
    bounds = [
        Bound("p50 that the gateway adds at 1 client, ms", figures["added_ms"], 3.0),
        Bound("p95 of a search over HTTP, ms, typos included", figures["search_ms"]["p95"], 8.0),
        Bound("lists asked for and not logged", abs(asked - figures["logged"]), 0),
        Bound("RssAnon of the gateway, MiB", figures["rss_anon_mib"], 700),
    ]
    return report("gateway", bounds, figures)


if __name__ == "__main__":
    sys.exit(0 if main(*map(int, sys.argv[1:])) else 1)
