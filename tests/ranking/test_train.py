from pathlib import Path

import lightgbm
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segue.errors import BundleError, TrainingError
from segue.features.preprocess import preprocess
from segue.features.split import TEST
from segue.features.transform import FeatureTransform
from segue.files import write_parquet
from segue.ranking.train import TrainSettings, train
from segue.recommend.ranking_matrix import TrackTable, booster_positions, ranking_matrix
from tests.small_catalogue import Steps, make_tracks

SETTINGS = TrainSettings(rounds=40, threads=1)


def test_two_runs_give_the_same_bytes(small: Steps, tmp_path: Path) -> None:
    for name in ("a", "b"):
        train(small.root / "preprocessed", tmp_path / name, settings=SETTINGS)
    for name in ("popularity.txt", "embedding.npy", "transform.json", "training.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_it_predicts_the_popularity_of_artists_it_never_saw(small: Steps, tmp_path: Path) -> None:
    summary = train(small.root / "preprocessed", tmp_path, settings=SETTINGS)
    unseen = np.load(small.root / "preprocessed" / "split.npy") == TEST
    features = np.load(small.root / "preprocessed" / "features.npy")[unseen]
    popularity = pq.read_table(small.root / "preprocessed" / "tracks.parquet")["popularity"].to_numpy()[
        unseen
    ]
    predicted = lightgbm.Booster(model_file=str(tmp_path / "popularity.txt")).predict(features)
    explained = 1 - ((popularity - predicted) ** 2).mean() / popularity.var()
    # popularity is 50 x energy and noise of 8 points
    assert explained > 0.4
    assert max(summary.importance, key=summary.importance.__getitem__) in ("energy", "genre")
    assert summary.validation_rmse == pytest.approx(8, abs=2)


def test_the_embedding_is_the_transforms(small: Steps) -> None:
    features = np.load(small.root / "preprocessed" / "features.npy")
    transform = FeatureTransform.model_validate_json((small.root / "trained" / "transform.json").read_bytes())
    embedding = np.load(small.root / "trained" / "embedding.npy")
    assert embedding.dtype == np.float32
    np.testing.assert_array_equal(embedding, transform.embed(features))


def test_rows_are_bounded(small: Steps, tmp_path: Path) -> None:
    summary = train(
        small.root / "preprocessed",
        tmp_path,
        settings=TrainSettings(rounds=5, threads=1, max_train_rows=1_000),
    )
    assert (summary.train_rows, summary.validation_rows) == (1_000, 250)


def test_training_stops_where_unseen_artists_stop_gaining(small: Steps, tmp_path: Path) -> None:
    summary = train(
        small.root / "preprocessed",
        tmp_path,
        settings=TrainSettings(rounds=2_000, threads=1, early_stopping=10),
    )
    curve = orjson.loads((tmp_path / "training.json").read_bytes())["validation_curve"]
    assert summary.trees < 2_000
    assert summary.trees == int(np.argmin(curve)) + 1


def test_a_catalogue_without_popularity_is_refused(tmp_path: Path) -> None:
    tracks = make_tracks(1_200)
    field = tracks.schema.field("popularity")
    tracks = tracks.set_column(
        tracks.schema.get_field_index("popularity"), field, pa.nulls(1_200, field.type)
    )
    write_parquet(tmp_path / "in" / "tracks.parquet", tracks)
    preprocess(tmp_path / "in", tmp_path / "pre")
    with pytest.raises(TrainingError, match="only 0 training tracks have a popularity"):
        train(tmp_path / "pre", tmp_path / "out", settings=SETTINGS)


def test_the_ranking_matrix_has_the_columns_that_the_bundle_names(small: Steps) -> None:
    bundle = small.bundle()
    names = bundle.definition.features
    table = TrackTable(
        names, bundle.features, bundle.popularity, bundle.artist, bundle.embedding, bundle.definition.blocks
    )
    rows = np.array([20, 0])
    matrix = ranking_matrix(table, ["year", "energy", "popularity"], rows)
    wanted = [bundle.feature("year")[rows], bundle.feature("energy")[rows], bundle.popularity[rows]]
    np.testing.assert_array_equal(matrix, np.column_stack(wanted))
    np.testing.assert_array_equal(ranking_matrix(table, names, rows), bundle.features[rows])
    with pytest.raises(BundleError, match=r"\['moon'\]"):
        ranking_matrix(table, ["moon"], rows)


def test_a_booster_reads_its_own_columns(small: Steps) -> None:
    booster = small.definition.boosters[0]
    assert booster_positions(booster, booster.columns) is None
    some = booster.model_copy(update={"columns": ["valence", "energy"]})
    assert booster_positions(some, ["energy", "key", "valence"]) == [2, 0]
    with pytest.raises(BundleError, match="reads \\['valence'\\]"):
        booster_positions(some, ["energy"])
