"""Rows in the Kaggle layout, and files of them."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

ROW: dict[str, str] = {
    "track_id": "t",
    "track_name": "Song",
    "artist_name": "Singer",
    "popularity": "50",
    "year": "2001",
    "genre": "rock",
    "danceability": "0.5",
    "energy": "0.25",
    "key": "5",
    "loudness": "-7.5",
    "mode": "1",
    "speechiness": "0.05",
    "acousticness": "0.1",
    "instrumentalness": "0.0",
    "liveness": "0.2",
    "valence": "0.75",
    "tempo": "120.5",
    "duration_ms": "200000",
    "time_signature": "4",
}


def row(number: int = 1, **values: str) -> dict[str, str]:
    return {**ROW, "track_id": f"t{number}", **values}


def rows(count: int) -> list[dict[str, str]]:
    return [row(number) for number in range(1, count + 1)]


def as_csv(rows: Iterable[Mapping[str, str]], *, quote_all: bool = False) -> bytes:
    rows = list(rows)
    text = io.StringIO()
    quoting = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n", quoting=quoting)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def write_csv(path: Path, rows: Iterable[Mapping[str, str]]) -> Path:
    data = as_csv(rows)
    path.write_bytes(gzip.compress(data, mtime=0) if path.name.endswith(".gz") else data)
    return path


def tracks(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(folder / "tracks.parquet").to_pylist()
    return found


def rejected(folder: Path) -> list[tuple[int, str, str, str]]:
    table = pq.read_table(folder / "rejected.parquet", columns=["row", "column", "value", "reason"])
    return [tuple(entry.values()) for entry in table.to_pylist()]


def column(folder: Path, name: str) -> list[Any]:
    values: list[Any] = pq.read_table(folder / "tracks.parquet")[name].to_pylist()
    return values


def write_parquet(path: Path, columns: Mapping[str, pa.Array]) -> Path:
    pq.write_table(pa.table(dict(columns)), path)
    return path
