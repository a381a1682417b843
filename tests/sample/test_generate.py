"""The files: layout, bytes, bounds, errors."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from segue.errors import SettingsError
from segue.sample import generate
from tests.sample.conftest import Sample, read_catalog

SCRIPT = """
import sys
from pathlib import Path
from segue.sample import generate
generate(3000, Path(sys.argv[1]))
"""


def _digests(folder: Path) -> list[str]:
    return [
        hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("catalog.csv", "playlists.csv")
    ]


def test_same_seed_gives_same_bytes_in_other_processes(tmp_path: Path) -> None:
    for name, hash_seed in (("a", "1"), ("b", "2")):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path / name)], check=True, env=environment)
    assert _digests(tmp_path / "a") == _digests(tmp_path / "b")


def test_another_seed_gives_other_tracks_of_the_same_world(tmp_path: Path) -> None:
    generate(15_000, tmp_path / "a", seed=1)
    generate(15_000, tmp_path / "b", seed=2)
    first, _ = read_catalog(tmp_path / "a" / "catalog.csv")
    second, _ = read_catalog(tmp_path / "b" / "catalog.csv")
    assert not set(first.track_id) & set(second.track_id)
    counts = first.genre.value_counts()
    common = [genre for genre in counts.index[counts > 100] if (second.genre == genre).sum() > 100]
    energy = [frame.groupby("genre").energy.mean()[common] for frame in (first, second)]
    assert len(common) > 10
    assert np.corrcoef(*energy)[0, 1] > 0.85


def test_catalog_has_the_kaggle_layout(sample: Sample, shared_data: Path) -> None:
    excerpt = pd.read_csv(shared_data / "kaggle_1m_excerpt.csv.gz", nrows=5)
    ours = pd.read_csv(sample.summary.catalog, nrows=5)
    assert list(ours.columns) == list(excerpt.columns)


def test_every_row_is_there_and_the_broken_share_is_as_said(sample: Sample) -> None:
    assert sample.summary.rows == 20_000
    assert len(sample.tracks) + sample.summary.broken_rows == 20_000
    assert 0.003 < sample.summary.broken_rows / 20_000 < 0.007


def test_ids_are_base62_of_22_and_few_repeat(sample: Sample) -> None:
    ids = sample.tracks.track_id
    assert ids.str.fullmatch(r"[0-7][0-9A-Za-z]{21}").all()
    assert 5 <= ids.duplicated().sum() <= 40


def test_values_lie_in_the_bounds_of_a_catalogue(sample: Sample) -> None:
    tracks = sample.tracks
    shares = [
        "danceability",
        "energy",
        "speechiness",
        "acousticness",
        "instrumentalness",
        "liveness",
        "valence",
    ]
    assert tracks[shares].min().min() >= 0
    assert tracks[shares].max().max() <= 1
    assert tracks.loudness.between(-60, 5).all()
    assert tracks.tempo[tracks.tempo != 0].between(40, 240).all()
    assert tracks.key.isin(range(-1, 12)).all()
    assert tracks.time_signature.isin([0, 1, 3, 4, 5]).all()
    assert tracks.duration_ms.between(30_000, 3_600_000).all()


def test_some_values_are_missing(sample: Sample) -> None:
    tracks = sample.tracks
    assert 0.04 < (tracks.genre == "").mean() < 0.08
    assert 0.001 < (tracks.tempo == 0).mean() < 0.01
    assert 0.001 < tracks.year.isna().mean() < 0.01
    assert 0.001 < tracks.acousticness.isna().mean() < 0.01


def test_playlists_name_tracks_of_the_catalogue_once_each(sample: Sample) -> None:
    pairs = sample.playlists
    sizes = pairs.groupby("playlist_id").size()
    assert list(pairs.columns) == ["playlist_id", "track_id", "position"]
    assert len(sizes) == sample.summary.playlist_count == 20_000 // 12
    assert sizes.between(10, 60).all()
    assert len(pairs) == sample.summary.memberships
    assert pairs.duplicated(["playlist_id", "track_id"]).mean() < 0.001  # repeated ids of the catalogue
    assert pairs.track_id.isin(sample.tracks.track_id).mean() > 0.99
    assert (pairs.groupby("playlist_id").position.max() + 1 == sizes).all()
    assert (pairs.groupby("playlist_id").cumcount() == pairs.position).all()


def test_progress_rises_to_the_end(tmp_path: Path) -> None:
    shares: list[float] = []
    generate(1_000, tmp_path, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@pytest.mark.parametrize(
    ("rows", "seed", "word"), [(999, 7, "rows"), (0, 7, "rows"), (10**9, 7, "rows"), (2000, -1, "seed")]
)
def test_out_of_bounds_is_named(tmp_path: Path, rows: int, seed: int, word: str) -> None:
    with pytest.raises(SettingsError, match=word):
        generate(rows, tmp_path, seed=seed)
    assert not list(tmp_path.iterdir())


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    blocking = tmp_path / "data"
    blocking.write_text("not a folder")
    with pytest.raises(SettingsError, match="data"):
        generate(1_000, blocking)
    assert blocking.read_text() == "not a folder"


def test_a_run_that_fails_leaves_no_half_file(tmp_path: Path) -> None:
    def stop(share: float) -> None:
        if share > 0.54:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(1_000, tmp_path, progress=stop)
    assert list(tmp_path.iterdir()) == []
