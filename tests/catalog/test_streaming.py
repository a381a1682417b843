"""Ingest streams: memory does not grow with the file, output is whole or not at all, progress is told."""

import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from segue.catalog.ingest import examine, ingest
from segue.errors import CatalogError
from tests.catalog.rows import as_csv, column, row, rows, write_csv

# The peak of the process itself, once everything that is imported lies in memory. Not ru_maxrss: a child
# starts with its parent's, and a test runner that has imported everything is larger than any limit here.
PEAK = """
import re, sys
from pathlib import Path
from segue.catalog.ingest import ingest

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024

ingest(sys.argv[1], Path(sys.argv[3]))
before = peak()
profile = ingest(sys.argv[2], Path(sys.argv[3]))
print(profile.rows_kept, before, peak())
"""


def write_large(path: Path, count: int) -> Path:
    head, line = as_csv([row(track_id="{:022}", track_name="A song called {:09}")]).decode().splitlines()
    with path.open("w") as file:
        file.write(head + "\n")
        for first in range(0, count, 10_000):
            file.writelines(line.format(i, i) + "\n" for i in range(first, min(first + 10_000, count)))
    return path


@pytest.mark.slow
@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="reads a process's peak from Linux's /proc"
)
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    small = write_large(tmp_path / "small.csv", 500_000)
    large = write_large(tmp_path / "large.csv", 2_000_000)
    grown_bytes = large.stat().st_size - small.stat().st_size
    assert grown_bytes > 80 * 2**20
    ran = subprocess.run(
        [sys.executable, "-c", PEAK, str(small), str(large), str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=True,
    )
    kept, small_peak, large_peak = map(int, ran.stdout.split())
    assert kept == 2_000_000
    assert large_peak <= 550, "MiB"
    # were the rows kept in memory, it would be 375 MiB and more; buffers fill up until about a million rows
    assert large_peak - small_peak <= 150, "MiB"


def test_row_groups_have_one_size_however_the_source_is_cut(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    whole = write_large(tmp_path / "whole.csv", 140_000)
    head, *lines = whole.read_text().splitlines(keepends=True)
    for part, (first, last) in enumerate([(0, 5), (5, 90_000), (90_000, 140_000)]):
        (folder / f"{part}.csv").write_text("".join([head, *lines[first:last]]))
    ingest(str(whole), tmp_path / "one")
    ingest(str(folder), tmp_path / "two")
    one, two = ((tmp_path / name / "tracks.parquet") for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    metadata = pq.ParquetFile(one).metadata
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [
        131_072,
        140_000 - 131_072,
    ]


def test_progress_rises_to_the_whole_of_both_files(tmp_path: Path) -> None:
    catalogue = write_csv(tmp_path / "a.csv", rows(60_000))
    pairs = tmp_path / "p.csv"
    pairs.write_text("playlist_id,track_id\n" + "p,t1\n" * 1000)
    seen: list[tuple[int, int, int]] = []
    ingest(str(catalogue), tmp_path / "out", interactions=str(pairs), progress=lambda *at: seen.append(at))
    total = catalogue.stat().st_size + pairs.stat().st_size
    assert seen == sorted(seen)
    assert seen[-1] == (61_000, total, total)


def test_an_error_in_the_middle_leaves_the_last_result_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"
    ingest(str(write_csv(tmp_path / "a.csv", rows(10))), out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    packed = write_csv(tmp_path / "b.csv.gz", rows(150_000))
    packed.write_bytes(packed.read_bytes()[:-1000])
    with pytest.raises(CatalogError, match="the gzip file breaks off"):
        ingest(str(packed), out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_an_error_in_progress_ends_everything(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", rows(150_000))

    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest(str(source), tmp_path / "out", progress=stop)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_later_run_replaces_the_earlier_one(tmp_path: Path) -> None:
    ingest(str(write_csv(tmp_path / "a.csv", rows(10))), tmp_path / "out")
    ingest(str(write_csv(tmp_path / "b.csv", [row(77)])), tmp_path / "out")
    assert column(tmp_path / "out", "track_id") == ["t77"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "profile.json",
        "rejected.parquet",
        "tracks.parquet",
    ]


def test_examine_writes_nothing_beside_the_source(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", rows(10))
    assert examine(str(source)).rows_kept == 10
    assert list(tmp_path.iterdir()) == [source]
