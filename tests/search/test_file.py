"""The file: same bytes, read-only, many threads, clear errors; and queries that nobody thought of."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segue.errors import BundleError
from segue.search import SearchIndex, build_search
from tests.search.conftest import NAMES, write_tracks

SCRIPT = """
import sys
from pathlib import Path
from segue.search import build_search
build_search(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_same_tracks_give_the_same_bytes_in_other_processes(tmp_path: Path) -> None:
    tracks = write_tracks(tmp_path / "tracks.parquet", NAMES * 50)
    for number in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": number}
        command = [sys.executable, "-c", SCRIPT, str(tracks), str(tmp_path / f"{number}.sqlite")]
        subprocess.run(command, check=True, env=environment)
    assert _digest(tmp_path / "1.sqlite") == _digest(tmp_path / "2.sqlite")


def test_building_again_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    tracks = write_tracks(tmp_path / "tracks.parquet", NAMES)
    out = tmp_path / "search.sqlite"
    out.write_text("old")
    build_search(tracks, out)
    first = _digest(out)
    build_search(tracks, out)
    assert _digest(out) == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["search.sqlite", "tracks.parquet"]


def test_searching_leaves_the_file_as_it_is_even_where_it_can_not_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "bundle #1 100% ?"
    folder.mkdir()
    build_search(write_tracks(folder / "tracks.parquet", NAMES), folder / "search.sqlite")
    before = _digest(folder / "search.sqlite")
    folder.chmod(0o555)
    try:
        with SearchIndex(folder / "search.sqlite") as index:
            assert NAMES[index.search("creep")[0]][1] == "Creep"
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                index._database().execute("DELETE FROM track")
    finally:
        folder.chmod(0o755)
    assert _digest(folder / "search.sqlite") == before
    assert len(list(folder.iterdir())) == 2


def test_many_threads_find_what_one_finds(index: SearchIndex) -> None:
    typed = [text for artist, title, _ in NAMES for text in (artist, title, title[:3], artist[::-1])]
    alone = [index.search(text) for text in typed]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(index.search, typed * 10))
    assert together == alone * 10


def test_closed_and_opened_again_by_its_next_use(tmp_path: Path) -> None:
    build_search(write_tracks(tmp_path / "tracks.parquet", NAMES), tmp_path / "search.sqlite")
    index = SearchIndex(tmp_path / "search.sqlite")
    found = index.search("queen")
    index.close()
    assert index.search("queen") == found
    index.close()


def test_a_missing_file_a_foreign_file_and_another_version_are_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"search\.sqlite is missing"):
        SearchIndex(tmp_path / "search.sqlite")
    (tmp_path / "search.sqlite").write_bytes(b"not a database" * 500)
    with pytest.raises(BundleError, match="not a search index"):
        SearchIndex(tmp_path / "search.sqlite")
    (tmp_path / "search.sqlite").write_bytes(b"")
    with pytest.raises(BundleError, match="schema 0, expected 1"):
        SearchIndex(tmp_path / "search.sqlite")


def test_tracks_that_can_not_be_read_are_named_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"tracks\.parquet"):
        build_search(tmp_path / "tracks.parquet", tmp_path / "out.sqlite")
    pq.write_table(pa.table({"track_name": ["a"]}), tmp_path / "tracks.parquet")
    with pytest.raises(BundleError, match="artist_name, popularity"):
        build_search(tmp_path / "tracks.parquet", tmp_path / "out.sqlite")
    assert [path.name for path in tmp_path.iterdir()] == ["tracks.parquet"]


TYPED = st.one_of(
    st.text(max_size=40),
    st.text("\"'*-^:(){}+.% ab", max_size=20),
    st.sampled_from([part for artist, title, _ in NAMES for part in (artist, title)]).flatmap(
        lambda name: st.integers(0, len(name)).map(lambda end: name[:end] + name[end + 1 :])
    ),
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.none() | TYPED, artist=st.none() | TYPED, track=st.none() | TYPED, limit=st.integers(-3, 60))
def test_no_query_breaks_it(
    index: SearchIndex, query: str | None, artist: str | None, track: str | None, limit: int
) -> None:
    found = index.search(query, artist=artist, track=track, limit=limit)
    assert len(found) <= max(limit, 0)
    assert len(set(found)) == len(found)
    assert all(0 <= row < len(NAMES) for row in found)


def test_a_pasted_page_is_only_a_search(index: SearchIndex) -> None:
    assert index.search("queen " * 100_000) == index.search("queen " * 5)
    assert index.search("x" * 1_000_000) == []
    assert isinstance(index.search(" ".join(map(str, range(10_000)))), list)


def test_real_names_are_found_as_people_type_them(shared_data: Path, tmp_path: Path) -> None:
    tracks = pd.read_csv(shared_data / "catalog.csv.gz").dropna(subset=["track_name", "artist_name"])
    tracks = tracks.sort_values("track_id").reset_index(drop=True)
    tracks[["artist_name", "track_name", "popularity"]].to_parquet(tmp_path / "tracks.parquet")
    build_search(tmp_path / "tracks.parquet", tmp_path / "search.sqlite")
    expected = {
        "kendrik lamar humble": "Kendrick Lamar",
        "beyonce halo": "Beyoncé",
        "guns n roses": "Guns N' Roses",
        "ac dc": "AC/DC",
        "led zepelin": "Led Zeppelin",
        "billie eilsh": "Billie Eilish",
        "tyler the creator": "Tyler, The Creator",
    }
    artists = set(tracks.artist_name)
    with SearchIndex(tmp_path / "search.sqlite") as index:
        for typed, artist in expected.items():
            if artist in artists:
                assert tracks.artist_name[index.search(typed)[0]] == artist, typed
        popular = tracks[tracks.popularity > 60].sample(400, random_state=3)
        hits = 0
        for row in popular.itertuples():
            hits += row.Index in index.search(f"{row.track_name} {row.artist_name}")
    assert hits >= 398
