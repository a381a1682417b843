"""Bundles of a few tracks on a plane, of which every distance can be worked out by hand.

A track lies at (energy, valence): with a mean of 0 and a scale of 1 the embedding is these two numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import faiss
import lightgbm
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from segue.bundle.definition import Booster, BundleDefinition, IndexSpec, RequestDefaults
from segue.bundle.table import TRACK_COLUMNS
from segue.catalog.columns import arrow_schema
from segue.features.learned import Learned
from segue.features.transform import FeatureTransform, GenreBlock, Term
from segue.index.build import build
from segue.recommend.model import Bundle

NAN = float("nan")
GENRES = ("ambient", "metal", "rap")
FEATURES = (
    "energy",
    "valence",
    "danceability",
    "acousticness",
    "liveness",
    "key",
    "year",
    "explicit",
    "genre",
)


def linear(feature: str) -> Term:
    return Term(feature=feature, kind="linear", mean=(0.0,), scale=(1.0,))


PLANE = (linear("energy"), linear("valence"))


@dataclass(frozen=True)
class Track:
    """One track; what is not said is missing. Tracks of one `recording` are releases of the same."""

    x: float
    y: float
    popularity: float = NAN
    artist: str = "Artist"
    genre: str | None = None
    year: float = NAN
    explicit: float = NAN
    title: str = "Title"
    recording: int | None = None
    track_id: str = ""
    more: Mapping[str, float] = field(default_factory=dict)


def line(*places: float, **same: object) -> list[Track]:
    """Tracks on the axis of energy, alike but for their place."""
    return [Track(place, 0.0, **same) for place in places]  # type: ignore[arg-type]


def id_of(row: int) -> str:
    return f"t{row:03d}"


def write_booster(path: Path, column: int, low: float, high: float, *, width: int, at: float = 2) -> None:
    """A booster of one tree: `low` where a column is under `at`, else `high`."""
    rows = np.ones((20, width)) * (at - 1)
    rows[10:, column] = at + 1
    parameters = {"objective": "regression", "verbosity": -1, "num_threads": 1}
    parameters |= {"min_data_in_leaf": 1, "num_leaves": 2, "learning_rate": 1.0, "lambda_l2": 0.0}
    target = np.where(rows[:, column] < at, low, high)
    lightgbm.train(parameters, lightgbm.Dataset(rows, target), 1).save_model(path)


def make_bundle(
    root: Path,
    tracks: Sequence[Track],
    *,
    scale: float = 2.0,
    terms: tuple[Term, ...] = PLANE,
    genre: GenreBlock | None = None,
    learned: Learned | None = None,
    defaults: RequestDefaults | None = None,
    boosters: Sequence[Booster] = (),
    ranking_columns: Sequence[str] = FEATURES,
    changes: Mapping[str, object] | None = None,
) -> Bundle:
    """Write the files of a bundle and open it; `changes` are made to its definition before."""
    transform = FeatureTransform(features=FEATURES, genres=GENRES, terms=terms, genre=genre, learned=learned)
    rows = [
        {"energy": track.x, "valence": track.y, "year": track.year, "explicit": track.explicit}
        | {"genre": NAN if track.genre is None else GENRES.index(track.genre), **track.more}
        for track in tracks
    ]
    features = np.array([[row.get(name, NAN) for name in FEATURES] for row in rows], np.float32)
    features = features.reshape(len(tracks), len(FEATURES))
    embedding = transform.embed(features)
    artists = sorted({track.artist for track in tracks}, key=str.casefold)
    table = pa.table(
        {
            "track_id": [track.track_id or id_of(row) for row, track in enumerate(tracks)],
            "track_name": [track.title for track in tracks],
            "artist_name": [track.artist for track in tracks],
            "popularity": pa.array([_known(track.popularity) for track in tracks], pa.float32()),
            "recording": pa.array(_recordings(tracks), pa.int32()),
            "artist": pa.array([artists.index(track.artist) for track in tracks], pa.int32()),
        }
    )
    # what the gateway alone reads is missing
    for name in [name for name in TRACK_COLUMNS if name not in table.column_names]:
        table = table.append_column(name, pa.nulls(len(tracks), arrow_schema().field(name).type))
    root.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, root / "tracks.parquet")
    np.save(root / "features.npy", features)
    np.save(root / "embedding.npy", embedding)
    faiss.write_index(build(embedding, "Flat"), str(root / "index.faiss"))
    (root / "transform.json").write_text(transform.model_dump_json(), encoding="utf-8")
    definition = BundleDefinition(
        catalog_profile="0" * 64,
        tracks=len(tracks),
        features=list(FEATURES),
        ranking_columns=list(ranking_columns),
        blocks=transform.blocks,
        boosters=list(boosters),
        index=IndexSpec(kind="flat", factory="Flat", recall_target=0.99, recall=1.0, neighbours=200),
        similarity_scale=scale,
        defaults=defaults or RequestDefaults(),
    )
    return Bundle(definition.model_copy(update=dict(changes or {})), root.joinpath)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


def _recordings(tracks: Sequence[Track]) -> list[int]:
    alone = range(1000, 1000 + len(tracks))
    return [
        number if track.recording is None else track.recording
        for number, track in zip(alone, tracks, strict=True)
    ]
