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
_TRAIN = "segue.ranking.train"


def prepare(rows: int, folder: Path) -> Path:
    """Folder of the preprocess step over the sample catalogue with its playlists."""
    from segue.steps import ingest, preprocess

    data = sample(rows)
    ingest(str(data / "catalog.csv"), folder / "tracks", interactions=str(data / "playlists.csv"))
    preprocess(folder / "tracks", folder / "features")
    return folder / "features"


def learn(features: Path, out: Path, *, playlists: bool) -> dict[str, Any]:
    """Train with playlists and a popularity model of one tree, or without and with all of its trees.

    The second is what the first is compared with: LightGBM itself, for the most part.
    """
    from segue.ranking.train import TrainSettings, train

    if playlists:
        return train(features, out, settings=TrainSettings(rounds=1, early_stopping=0)).learning
    alone = out / "features"
    alone.mkdir(parents=True)
    for name in ("tracks.parquet", "features.npy", "split.npy", "transform.json"):
        (alone / name).symlink_to(features / name)
    return {"trees": train(alone, out, settings=TrainSettings(early_stopping=0)).trees}


def main(rows: int = ROWS) -> bool:
    """Measure, print, write JSON; False where a promise is missed."""
    folder = CACHE / f"learning-{rows}"
    features = folder / "features"
    if not (features / "playlists.parquet").exists():
        shutil.rmtree(folder, ignore_errors=True)
        features = prepare(rows, folder)
    shutil.rmtree(folder / "popularity", ignore_errors=True)
    learned = in_own_process(
        learn, imports=(_TRAIN,), features=features, out=folder / "model", playlists=True
    )
    alone = in_own_process(
        learn, imports=(_TRAIN,), features=features, out=folder / "popularity", playlists=False
    )
    told = learned.result
    print(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
    print(f"  popularity: {alone.seconds:.1f} s, {alone.peak_mib:.0f} MiB")
    bounds = [
        Bound(f"embedding and ranker, {rows:,} tracks, seconds", learned.seconds, 360),
        Bound("their peak memory, GiB", learned.peak_mib / 1024, 4),
        Bound("their time over that of the popularity model alone", learned.seconds / alone.seconds, 5),
    ]
    if "recall" in told:
        gained = max(told["recall"].values()) / told["recall"]["standardised"]
        bounds.append(Bound("recall of candidates over standardised features'", gained, 1, at_least=True))
    return report("learning", bounds, {"rows": rows, "learning": told, "popularity_seconds": alone.seconds})


if __name__ == "__main__":
    sys.exit(0 if main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS) else 1)
