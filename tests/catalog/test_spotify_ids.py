"""A track is one, however its Spotify id is written."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.catalog.ingest import ingest
from segue.catalog.spotify_ids import plain_id, plain_ids
from segue.recommend.recommender import Recommender
from segue.recommend.request import Request
from tests.catalog.rows import row, write_csv
from tests.recommend.hand_made import Track, make_bundle

ID = "4cOdK2wGLETKBW3PvgPWqT"
WRITTEN = [
    ID,
    f"spotify:track:{ID}",
    f"https://open.spotify.com/track/{ID}",
    f"https://open.spotify.com/track/{ID}?si=8a1b2c3d4e5f&nd=1",
    f"http://open.spotify.com/intl-de/track/{ID}?si=1",
    f"https://open.spotify.com/intl-pt-BR/track/{ID}",
    f"https://open.spotify.com/embed/track/{ID}/",
    f"open.spotify.com/track/{ID}#top",
    f"  spotify:track:{ID}  ",
]
OTHER = [
    "",
    "spotify",
    "spotify:track:",
    f"spotify:track:{ID[:-1]}",
    f"spotify:user:{ID}",
    "my spotify song",
    "t1",
]
OTHER += [
    f"https://example.com/track/{ID}",
    f"spotify:track:{ID}x",
    f"https://open.spotify.com/playlist/{ID}",
]


@pytest.mark.parametrize("text", WRITTEN)
def test_an_id_is_read_however_it_is_written(text: str) -> None:
    assert plain_id(text) == ID


@pytest.mark.parametrize("text", OTHER)
def test_what_is_no_id_of_a_track_stays(text: str) -> None:
    assert plain_id(text) == text


@given(st.lists(st.one_of(st.none(), st.text(max_size=30), st.sampled_from([*WRITTEN, *OTHER])), max_size=8))
def test_a_column_is_read_as_its_cells_are(texts: list[str | None]) -> None:
    expected = [None if text is None else plain_id(text) for text in texts]
    assert plain_ids(pa.array(texts, pa.string())).to_pylist() == expected


def test_catalogue_and_playlists_may_write_ids_in_different_ways(tmp_path: Path) -> None:
    other = ID[::-1]
    tracks = [
        row(track_id=f"spotify:track:{ID}"),
        row(track_id=f"https://open.spotify.com/track/{other}?si=1"),
    ]
    catalogue = write_csv(tmp_path / "a.csv", [*tracks, row(track_id="t1")])
    (tmp_path / "p.csv").write_text(
        f"playlist_id,track_id\np,https://open.spotify.com/track/{ID}\np,{other}\n"
    )
    ingest(str(catalogue), tmp_path / "out", interactions=str(tmp_path / "p.csv"))
    kept = pq.read_table(tmp_path / "out" / "tracks.parquet")["track_id"].to_pylist()
    assert sorted(kept) == sorted([ID, other, "t1"])
    pairs = pq.read_table(tmp_path / "out" / "playlists.parquet")["track_id"].to_pylist()
    assert pairs == [ID, other]


def test_a_seed_and_an_exclusion_may_be_written_in_any_way(tmp_path: Path) -> None:
    ids = ["4cOdK2wGLETKBW3PvgPWqA", "4cOdK2wGLETKBW3PvgPWqB", "4cOdK2wGLETKBW3PvgPWqC"]
    tracks = [Track(place, 0, 50, f"Artist {place}", track_id=ids[place]) for place in range(3)]
    recommender = Recommender(make_bundle(tmp_path, tracks))
    asked = [
        {"seeds": [seed], "filters": {"exclude_tracks": [excluded]}}
        for seed, excluded in (
            (ids[0], ids[1]),
            (f"spotify:track:{ids[0]}", f"https://open.spotify.com/track/{ids[1]}?si=1"),
        )
    ]
    plain, written = recommender.recommend([Request.parse(each) for each in asked], None)
    assert plain.items == written.items
    assert [item.track_id for item in plain.items] == [ids[2]]
    assert written.unknown_seeds == []
