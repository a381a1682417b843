"""What learning from playlists costs a request: the pair with both boosters against the pair with one.

The same catalogue twice, trained with its playlists (learned embedding, artist vectors, a relevance model
beside the popularity model) and without (standardised features, the popularity model alone), and the same
calls.

``python -m tests.benchmarks.bench_boosters [--rows N]``
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path

from tests.benchmarks.bench_learning import prepare as preprocessed
from tests.benchmarks.bench_serving import compare
from tests.benchmarks.measure import CACHE, Bound, report
from tests.benchmarks.serving_pairs import LOGS, segue_pair
from tests.benchmarks.serving_store import prepare, train_and_publish

# Searching costs more in a larger catalogue, so the second booster weighs less there.
ROWS = 200_000


def stores(rows: int) -> dict[str, Path]:
    """A store by the number of boosters in its champion; made once."""
    folder = CACHE / f"learning-{rows}"
    features = folder / "features"
    if not (features / "playlists.parquet").exists():
        preprocessed(rows, folder)
    alone = folder / "features-alone"
    alone.mkdir(exist_ok=True)
    for file in features.iterdir():
        if file.name != "playlists.parquet" and not (alone / file.name).exists():
            (alone / file.name).symlink_to(file)
    made = {}
    for name, read in (("two", features), ("one", alone)):
        made[name] = CACHE / f"boosters-{rows}-{name}"
        if not (made[name] / "channels" / "champion.json").exists():
            train_and_publish(read, folder / name, made[name])
    return made


def main(rows: int = ROWS) -> bool:
    """Measure, print, write JSON; False where the promise is missed."""
    from segue.bundle.location import BundleLocation, read_definition
    from segue.store.open import open_store

    LOGS.mkdir(parents=True, exist_ok=True)
    settings = {name: prepare(store, twins=0) for name, store in stores(rows).items()}
    for name, boosters in (("one", 1), ("two", 2)):
        place = BundleLocation.in_store(open_store(str(settings[name].store)), settings[name].digests[0])
        found = [booster.name for booster in read_definition(place)[0].boosters]
        if len(found) != boosters:
            raise SystemExit(f"the bundle with {name} has the boosters {found}")
    with contextlib.ExitStack() as stack:
        ports = {
            name: stack.enter_context(segue_pair(setting.bundle))[0].http_port
            for name, setting in settings.items()
        }
        compare(settings["two"], ports, base="one")
    figures = settings["two"].figures
    print("compare:", figures["compare"])
    ratio = figures["compare"]["two"]["p50_ratio"]
    return report("boosters", [Bound("p50 of the pair, two boosters / one", ratio, 1.25)], figures)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    sys.exit(0 if main(parser.parse_args().rows) else 1)
