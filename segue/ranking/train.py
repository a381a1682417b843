"""The train step: the indexed embedding, the popularity model and the relevance model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from segue.evaluate.judge import TrackFacts
from segue.features.colistening import Entries
from segue.features.split import TRAIN
from segue.features.transform import GENRE, FeatureTransform
from segue.files import replacing, write_array, write_json
from segue.ranking.learn import LearningData, LearningResult, learn
from segue.ranking.popularity import PopularityModel, booster_parameters, fit_popularity, importance
from segue.ranking.relevance import relevance_parameters
from segue.ranking.settings import TrainSettings
from segue.ranking.validation import Validation
from segue.recommend.ranking_matrix import TrackTable

__all__ = ["TrainSettings", "TrainingSummary", "booster_parameters", "train"]


class TrainingSummary(BaseModel):
    """Result of the train step.

    Attributes
    ----------
    trees, columns
        Trees and columns of the popularity model.
    train_rows, validation_rows
        Numbers of tracks with a known popularity used for training and for early stopping.
    validation_rmse
        Root mean squared error on the validation artists, in points of popularity; None without validation
        artists.
    importance
        Total gain by feature, of the popularity model.
    relevance_trees, relevance_columns, relevance_importance
        The same of the relevance model; 0 and empty without one.
    learning
        What was learned from playlists: what was tried, how it scored, and what was kept.
    """

    model_config = ConfigDict(frozen=True)

    trees: int
    columns: list[str]
    train_rows: int
    validation_rows: int
    validation_rmse: float | None
    importance: dict[str, float]
    relevance_trees: int
    relevance_columns: list[str]
    relevance_importance: dict[str, float]
    learning: dict[str, Any]


def train(
    preprocessed: Path,
    out: Path,
    *,
    settings: TrainSettings | None = None,
    progress: Callable[[str], None] | None = None,
) -> TrainingSummary:
    """Embed the tracks, and train the popularity model and the relevance model.

    Parameters
    ----------
    preprocessed
        Folder of the preprocess step.
    out
        Folder for ``embedding.npy`` float32 [n, d], ``transform.json``, ``popularity.txt``, ``relevance.txt``
        (if a relevance model was kept) and ``training.json`` (parameters, importance, learning curve).

    Raises
    ------
    TrainingError
        Fewer than 100 training tracks have a popularity.
    """
    settings, say = settings or TrainSettings(), progress or (lambda _: None)
    transform = _without(
        FeatureTransform.model_validate_json((preprocessed / "transform.json").read_bytes()), settings
    )
    tracks = pq.read_table(
        preprocessed / "tracks.parquet", columns=["popularity", "artist", "recording"]
    ).combine_chunks()
    data = _learning_data(preprocessed, transform, tracks, settings)
    result = learn(data, settings=settings, progress=say)
    write_array(out / "embedding.npy", result.embedding)
    write_json(out / "transform.json", result.transform.model_dump(mode="json"))
    _save(result.booster, out / "relevance.txt")

    def report_round(rounds: int, error: float) -> None:
        say(f"{rounds} trees, error on unseen artists {error:.3f}")

    model = fit_popularity(
        data.table.features,
        transform.features,
        data.table.popularity,
        np.load(preprocessed / "split.npy"),
        settings=settings,
        progress=report_round,
    )
    _save(model.booster, out / "popularity.txt")
    summary = _summary(model, result)
    write_json(
        out / "training.json",
        {
            "settings": settings.model_dump(),
            "parameters": booster_parameters(settings),
            "relevance_parameters": relevance_parameters(settings) if result.booster else {},
            "validation_curve": model.curve,
            **summary.model_dump(),
        },
    )
    return summary


def _without(transform: FeatureTransform, settings: TrainSettings) -> FeatureTransform:
    """The transform without the features that are left out."""
    kept = tuple(term for term in transform.terms if term.feature not in settings.leave_out)
    genre = None if GENRE in settings.leave_out else transform.genre
    return transform.model_copy(update={"terms": kept, "genre": genre})


def _learning_data(
    preprocessed: Path, transform: FeatureTransform, tracks: pa.Table, settings: TrainSettings
) -> LearningData:
    features = np.load(preprocessed / "features.npy", mmap_mode="r")
    artist, recording = tracks["artist"].to_numpy(), tracks["recording"].to_numpy()
    table = TrackTable(
        names=transform.features,
        features=features,
        popularity=tracks["popularity"].to_numpy().astype(np.float32),
        artist=artist,
        embedding=transform.standardise(features),
        blocks=transform.standard_blocks,
    )
    path = preprocessed / "playlists.parquet"
    playlists = pq.read_table(path) if path.exists() else None
    facts = TrackFacts(
        artist=artist,
        recording=recording,
        genre=np.full(len(artist), -1, np.int32),
        popularity=table.popularity,
        embedding=table.embedding,
    )
    return LearningData(
        table=table,
        transform=transform,
        recording=recording,
        training=np.load(preprocessed / "split.npy") == TRAIN,
        entries=None if playlists is None else Entries.of(playlists, TRAIN),
        validation=None
        if playlists is None
        else Validation(playlists, facts, settings.candidates, settings.seed),
    )


def _save(booster: lgb.Booster | None, path: Path) -> None:
    path.unlink(missing_ok=True)  # left by an earlier run in the same folder
    if booster is not None:
        with replacing(path) as temporary:
            booster.save_model(str(temporary))


def _summary(model: PopularityModel, result: LearningResult) -> TrainingSummary:
    booster = result.booster
    return TrainingSummary(
        trees=model.booster.num_trees(),
        columns=model.columns,
        train_rows=model.train_rows,
        validation_rows=model.validation_rows,
        validation_rmse=min(model.curve) if model.curve else None,
        importance=importance(model.booster),
        relevance_trees=booster.num_trees() if booster else 0,
        relevance_columns=result.columns if booster else [],
        relevance_importance=importance(booster) if booster else {},
        learning=result.report,
    )
