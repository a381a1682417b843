"""What learning from playlists takes at full size: the embedding and the relevance model together.

``python -m tests.benchmarks.bench_learning [ROWS]``
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import orjson

from tests.benchmarks.bench_pipeline import sample
from tests.benchmarks.measure import CACHE, Bound, in_own_process, report

# The sample of so many tracks has 100,000 playlists.
ROWS = 1_200_000


def prepare(rows: int, folder: Path) -> Path:
    """Folder of the preprocess step over the sample catalogue with its playlists."""
    from segue.steps import ingest, preprocess

    data = sample(rows)
    ingest(str(data / "catalog.csv"), folder / "tracks", interactions=str(data / "playlists.csv"))
    preprocess(folder / "tracks", folder / "features")
    return folder / "features"


def learn(features: Path, out: Path) -> dict[str, Any]:
    """Train embedding and relevance model, beside a popularity model of one tree."""
    from segue.ranking.train import TrainSettings, train

    return train(features, out, settings=TrainSettings(rounds=1, early_stopping=0)).learning


def main(rows: int = ROWS) -> bool:
    """Measure, print, write JSON; False where a promise is missed."""
    folder = CACHE / f"learning-{rows}"
    features = folder / "features"
    if not (features / "playlists.parquet").exists():
        shutil.rmtree(folder, ignore_errors=True)
        features = prepare(rows, folder)
    learned = in_own_process(learn, imports=("segue.ranking.train",), features=features, out=folder / "model")
    told = learned.result
    print(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
    bounds = [
        Bound(f"embedding and ranker, {rows:,} tracks, seconds", learned.seconds, 360),
        Bound("their peak memory, GiB", learned.peak_mib / 1024, 4),
    ]
    if "recall" in told:
        gained = max(told["recall"].values()) / told["recall"]["standardised"]
        bounds.append(Bound("recall of candidates over standardised features'", gained, 1, at_least=True))
    return report("learning", bounds, {"rows": rows, "learning": told})


if __name__ == "__main__":
    sys.exit(0 if main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS) else 1)
