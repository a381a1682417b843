"""Search by name at full size, typos included, against a pandas scan of the same names.

``python -m tests.benchmarks.bench_search [ROWS]``
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from segue.catalog.ingest import ingest
from segue.features.preprocess import preprocess
from segue.sample import generate
from segue.search import SearchIndex, build_search
from tests.benchmarks.measure import CACHE, Bound, in_own_process, report

ROWS = 1_160_000
QUERIES_A_KIND = 250
SCANS = 5
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def tracks_file(rows: int) -> Path:
    """Tracks of the pipeline's benchmark, or made here where that has not run."""
    preprocessed = CACHE / f"steps-{rows}" / "preprocessed" / "tracks.parquet"
    if preprocessed.is_file():
        return preprocessed
    own = CACHE / f"search-{rows}"
    if not (own / "preprocessed" / "tracks.parquet").is_file():
        sample = generate(rows, own / "sample")
        ingest(str(sample.catalog), own / "ingested")
        preprocess(own / "ingested", own / "preprocessed")
    return own / "preprocessed" / "tracks.parquet"


def with_typo(text: str, rng: np.random.Generator) -> str:
    """One slip in one of the longer words: a letter dropped, doubled, replaced or swapped with the next."""
    words = text.split()
    long = [number for number, word in enumerate(words) if len(word) >= 4 and word.isalpha()]
    if not long:
        return text
    number = long[int(rng.integers(len(long)))]
    word, at = words[number], int(rng.integers(0, len(words[number]) - 1))
    letter = LETTERS[int(rng.integers(26))]
    slips = (
        word[:at] + word[at + 1 :],
        word[:at] + letter + word[at:],
        word[:at] + letter + word[at + 1 :],
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
    )
    words[number] = slips[int(rng.integers(4))]
    return " ".join(words)


Typed = dict[str, str]
KINDS: dict[str, Callable[[str, str, np.random.Generator], Typed]] = {
    "title": lambda artist, title, rng: {"query": title},
    "artist": lambda artist, title, rng: {"query": artist},
    "artist and title": lambda artist, title, rng: {"query": f"{artist} {title}"},
    "title, first letters": lambda artist, title, rng: {"query": title[: int(rng.integers(1, 7))]},
    "artist and first letters": lambda artist, title, rng: {"query": f"{artist} {title[:3]}"},
    "words in any order": lambda artist, title, rng: {
        "query": " ".join(rng.permutation(f"{title} {artist}".split()))
    },
    "title with a typo": lambda artist, title, rng: {"query": with_typo(title, rng)},
    "artist with a typo": lambda artist, title, rng: {"query": with_typo(artist, rng)},
    "both with a typo": lambda artist, title, rng: {"query": with_typo(f"{artist} {title}", rng)},
    "both fields": lambda artist, title, rng: {"artist": artist, "track": title[:8]},
    "nothing there": lambda artist, title, rng: {"query": "".join(rng.permutation(list(artist + title)))},
}


def draw_queries(tracks: pd.DataFrame, rng: np.random.Generator) -> list[tuple[str, int, Typed]]:
    """Kind, row and what is typed; tracks are asked for in proportion to their popularity."""
    weight = tracks.popularity.fillna(0).to_numpy() + 1.0
    queries = []
    for kind, typed in KINDS.items():
        for row in rng.choice(len(tracks), QUERIES_A_KIND, p=weight / weight.sum()):
            artist, title = tracks.artist_name[row], tracks.track_name[row]
            queries.append((kind, int(row), typed(artist, title, rng)))
    return [queries[number] for number in rng.permutation(len(queries))]


def measure(index: SearchIndex, queries: list[tuple[str, int, Typed]], names: pd.Series) -> pd.DataFrame:
    """Kind, milliseconds, those on the processor, and whether artist and title are in the first twenty."""
    rows = []
    for kind, row, typed in queries:
        begun, begun_cpu = time.perf_counter(), time.thread_time()
        found = index.search(**typed)
        cpu, took = time.thread_time() - begun_cpu, time.perf_counter() - begun
        rows.append((kind, took * 1e3, cpu * 1e3, names[row] in set(names[found])))
    return pd.DataFrame(rows, columns=["kind", "ms", "cpu_ms", "found"])


def scan_seconds(names: pd.Series, queries: list[tuple[str, int, Typed]]) -> float:
    """Median seconds of looking for a title with pandas."""
    titles = [typed["query"] for kind, _, typed in queries if kind == "title"][:SCANS]
    took = []
    for title in titles:
        begun = time.perf_counter()
        names.str.contains(title, case=False, regex=False).to_numpy().nonzero()
        took.append(time.perf_counter() - begun)
    return float(np.median(took))


def main(rows: int = ROWS) -> bool:
    """Measure, print, write JSON; False where a promise is missed."""
    source = tracks_file(rows)
    file = CACHE / f"search-{rows}.sqlite"
    build = in_own_process(build_search, imports=("segue.search",), tracks=source, out=file)
    tracks = pq.read_table(source, columns=["artist_name", "track_name", "popularity"]).to_pandas()
    names = tracks.artist_name + " " + tracks.track_name
    queries = draw_queries(tracks, np.random.default_rng(9))
    with SearchIndex(file) as index:
        measure(index, queries[:200], names)
        measured = measure(index, queries, names)
    scan = scan_seconds(names, queries)
    p50, p95, p99 = np.percentile(measured.ms, [50, 95, 99])
    by_kind = measured.groupby("kind").agg(
        p50=("ms", "median"),
        p95=("ms", lambda ms: ms.quantile(0.95)),
        cpu_p95=("cpu_ms", lambda ms: ms.quantile(0.95)),
        found=("found", "mean"),
    )
    print(by_kind.round(3).to_string())
    bounds = [
        Bound("p95 of a search, milliseconds, typos included", float(p95), 8.0),
        Bound("pandas str.contains scan / median search", scan * 1e3 / float(p50), 100, at_least=True),
        Bound("build, seconds", build.seconds, 60),
        Bound("build, peak MiB", build.peak_mib, 1_024),
    ]
    details = {
        "rows": len(tracks),
        "milliseconds": {
            **{"p50": p50, "p95": p95, "p99": p99, "max": measured.ms.max(), "scan": scan * 1e3},
            "cpu_p95": measured.cpu_ms.quantile(0.95),
            "scan_over_p95": scan * 1e3 / p95,
        },
        "bytes_per_track": file.stat().st_size / len(tracks),
        "kinds": by_kind.to_dict("index"),
    }
    return report("search", bounds, details)


if __name__ == "__main__":
    sys.exit(0 if main(*map(int, sys.argv[1:])) else 1)
