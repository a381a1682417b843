"""A small catalogue made by hand of a formula, and the bundle that the real steps make of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from segue.bundle.definition import BundleDefinition
from segue.bundle.publish import publish
from segue.catalog.columns import SOUND, arrow_schema
from segue.features.preprocess import preprocess
from segue.features.reference import fit_reference
from segue.files import write_json, write_parquet
from segue.index.build import build_index
from segue.ranking.train import TrainSettings, train
from segue.recommend.model import Bundle
from segue.recommend.recommender import Recommender
from segue.recommend.rerank import LocalRanker
from segue.search import build_search
from segue.steps.assemble import collect

GENRES = ("ambient", "metal", "rap", "salsa")
SCALES = {
    "loudness": (-20, 0),
    "tempo": (60, 180),
    "key": (0, 12),
    "mode": (0, 2),
    "duration_ms": (9e4, 4e5),
}


def make_tracks(rows: int, *, seed: int = 1, artists: int = 300) -> pa.Table:
    """Canonical tracks: an artist has a genre and a style; popularity follows energy."""
    random = np.random.default_rng(seed)
    artist = random.integers(0, artists, rows)
    style = random.random((artists, len(SOUND)))
    genre = np.arange(artists) % len(GENRES)
    style[:, 1] = 0.15 + 0.2 * genre
    columns: dict[str, object] = {
        "track_id": [f"id{number:06d}" for number in random.permutation(rows)],
        "track_name": [f"Song {number}" for number in range(rows)],
        "artist_name": [f"Artist {number}" for number in artist],
        "genre": [GENRES[genre[number]] for number in artist],
        "year": (1970 + style[artist, 0] * 50).astype(int),
        "explicit": random.random(rows) < 0.2,
    }
    for position, name in enumerate(SOUND):
        low, high = SCALES.get(name, (0, 1))
        value = np.clip(style[artist, position] + random.normal(0, 0.1, rows), 0, 0.999)
        columns[name] = low + value * (high - low)
    energy = np.asarray(columns["energy"])
    columns["popularity"] = np.clip(20 + 50 * energy + random.normal(0, 8, rows), 0, 100)
    schema = arrow_schema()
    arrays = []
    for field in schema:
        values = columns.get(field.name)
        if isinstance(values, np.ndarray) and pa.types.is_integer(field.type):
            values = np.floor(values)
        array = pa.nulls(rows) if values is None else pa.array(values)
        arrays.append(array.cast(field.type, safe=False))
    return pa.table(arrays, schema=schema)


@dataclass(frozen=True)
class Steps:
    """Folders of the steps of one run, and what they make together."""

    root: Path
    definition: BundleDefinition
    parts: dict[str, Path]

    def bundle(self, definition: BundleDefinition | None = None) -> Bundle:
        return Bundle(definition or self.definition, self.parts.__getitem__)

    def ranker(self) -> LocalRanker:
        return LocalRanker(self.definition, self.parts.__getitem__)


def run_steps(tracks: pa.Table, root: Path, *, factories: tuple[str, ...] = ()) -> Steps:
    """Preprocess, train and build the index, in a folder of this run."""
    write_parquet(root / "ingested" / "tracks.parquet", tracks)
    preprocess(root / "ingested", root / "preprocessed")
    train(root / "preprocessed", root / "trained", settings=TrainSettings(rounds=30, threads=1))
    build_index(root / "trained", root / "preprocessed", root / "indexed", factories=factories)
    definition, parts = collect(
        preprocessed=root / "preprocessed",
        trained=root / "trained",
        indexed=root / "indexed",
        catalog_profile="0" * 64,
    )
    return Steps(root, definition, parts)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Steps:
    """Steps run on 3,000 tracks, with a few releases of one recording among them."""
    tracks = make_tracks(3_000)
    names = tracks["track_name"].to_pylist()
    artists = tracks["artist_name"].to_pylist()
    for number, suffix in enumerate(("", " - Remastered 2011", " (Radio Edit)")):
        names[number], artists[number] = f"Twice{suffix}", "Artist 0"
    for name, values in (("track_name", names), ("artist_name", artists)):
        position = tracks.schema.get_field_index(name)
        tracks = tracks.set_column(position, tracks.schema.field(name), pa.array(values))
    return run_steps(tracks, tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def recommender(small: Steps) -> Recommender:
    return Recommender(small.bundle())


@pytest.fixture(scope="session")
def ranker(small: Steps) -> LocalRanker:
    return small.ranker()


@pytest.fixture(scope="session")
def small_champion(small: Steps, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Address of a channel that points at the bundle of `small`, published with all its files."""
    root = tmp_path_factory.mktemp("published")
    bundle = small.bundle()
    write_json(root / "reference.json", fit_reference(bundle.transform, bundle.features, {}).model_dump())
    build_search(small.parts["tracks.parquet"], root / "search.sqlite")
    parts = {**small.parts, **{name: root / name for name in ("reference.json", "search.sqlite")}}
    publish(
        small.definition, parts, str(root / "store"), run_id="r1", by="test", reason="first", promote=True
    )
    return str(root / "store" / "channels" / "champion")
