"""How right the recommendations are, measured by evaluate itself on playlists that it did not use.

On the real tracks beside a developer's checkout, or else on the sample catalogue.
``python -m tests.benchmarks.bench_quality``
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import orjson

from tests.benchmarks.bench_pipeline import sample
from tests.benchmarks.measure import CACHE, Bound, report

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def _source() -> tuple[str, Path, Path]:
    if SHARED.is_dir():
        return "real", SHARED / "catalog.csv.gz", SHARED / "playlists.csv.gz"
    folder = sample(20_000)
    return "sample", folder / "catalog.csv", folder / "playlists.csv"


def main() -> bool:
    """Measure, print, write JSON; False where a promise is missed."""
    from segue.steps import Folders, build_index, evaluate, ingest, preprocess, train

    name, catalog, interactions = _source()
    work = CACHE / f"quality-{name}"
    shutil.rmtree(work, ignore_errors=True)
    folders = Folders(
        tracks=work / "tracks", features=work / "features", model=work / "model", index=work / "index"
    )
    ingest(str(catalog), folders.tracks, interactions=str(interactions))
    preprocess(folders.tracks, folders.features)
    train(folders.features, folders.model)
    build_index(folders.model, folders.features, folders.index)
    evaluate(folders, work / "evaluated", page=work / "report.html", store=str(work / "store"))
    methods = orjson.loads((work / "evaluated" / "metrics.json").read_bytes())["methods"]
    figures = {method: found["figures"] for method, found in methods.items()}
    for method, found in figures.items():
        plain, filtered = found["precision"], found["artist_filtered_precision"]
        print(
            f"  {methods[method]['title']:<14} P {plain['mean']:.4f} ({plain['low']:.4f}-{plain['high']:.4f})"
            f"   others {filtered['mean']:.4f} ({filtered['low']:.4f}-{filtered['high']:.4f})"
        )
    ratio = figures["segue"]["precision"]["mean"] / figures["base_design"]["precision"]["mean"]
    return report(
        "quality",
        [Bound(f"P@10 over the base design's, {name} playlists", ratio, 5, at_least=True)],
        {"catalogue": name, "figures": figures},
    )


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
