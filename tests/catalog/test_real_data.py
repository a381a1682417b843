"""The real files beside the checkout, against answers found with nothing but the standard library."""

import csv
import gzip
import hashlib
import statistics
from collections import Counter
from pathlib import Path

import pytest

from segue.catalog.ingest import ingest
from tests.catalog.rows import rejected, tracks

# file -> layout, rows, rejected rows, rows that repeat the id of an earlier row, name of the title's column
KNOWN = {
    "catalog.csv.gz": ("kaggle-1m", 28_356, 4, 0),
    "kaggle_1m_excerpt.csv.gz": ("kaggle-1m", 3_866, 0, 0),
    "tidytuesday_layout.csv.gz": ("tidytuesday", 16_430, 1, 1_801),
}


def read(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", KNOWN)
def test_a_real_catalogue_is_read_to_the_last_row(shared_data: Path, tmp_path: Path, name: str) -> None:
    layout, count, bad, duplicates = KNOWN[name]
    source = shared_data / name
    theirs = read(source)
    profile = ingest(str(source), tmp_path / "out", interactions=str(shared_data / "playlists.csv.gz"))
    assert (profile.layout, profile.rows_read, profile.rows_rejected) == (layout, count, bad)
    assert profile.rows_read == len(theirs)
    assert profile.sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    titled = [row for row in theirs if row["track_name"].strip()]
    assert [row for row, *_ in rejected(tmp_path / "out")] == [
        i for i, row in enumerate(theirs, start=1) if not row["track_name"].strip()
    ]
    found = tracks(tmp_path / "out")
    artist, title = profile.columns["artist_name"], profile.columns["track_name"]
    assert [(t["track_id"], t["track_name"], t["artist_name"]) for t in found] == [
        (row["track_id"], row[title], row[artist]) for row in titled
    ]
    assert profile.duplicate_ids == duplicates == len(titled) - len({row["track_id"] for row in titled})
    assert profile.interactions is not None
    assert (profile.interactions.rows_kept, profile.interactions.playlists) == (15_865, 236)


@pytest.mark.parametrize("name", KNOWN)
def test_the_profile_of_a_real_catalogue_is_right(shared_data: Path, tmp_path: Path, name: str) -> None:
    profile = ingest(str(shared_data / name), tmp_path / "out")
    titled = [row for row in read(shared_data / name) if row["track_name"].strip()]
    genre, year = profile.columns["genre"], profile.columns["year"]
    assert profile.genres == dict(Counter(row[genre] for row in titled if row[genre]))
    assert profile.years == dict(Counter(row[year][:4] for row in titled if row[year]))
    assert profile.missing["genre"] == sum(not row[genre] for row in titled)
    for column in ("energy", "loudness", "duration_ms", "tempo"):
        values = [float(row[column]) for row in titled]
        values = [value for value in values if value or column != "tempo"]
        assert profile.numeric[column].mean == pytest.approx(statistics.fmean(values), rel=1e-5)
        assert profile.numeric[column].std == pytest.approx(statistics.pstdev(values), rel=1e-4)
        assert (profile.numeric[column].min, profile.numeric[column].max) == (min(values), max(values))
    tempos = sum(float(row["tempo"]) == 0 for row in titled)
    assert profile.missing["tempo"] == profile.numeric["tempo"].histogram.missing == tempos


def test_values_are_those_of_the_file(shared_data: Path, tmp_path: Path) -> None:
    ingest(str(shared_data / "kaggle_1m_excerpt.csv.gz"), tmp_path / "out")
    theirs = read(shared_data / "kaggle_1m_excerpt.csv.gz")
    for ours, row in zip(tracks(tmp_path / "out"), theirs, strict=True):
        for name in ("energy", "valence", "loudness", "tempo", "popularity", "year", "duration_ms", "mode"):
            assert ours[name] is None or ours[name] == pytest.approx(float(row[name]), rel=1e-6)
        assert ours["key"] == int(row["key"])
        assert ours["genre"] == row["genre"]
