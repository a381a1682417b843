"""Bundles to serve: two families that answer differently, so that a mixed answer shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segue.bundle.channel import Channel, read_channel
from segue.bundle.definition import BundleDefinition
from segue.bundle.publish import publish, with_files
from segue.features.reference import fit_reference
from segue.features.transform import FEATURES, GENRE, FeatureTransform
from segue.recommend.model import Bundle
from segue.recommend.recommender import Recommender
from segue.recommend.request import Request
from segue.recommend.rerank import LocalRanker
from segue.search import build_search
from segue.store.open import open_store
from tests.serving.processes import Served, predictor, transformer
from tests.small_catalogue import Steps, make_tracks, run_steps

ROWS = 1_500
# The default, 0, would hide the predictor's share of a score.
DEFAULTS = {"popularity_weight": 0.5}


@dataclass
class Family:
    """The parts of a bundle, from which versions are made that differ in their profile's hash alone."""

    steps: Steps
    parts: dict[str, Path]

    def definition(self, version: int) -> BundleDefinition:
        changed = {
            **self.steps.definition.model_dump(),
            "catalog_profile": f"{version:064x}",
            "defaults": {**self.steps.definition.defaults.model_dump(), **DEFAULTS},
        }
        return with_files(BundleDefinition.model_validate(changed), self.parts)


@dataclass
class BundleStore:
    """A store with one channel, and what the library itself answers from each version in it."""

    root: Path
    families: list[Family]
    families_by_digest: dict[str, Family] = field(default_factory=dict)
    recommenders: dict[int, tuple[Recommender, LocalRanker]] = field(default_factory=dict)

    @property
    def channel_url(self) -> str:
        return f"{self.root}/channels/champion"

    @property
    def channel(self) -> Channel:
        return read_channel(open_store(str(self.root)), "champion")

    def publish(self, version: int, *, promote: bool = True) -> str:
        """Publish a version; odd ones are of the second family. Returns its digest."""
        family = self.families[version % 2]
        published = publish(
            family.definition(version),
            family.parts,
            str(self.root),
            run_id=f"run-{version}",
            by="test",
            reason=f"version {version}",
            promote=promote,
        )
        self.families_by_digest[published.digest] = family
        return published.digest

    def expected(self, digest: str, instance: dict[str, Any]) -> dict[str, Any]:
        """What the library answers, as JSON values."""
        import orjson

        family = self.families_by_digest[digest]
        number = self.families.index(family)
        if number not in self.recommenders:
            definition = family.definition(number)
            bundle = Bundle(definition, family.parts.__getitem__)
            self.recommenders[number] = (
                Recommender(bundle),
                LocalRanker(definition, family.parts.__getitem__),
            )
        recommender, ranker = self.recommenders[number]
        answer = recommender.recommend([Request.parse(instance)], ranker)[0]
        answer.digest = digest
        value: dict[str, Any] = orjson.loads(orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY))
        return value


def make_family(tracks: pa.Table, root: Path) -> Family:
    """Run the steps on tracks, and add what evaluation and search would."""
    steps = run_steps(tracks, root)
    transform = FeatureTransform.model_validate_json(steps.parts["transform.json"].read_bytes())
    random = np.random.default_rng(0)
    outputs = {
        "similarity": random.random(500).astype(np.float32),
        "predicted_popularity": (random.random(500) * 100).astype(np.float32),
        "score": random.random(500).astype(np.float32),
    }
    reference = fit_reference(transform, np.load(steps.parts["features.npy"]), outputs)
    (root / "reference.json").write_text(reference.model_dump_json(), encoding="utf-8")
    build_search(steps.parts["tracks.parquet"], root / "search.sqlite")
    extra = {name: root / name for name in ("reference.json", "search.sqlite")}
    return Family(steps, {**steps.parts, **extra})


def with_faulty_track(family: Family, root: Path, track_id: str) -> Family:
    """The same, but for one track, whose genre's code is in no vocabulary: to explain it is an error.

    It stands for any error that nobody has thought of yet, in a bundle whose checksums are right.
    """
    ids = pq.read_table(family.parts["tracks.parquet"], columns=["track_id"])["track_id"].to_pylist()
    features = np.load(family.parts["features.npy"])
    features[ids.index(track_id), FEATURES.index(GENRE)] = 999
    path = root / "features.npy"
    np.save(path, features)
    return Family(family.steps, {**family.parts, "features.npy": path})


@pytest.fixture(scope="session")
def families(tmp_path_factory: pytest.TempPathFactory) -> list[Family]:
    """Two catalogues of the same ids; in the second, other tracks are popular."""
    tracks = make_tracks(ROWS)
    position = tracks.schema.get_field_index("popularity")
    turned = pa.array(100 - tracks["popularity"].to_numpy(), pa.float32())
    other = tracks.set_column(position, tracks.schema.field("popularity"), turned)
    return [
        make_family(tracks, tmp_path_factory.mktemp("first")),
        make_family(other, tmp_path_factory.mktemp("second")),
    ]


@pytest.fixture
def bundle_store(families: list[Family], tmp_path: Path) -> BundleStore:
    """An empty store."""
    return BundleStore(tmp_path / "store", families)


@dataclass
class Pair:
    """A predictor and a transformer on one channel."""

    bundle_store: BundleStore
    digest: str
    predictor: Served
    transformer: Served


@contextmanager
def start_pair(folder: Path, families: list[Family]) -> Iterator[Pair]:
    """The pair as two processes, on the first of the families."""
    bundle_store = BundleStore(folder / "store", families)
    digest = bundle_store.publish(0)
    ranking = predictor(folder, bundle_store.channel_url, poll_seconds="0.2").start()
    # of the machine that tests run on nothing is known: a deadline that it can keep
    serving = transformer(
        folder,
        bundle_store.channel_url,
        ranking,
        predictor_deadline_seconds="5",
        max_body_bytes="65536",
        live_recall_share="1",
        log_level="DEBUG",
    ).start()
    try:
        ranking.wait_ready()
        serving.wait_ready()
        yield Pair(bundle_store, digest, ranking, serving)
    finally:
        codes = [served.stop() for served in (serving, ranking)]
    assert codes == [0, 0]


@pytest.fixture(scope="module")
def pair(families: list[Family], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """The pair in service, for tests that leave it as it is."""
    with start_pair(tmp_path_factory.mktemp("pair"), families) as pair:
        yield pair
