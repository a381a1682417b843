"""Learning from playlists: what is learned, what is left out where it does not help, what serving reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pytest

from segue.bundle.definition import Booster
from segue.catalog.ingest import ingest
from segue.features.colistening import Entries
from segue.features.preprocess import preprocess
from segue.files import write_parquet
from segue.index.build import build_index
from segue.ranking.examples import candidates_of, folds_of
from segue.ranking.settings import TrainSettings
from segue.ranking.train import TrainingSummary, train
from segue.recommend.model import Bundle
from segue.recommend.ranking_matrix import PAIR_COLUMNS, Nearest, TrackTable, ranking_matrix
from segue.recommend.recommender import Recommender
from segue.recommend.request import Request, Seed
from segue.recommend.rerank import LocalRanker
from segue.sample import generate
from segue.steps.assemble import collect
from tests.small_catalogue import Steps

SETTINGS = TrainSettings(rounds=10, threads=1, relevance_rounds=40, max_queries=400)
# where it does not matter how much is learned
QUICK = {"max_queries": 100, "relevance_rounds": 5, "folds": 2}


@dataclass(frozen=True)
class Learned:
    root: Path
    summary: TrainingSummary
    bundle: Bundle
    ranker: LocalRanker

    @property
    def recommender(self) -> Recommender:
        return Recommender(self.bundle)


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("learn")
    sample = generate(8_000, root / "sample")
    ingest(str(sample.catalog), root / "ingested", interactions=str(sample.playlists))
    preprocess(root / "ingested", root / "features")
    return root / "features"


@pytest.fixture(scope="module")
def learned(features: Path) -> Learned:
    root = features.parent
    summary = train(features, root / "model", settings=SETTINGS)
    build_index(root / "model", features, root / "index")
    definition, parts = collect(
        preprocessed=features, trained=root / "model", indexed=root / "index", catalog_profile="0" * 64
    )
    ranker = LocalRanker(definition, parts.__getitem__)
    return Learned(root, summary, Bundle(definition, parts.__getitem__), ranker)


def test_what_is_learned_finds_and_orders_better_on_playlists_it_did_not_see(learned: Learned) -> None:
    told = learned.summary.learning
    assert max(told["recall"].values()) > 1.3 * told["recall"]["standardised"]
    assert told["precision"]["ranked"] > told["precision"]["nearest"]
    assert told["outcome"] == "the learned embedding and the relevance model are used"


def test_the_bundle_says_what_there_is(learned: Learned) -> None:
    definition = learned.bundle.definition
    assert [block.name for block in definition.blocks] == ["taste", "artist"]
    assert sum(block.width for block in definition.blocks) <= 64
    popularity, relevance = definition.boosters
    assert isinstance(relevance, Booster)
    assert popularity.columns == definition.features
    assert set(relevance.columns) <= set(definition.ranking_columns)
    assert relevance.trees == SETTINGS.relevance_rounds


def test_the_same_again_gives_the_same_bytes(learned: Learned, features: Path, tmp_path: Path) -> None:
    train(features, tmp_path, settings=SETTINGS)
    for name in ("embedding.npy", "transform.json", "relevance.txt", "popularity.txt"):
        assert (tmp_path / name).read_bytes() == (learned.root / "model" / name).read_bytes(), name


def test_relevance_decides_where_popularity_has_no_weight(learned: Learned) -> None:
    seed = learned.bundle.value("track_id", 17)
    (answer,) = learned.recommender.recommend(
        [Request(seeds=[Seed(track_id=seed)], popularity_weight=0)], learned.ranker
    )
    relevance = [item.relevance for item in answer.items]
    assert None not in relevance
    assert relevance == sorted(relevance, reverse=True)  # type: ignore[type-var]


def test_training_retrieves_what_a_request_does(learned: Learned) -> None:
    bundle, seeds = learned.bundle, np.arange(0, 8_000, 997, dtype=np.int32)[:7]
    ours = candidates_of(bundle.embedding, seeds, bundle.recording, 150)
    ids = [bundle.value("track_id", int(row)) for row in seeds]
    # a list of one, for which no request searches further than its candidates
    requests = [Request(seeds=[Seed(track_id=track)], candidates=150, k=1) for track in ids]
    for line, pool in zip(ours, learned.recommender.prepare(requests), strict=True):
        # a request does not fill the places that releases of one recording leave; and BLAS rounds otherwise,
        # so the very last may differ
        assert np.isin(pool.rows, line).sum() >= len(pool.rows) - 1


def test_a_batch_is_ranked_as_its_requests_are(learned: Learned) -> None:
    ids = [learned.bundle.value("track_id", row) for row in (5, 900, 4_000)]
    requests = [Request(seeds=[Seed(track_id=track)]) for track in ids]
    requests.append(Request(seeds=[Seed(track_id=ids[0]), Seed(track_id=ids[1], weight=-0.5)]))
    together = learned.recommender.recommend(requests, learned.ranker)
    alone = [learned.recommender.recommend([request], learned.ranker)[0] for request in requests]
    assert together == alone


def test_raw_features_are_answered_with_what_is_missing_missing(learned: Learned) -> None:
    request = Request(features={"energy": 0.9, "tempo": 128.0})
    pools = learned.recommender.prepare([request])
    matrix = learned.recommender.matrix(pools)
    columns = learned.bundle.definition.ranking_columns
    for name in ("artist_similarity", "same_artist", "gap_popularity", "gap_year", "same_genre"):
        assert np.isnan(matrix[:, columns.index(name)]).all(), name
    (answer,) = learned.recommender.recommend([request], learned.ranker)
    assert len(answer.items) == 10


def test_a_target_moves_a_learned_query_towards_it(learned: Learned) -> None:
    seed = Seed(track_id=learned.bundle.value("track_id", 40))
    energy = learned.bundle.feature("energy")
    means = []
    for target in (0.05, 0.95):
        (pool,) = learned.recommender.prepare([Request(seeds=[seed], target={"energy": target})])
        means.append(energy[pool.rows].mean())
    assert means[0] < means[1]


def test_pairs_are_compared_with_the_nearest_seed(small: Steps) -> None:
    bundle = small.bundle()
    table = TrackTable(
        bundle.definition.features,
        bundle.features,
        bundle.popularity,
        bundle.artist,
        bundle.embedding,
        bundle.definition.blocks,
    )
    rows, seeds = np.array([3, 8]), np.array([11, 8])
    nearest = Nearest(seeds, bundle.embedding[seeds], bundle.features[seeds])
    found = dict(zip(PAIR_COLUMNS, ranking_matrix(table, PAIR_COLUMNS, rows, nearest).T, strict=True))
    gap = np.linalg.norm(bundle.embedding[3] - bundle.embedding[11])
    np.testing.assert_allclose(found["distance"], [gap, 0], rtol=1e-5)
    assert found["same_artist"].tolist() == [float(bundle.artist[3] == bundle.artist[11]), 1.0]
    year = bundle.feature("year")
    assert found["gap_year"].tolist() == [year[3] - year[11], 0.0]
    np.testing.assert_allclose(found["gap_popularity"], bundle.popularity[rows] - bundle.popularity[seeds])
    assert np.isnan(found["artist_similarity"]).all()  # standardised features hold no artist block


def test_playlists_of_chance_leave_what_is_there(features: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    for name in ("tracks.parquet", "features.npy", "split.npy", "transform.json"):
        (tmp_path / name).symlink_to(features / name)
    playlist = np.repeat(np.arange(90), 20)
    table = pa.table(
        {
            "playlist_id": [f"p{number:03d}" for number in playlist],
            "track": random.integers(0, 7_000, len(playlist)).astype(np.int32),
            "split": (playlist // 30).astype(np.uint8),
        }
    )
    write_parquet(tmp_path / "playlists.parquet", table)
    summary = train(tmp_path, tmp_path / "model", settings=SETTINGS)
    told = summary.learning
    chosen = "finds no more" in told["outcome"] or "ordered no better" in told["outcome"]
    assert chosen or told["precision"]["ranked"] > told["precision"]["nearest"]
    assert summary.relevance_trees == 0 or told["precision"]["ranked"] > told["precision"]["nearest"]


def test_too_few_playlists_leave_standardised_features(features: Path, tmp_path: Path) -> None:
    for name in ("tracks.parquet", "features.npy", "split.npy", "transform.json"):
        (tmp_path / name).symlink_to(features / name)
    table = pa.table(
        {"playlist_id": ["a", "a", "b"], "track": pa.array([1, 2, 3], pa.int32()), "split": [0, 0, 1]}
    )
    write_parquet(tmp_path / "playlists.parquet", table)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "relevance.txt").write_text("of an earlier run")
    summary = train(tmp_path, tmp_path / "model", settings=SETTINGS)
    assert summary.learning["outcome"].startswith("too few playlists")
    assert not (tmp_path / "model" / "relevance.txt").exists()
    assert orjson.loads((tmp_path / "model" / "transform.json").read_bytes())["learned"] is None


def two_tastes(features: Path, root: Path, folds: int) -> Path:
    """Playlists of the most and of the least energy; of those to learn from only two have three tracks."""
    for name in ("tracks.parquet", "features.npy", "split.npy", "transform.json"):
        (root / name).symlink_to(features / name)
    random = np.random.default_rng(3)
    names = orjson.loads((features / "transform.json").read_bytes())["features"]
    order = np.argsort(np.load(features / "features.npy")[:, names.index("energy")])
    tastes = [order[:400], order[-400:]]
    numbers = Entries(np.arange(14, dtype=np.int32), np.zeros(14, np.int32))
    first = folds_of(numbers, folds, seed=SETTINGS.seed)[0]
    long = [int(np.flatnonzero(fold)[0]) for fold in (first, ~first)]
    # number, split and tracks
    playlists = [(n, 0, random.choice(tastes[n == long[0]], 200 if n in long else 2)) for n in range(14)]
    playlists += [(n, 1, random.choice(tastes[n % 2], 20, replace=False)) for n in range(14, 44)]
    table = pa.table(
        {
            "playlist_id": [f"p{number:03d}" for number, _, tracks in playlists for _ in tracks],
            "track": np.concatenate([tracks for _, _, tracks in playlists]).astype(np.int32),
            "split": np.array([split for _, split, tracks in playlists for _ in tracks], np.uint8),
        }
    )
    write_parquet(root / "playlists.parquet", table)
    return root


@pytest.mark.parametrize(
    ("folds", "queries"),
    [
        # neither fold can be learned without the other
        (2, 400),
        # less than one query a fold
        (4, 3),
    ],
)
def test_playlists_that_are_too_few_for_a_relevance_model_leave_the_embedding(
    features: Path, tmp_path: Path, folds: int, queries: int
) -> None:
    settings = SETTINGS.model_copy(update={"folds": folds, "max_queries": queries})
    summary = train(two_tastes(features, tmp_path, folds), tmp_path / "model", settings=settings)
    told = summary.learning
    assert told["outcome"] == "the learned embedding is used; too few playlists for a relevance model"
    assert max(told["recall"].values()) > told["recall"]["standardised"]
    assert summary.relevance_trees == 0
    assert not (tmp_path / "model" / "relevance.txt").exists()
    assert orjson.loads((tmp_path / "model" / "transform.json").read_bytes())["learned"] is not None


def test_there_may_be_more_folds_than_playlists(features: Path, tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={**QUICK, "folds": 20})
    told = train(two_tastes(features, tmp_path, 20), tmp_path / "model", settings=settings).learning
    assert told["queries"] > 0
    assert "ranked" in told["precision"]


@pytest.mark.parametrize(
    ("part", "gone"), [("genre", "same_genre"), ("year", "gap_year"), ("artist", "artist_similarity")]
)
def test_what_is_left_out_is_read_by_nothing(features: Path, tmp_path: Path, part: str, gone: str) -> None:
    settings = SETTINGS.model_copy(update={**QUICK, "leave_out": (part,)})
    summary = train(features, tmp_path, settings=settings)
    assert part not in summary.columns
    assert gone not in summary.relevance_columns
    transform = orjson.loads((tmp_path / "transform.json").read_bytes())
    assert part not in {term["feature"] for term in transform["terms"]}


def test_a_search_is_bounded_and_says_what_it_tried(features: Path, tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={**QUICK, "trials": 3})
    first = train(features, tmp_path / "1", settings=settings).learning
    assert len(first["trials"]) == 3
    assert first["precision"]["ranked"] == max(trial["precision"] for trial in first["trials"])
    assert train(features, tmp_path / "2", settings=settings).learning == first
