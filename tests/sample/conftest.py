"""Samples that several tests read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from segue.sample import SampleSummary, generate

NUMBERS = [
    *("danceability", "energy", "key", "loudness", "mode", "speechiness", "acousticness"),
    *("instrumentalness", "liveness", "valence", "tempo", "duration_ms", "time_signature"),
    *("popularity", "year"),
]


@dataclass(frozen=True)
class Sample:
    """A generated sample, and its rows that are whole."""

    summary: SampleSummary
    tracks: pd.DataFrame
    playlists: pd.DataFrame


def read_catalog(path: Path) -> tuple[pd.DataFrame, int]:
    """Rows that pass a check written apart from Segue's own, and how many do not."""
    long: list[list[str]] = []
    frame = pd.read_csv(path, dtype=str, keep_default_na=False, engine="python", on_bad_lines=long.append)
    broken = frame[["track_id", "track_name", "artist_name"]].isna().any(axis=1)
    broken |= (frame[["track_id", "track_name", "artist_name"]] == "").any(axis=1)
    for name in NUMBERS:
        text = frame[name]
        value = pd.to_numeric(text, errors="coerce")
        broken |= text.isna() | (value.isna() & (text != ""))
        frame[name] = value
    shares = ["danceability", "energy", "valence"]
    broken |= ((frame[shares] < 0) | (frame[shares] > 1)).any(axis=1)
    broken |= (frame.popularity > 100) | (frame.year > 2100)
    return frame[~broken].reset_index(drop=True), int(broken.sum()) + len(long)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """20,000 rows."""
    summary = generate(20_000, tmp_path_factory.mktemp("sample"))
    tracks, broken = read_catalog(summary.catalog)
    assert broken == summary.broken_rows
    return Sample(summary, tracks, pd.read_csv(summary.playlists))
