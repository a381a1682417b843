"""Work in stretches with pauses gives what work at full speed gives."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segue.bundle.table import read_tracks
from segue.store import checksum
from segue.store.checksum import sha256_file
from segue.throttle import Throttle


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses, written down instead of waited for."""
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    return pauses


def test_it_pauses_in_proportion_to_the_work(slept: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 10.02, 10.1, 10.11, 10.2])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    throttle = Throttle(0.2)
    throttle()
    throttle()
    assert slept == pytest.approx([0.08, 0.04])


def test_it_does_not_make_up_for_a_stretch_that_was_kept_waiting(
    slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 60.0, 60.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    Throttle(0.2)()
    assert slept == [0.25]


def test_it_never_pauses_at_full_speed(slept: list[float]) -> None:
    throttle = Throttle()
    throttle()
    assert throttle.is_full
    assert slept == []


def test_it_hashes_alike_in_blocks(
    tmp_path: Path, slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checksum, "_THROTTLED_BLOCK", 1_000)
    path = tmp_path / "file"
    path.write_bytes(np.random.default_rng(3).bytes(3_500))
    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    assert sha256_file(path) == sha256_file(path, Throttle(0.5)) == expected
    assert len(slept) == 4


def test_it_reads_alike_a_column_of_a_row_group_at_a_time(tmp_path: Path, slept: list[float]) -> None:
    table = pa.table(
        {
            "name": ["a", None, "봄날", "", "e", "f", "g"],
            "album": ["x", "x", "y", None, "z", "x", "y"],
            "number": pa.array([1.5, None, 3, 4, 5, 6, 7], pa.float32()),
            "unread": range(7),
        }
    )
    path = tmp_path / "tracks.parquet"
    pq.write_table(table, path, row_group_size=3)
    wanted = ["number", "album", "name"]
    whole = read_tracks(path, wanted, repeated=["album"], throttle=Throttle())
    pieces = read_tracks(path, wanted, repeated=["album"], throttle=Throttle(0.5))
    assert pieces.column_names == wanted
    assert pieces.schema.types == whole.schema.types
    assert pieces.to_pylist() == whole.to_pylist() == table.select(wanted).to_pylist()
    assert len(slept) >= 9
