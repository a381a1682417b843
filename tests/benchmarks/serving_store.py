"""What the serving benchmarks serve: a store with a bundle of the sample, twins of it, and queries."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.http_load import bodies
from tests.benchmarks.measure import CACHE

K, CANDIDATES = 10, 200


@dataclass
class Setting:
    """What is measured, and what has been."""

    store: Path
    digests: list[str]
    calls: list[bytes]
    columns: int
    tracks: int
    bytes_per_track: float
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def bundle(self) -> str:
        return f"{self.store}/bundles/{self.digests[0]}"

    @property
    def channel(self) -> str:
        return f"{self.store}/channels/bench"


def make_store(rows: int) -> Path:
    """A store with the bundle of the sample of this size; made once."""
    from segue.catalog.ingest import ingest
    from segue.features.preprocess import preprocess
    from tests.benchmarks.bench_pipeline import sample

    store, work = CACHE / f"serving-{rows}", CACHE / f"serving-steps-{rows}"
    if (store / "channels" / "champion.json").exists():
        return store
    ingest(str(sample(rows) / "catalog.csv"), work / "ingested")
    preprocess(work / "ingested", work / "preprocessed")
    train_and_publish(work / "preprocessed", work, store)
    return store


def train_and_publish(preprocessed: Path, work: Path, store: Path) -> None:
    """A bundle of what the preprocess step left, with 300 trees of popularity, as the store's champion."""
    from segue.bundle.publish import publish
    from segue.index.build import build_index
    from segue.ranking.train import TrainSettings, train
    from segue.steps.assemble import collect

    train(preprocessed, work / "trained", settings=TrainSettings(rounds=300, early_stopping=0))
    build_index(work / "trained", preprocessed, work / "indexed")
    definition, parts = collect(
        preprocessed=preprocessed,
        trained=work / "trained",
        indexed=work / "indexed",
        catalog_profile="0" * 64,
    )
    parts |= _extras(work, parts)
    publish(definition, parts, str(store), run_id="bench", by="bench", reason="first", promote=True)


def _extras(work: Path, parts: dict[str, Path]) -> dict[str, Path]:
    """A drift reference, and in place of the search index, which the pair never opens, an empty file."""
    import numpy as np

    from segue.features.reference import fit_reference
    from segue.features.transform import FeatureTransform

    transform = FeatureTransform.model_validate_json(parts["transform.json"].read_bytes())
    shares = np.linspace(0, 1, 1_000, dtype=np.float32)
    outputs = {"similarity": shares, "score": shares, "predicted_popularity": shares * 100}
    reference = fit_reference(transform, np.load(parts["features.npy"]), outputs)
    (work / "reference.json").write_text(reference.model_dump_json())
    (work / "search.sqlite").write_bytes(b"")
    return {name: work / name for name in ("reference.json", "search.sqlite")}


def prepare(store: Path, *, twins: int = 2) -> Setting:
    """Publish more versions that differ in name alone, for the swap, and draw the queries."""
    import numpy as np
    import pyarrow.parquet as pq

    from segue.bundle.channel import read_channel
    from segue.bundle.location import BundleLocation, read_definition
    from segue.bundle.publish import publish
    from segue.store.open import open_store

    opened = open_store(str(store))
    first = read_channel(opened, "champion").digest
    assert first is not None
    definition, _ = read_definition(BundleLocation.in_store(opened, first))
    folder = store / "bundles" / first
    parts = {name: folder / name for name in definition.files}
    digests = [first]
    for number in range(1, twins + 1):
        other = definition.model_copy(update={"catalog_profile": f"{number:064x}", "files": {}})
        made = publish(other, parts, opened, run_id="bench", by="bench", reason="again", channel="bench")
        digests.append(made.digest)
    ids = pq.read_table(folder / "tracks.parquet", columns=["track_id"])["track_id"]
    chosen = [ids[int(row)].as_py() for row in np.random.default_rng(3).integers(0, len(ids), 4_000)]
    calls = bodies(chosen, k=K, candidates=CANDIDATES)
    columns = len(definition.ranking_columns)
    return Setting(store, digests, calls, columns, definition.tracks, definition.bytes_per_track)


def point_at(setting: Setting, digest: str) -> None:
    """Move the benchmark's channel; the bundles were verified when they were published."""
    from segue.bundle.channel import promote
    from segue.store.open import open_store

    promote(open_store(str(setting.store)), "bench", digest, by="bench", reason="swap", quick=True)
