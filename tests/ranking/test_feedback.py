"""What listeners did teaches the next model: log, export, train, and the figure on held-out sessions."""

from __future__ import annotations

import csv
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from segue.catalog.ingest import ingest
from segue.database import migrate, open_engine
from segue.database.tables import PSEUDONYM_KEY
from segue.evaluate.judge import PLAYLIST, Judge, TrackFacts
from segue.evaluate.lists import fetch_pools
from segue.evaluate.relevance import from_playlists
from segue.features.preprocess import preprocess
from segue.features.split import TEST
from segue.index.build import build_index
from segue.log.insert import insert_records
from segue.ranking.settings import TrainSettings
from segue.ranking.train import train
from segue.recommend.finish import Rules
from segue.recommend.model import Bundle
from segue.recommend.recommender import Recommender
from segue.recommend.rerank import LocalRanker
from segue.sample import generate
from segue.steps.assemble import collect
from tests.log.records import START, feedback

ROWS = 4_000
SETTINGS = TrainSettings(rounds=10, threads=1, max_queries=1_000)
Sessions = dict[str, list[str]]


def sessions_of(path: Path) -> Sessions:
    """Tracks by listening session."""
    found: Sessions = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["playlist_id"], []).append(row["track_id"])
    return found


def log_and_export(logged: Sessions, folder: Path) -> Path:
    """Put what listeners did into a database, and export it as an operator does."""
    url = f"sqlite:///{folder / 'segue.db'}"
    migrate(url)
    engine = open_engine(url)
    with engine.begin() as connection:  # else the pseudonyms, and the split by them, were others each time
        connection.execute(PSEUDONYM_KEY.insert().values(id=1, secret="07" * 32))
    everything = sorted({track for tracks in logged.values() for track in tracks})
    random, records = np.random.default_rng(5), []
    for session, tracks in logged.items():
        skipped = [everything[at] for at in random.integers(0, len(everything), len(tracks))]
        for second, (event, track) in enumerate(
            [("skip", track) for track in skipped if track not in tracks]
            + [("play" if n % 3 else "like", track) for n, track in enumerate(tracks)]
        ):
            at = START + timedelta(seconds=second)
            records.append(feedback(session=session, event=event, track_id=track, at=at))
    insert_records(engine, records)
    engine.dispose()
    command = [sys.executable, "-m", "segue.cli", "log", "export", "--since", "2026-01-01", "--out", "i.csv"]
    subprocess.run(command, check=True, cwd=folder, env={"SEGUE_DATABASE_URL": url}, capture_output=True)
    return folder / "i.csv"


def bundle_of(catalog: Path, folder: Path, interactions: str = "") -> tuple[Bundle, LocalRanker]:
    """What the training steps make of a catalogue, with interactions or without."""
    ingest(str(catalog), folder / "ingested", interactions=interactions)
    preprocess(folder / "ingested", folder / "features")
    train(folder / "features", folder / "model", settings=SETTINGS)
    build_index(folder / "model", folder / "features", folder / "index")
    definition, parts = collect(
        preprocessed=folder / "features",
        trained=folder / "model",
        indexed=folder / "index",
        catalog_profile="0" * 64,
    )
    return Bundle(definition, parts.__getitem__), LocalRanker(definition, parts.__getitem__)


def judge_of(bundle: Bundle, held_out: Sessions) -> Judge:
    """A judge by sessions that no training has seen."""
    row = {track: n for n, track in enumerate(bundle.columns["track_id"].to_pylist())}
    pairs = [(name, row[track]) for name, tracks in held_out.items() for track in tracks if track in row]
    names, rows = zip(*pairs, strict=True)
    table = pa.table(
        {
            "playlist_id": list(names),
            "track": pa.array(rows, pa.int32()),
            "split": np.full(len(rows), TEST, np.uint8),
        }
    )
    facts = TrackFacts(
        artist=bundle.artist,
        recording=bundle.recording,
        genre=bundle.genre.astype(np.int32),
        popularity=bundle.popularity,
        embedding=bundle.embedding,
    )
    return Judge(facts, from_playlists(table, bundle.recording, split=TEST, max_seeds=400), k=10)


def precision(bundle: Bundle, ranker: LocalRanker, judge: Judge) -> npt.NDArray[np.float64]:
    """Artist-filtered P@10 of each seed's list by default settings."""
    pools = fetch_pools(Recommender(bundle), ranker, judge.seeds, candidates=200)
    lists = pools.lists(Rules(k=50, popularity_weight=0.0, diversity=0.0, max_per_artist=2))
    return judge.leading(lists, PLAYLIST)


def test_the_figure_rises_on_sessions_that_are_not_in_the_log(tmp_path: Path) -> None:
    sample = generate(ROWS, tmp_path / "sample")
    sessions = sessions_of(sample.playlists)
    held_out = {name: sessions[name] for name in sorted(sessions)[::3]}
    logged = {name: tracks for name, tracks in sessions.items() if name not in held_out}

    before, ranker = bundle_of(sample.catalog, tmp_path / "before")
    judge = judge_of(before, held_out)
    first = precision(before, ranker, judge)

    exported = log_and_export(logged, tmp_path)
    # plays and likes under pseudonyms; what was only skipped is not there
    assert sorted(map(sorted, sessions_of(exported).values())) == sorted(map(sorted, logged.values()))
    after, ranker = bundle_of(sample.catalog, tmp_path / "after", str(exported))
    second = precision(after, ranker, judge)

    # by about a third: 0.17 to 0.22
    assert first.mean() > 0.1
    assert judge.draws.difference(second, first).low > 0.1 * first.mean()
