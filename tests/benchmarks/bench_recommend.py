"""Search against exact search, and recommendations in batch, on the catalogue of ``bench_pipeline``.

``python -m tests.benchmarks.bench_recommend [ROWS]``
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import numpy as np

from segue.recommend.batch import recommend_each, write_batch
from segue.recommend.model import Bundle
from segue.recommend.recommender import Recommender
from segue.recommend.request import Request
from segue.recommend.rerank import LocalRanker
from segue.steps.assemble import collect
from tests.benchmarks.bench_pipeline import ROWS, measure_steps
from tests.benchmarks.measure import CACHE, Bound, report

QUERIES = 200
NEIGHBOURS = 200
SEEDS = 5_000


def open_steps(work: Path) -> Bundle:
    """Open what the steps made, before publishing."""
    definition, parts = collect(
        preprocessed=work / "preprocessed",
        trained=work / "trained",
        indexed=work / "indexed",
        catalog_profile="0" * 64,
    )
    return Bundle(definition, parts.__getitem__)


def search_against_exact(bundle: Bundle) -> tuple[float, float, float]:
    """Recall@200, median seconds of one search, median seconds of one exact search; one thread."""
    import faiss

    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    embedding = np.asarray(bundle.embedding)
    exact = faiss.IndexFlatL2(embedding.shape[1])
    exact.add(embedding)
    rows = np.random.default_rng(11).choice(len(embedding), QUERIES, replace=False)
    # pages of the mapped index that were never read cost their own time once
    bundle.index.search(embedding[rows], NEIGHBOURS)
    recall, ours, theirs = [], [], []
    for row in rows:
        query = embedding[row : row + 1]
        begun = time.perf_counter()
        distances, _ = bundle.index.search(query, NEIGHBOURS)
        middle = time.perf_counter()
        furthest = exact.search(query, NEIGHBOURS)[0][0, -1]
        theirs.append(time.perf_counter() - middle)
        ours.append(middle - begun)
        recall.append(float((distances[0] <= furthest * (1 + 1e-5) + 1e-6).mean()))
    faiss.omp_set_num_threads(threads)
    return statistics.mean(recall), statistics.median(ours), statistics.median(theirs)


def seeds_per_second(bundle: Bundle, out: Path) -> float:
    """Lists a second: N = 200, k = 10, one booster of 300 trees, written as CSV."""
    rows = np.random.default_rng(12).choice(bundle.size, SEEDS, replace=False)
    seeds = [bundle.value("track_id", int(row)) for row in rows]
    recommender = Recommender(bundle)
    ranker = LocalRanker(bundle.definition, bundle.path, threads=2)
    template = Request.parse({"seeds": seeds[:1], "candidates": 200, "k": 10})
    list(recommend_each(recommender, ranker, seeds[:512], template))
    begun = time.perf_counter()
    unknown = write_batch(out, recommend_each(recommender, ranker, seeds, template))
    took = time.perf_counter() - begun
    assert not unknown
    return len(seeds) / took


def main(rows: int = ROWS) -> bool:
    """Measure, print, write JSON; False where a promise is missed."""
    work = CACHE / f"steps-{rows}"
    if not (work / "indexed" / "index.json").exists():
        measure_steps(rows)
    bundle = open_steps(work)
    recall, ours, exact = search_against_exact(bundle)
    rate = seeds_per_second(bundle, work / "recommendations.csv")
    trees = bundle.definition.boosters[0].trees
    return report(
        "recommend",
        [
            Bound(f"recall@{NEIGHBOURS}", recall, 0.99, at_least=True),
            Bound("one search / one exact search", ours / exact, 0.05),
            Bound(f"batch, seeds/s ({trees} trees)", rate, 500, at_least=True),
        ],
        {"rows": rows, "search_ms": ours * 1e3, "exact_ms": exact * 1e3, "trees": trees},
    )


if __name__ == "__main__":
    sys.exit(0 if main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS) else 1)
