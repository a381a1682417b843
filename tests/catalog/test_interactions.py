"""Playlists: which pairs are kept, which are rejected, and what the profile says of them."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from segue.catalog.ingest import ingest
from segue.catalog.interactions import INTERACTIONS_SCHEMA
from segue.catalog.profile import InteractionsProfile
from segue.errors import InteractionsError
from tests.catalog.rows import as_csv, rows, write_csv


def read_pairs(
    tmp_path: Path, text: str, **options: object
) -> tuple[list[tuple[object, ...]], InteractionsProfile]:
    catalogue = write_csv(tmp_path / "a.csv", rows(3))
    (tmp_path / "p.csv").write_text(text)
    profile = ingest(str(catalogue), tmp_path / "out", interactions=str(tmp_path / "p.csv"), **options)  # type: ignore[arg-type]
    table = pq.read_table(tmp_path / "out" / "playlists.parquet")
    assert table.schema.equals(INTERACTIONS_SCHEMA)
    assert profile.interactions is not None
    return [tuple(pair.values()) for pair in table.to_pylist()], profile.interactions


def test_pairs_keep_their_order_and_position(tmp_path: Path) -> None:
    text = "track_id,playlist_id,position\nt1,p1,0\nt2,p1,1\nt1,p2,\nunknown,p2,7.0\n"
    pairs, found = read_pairs(tmp_path, text)
    assert pairs == [("p1", "t1", 0), ("p1", "t2", 1), ("p2", "t1", None), ("p2", "unknown", 7)]
    assert (found.rows_read, found.rows_kept, found.rows_rejected) == (4, 4, 0)
    assert (found.playlists, found.tracks, found.source) == (2, 3, "p.csv")


def test_a_position_is_not_needed(tmp_path: Path) -> None:
    pairs, _ = read_pairs(tmp_path, "playlist_id,track_id\np,t1\np,t1\n")
    assert pairs == [("p", "t1", None), ("p", "t1", None)]


def test_a_listening_session_is_a_playlist(tmp_path: Path) -> None:
    pairs, found = read_pairs(tmp_path, "session_id,id,pos\ns,t1,3\n")
    assert pairs == [("s", "t1", 3)]
    assert found.columns == {"playlist_id": "session_id", "track_id": "id", "position": "pos"}


def test_a_users_alias_may_be_for_the_playlists_alone(tmp_path: Path) -> None:
    pairs, _ = read_pairs(tmp_path, "mix,track_id\nm,t1\n", layout={"mix": "playlist_id"})
    assert pairs == [("m", "t1", None)]


def test_bad_pairs_are_rejected_with_a_reason(tmp_path: Path) -> None:
    lines = ["playlist_id,track_id,position", "p,t1,1", ",t2,1", "p, ,1", "p,t3,first", "p,t3,-1", "p,t3,1.5"]
    text = "\n".join([*lines, "p,t3,9999999999", "p", "p,t2,2"])
    pairs, found = read_pairs(tmp_path, text, max_rejected=0.9)
    assert pairs == [("p", "t1", 1), ("p", "t2", 2)]
    assert (found.rows_read, found.rows_kept, found.rows_rejected) == (9, 2, 7)
    told = {(reason.column, reason.reason): [e.row for e in reason.examples] for reason in found.reasons}
    assert told == {
        ("playlist_id", "required, but missing"): [2],
        ("track_id", "required, but missing"): [3],
        ("position", "not a number"): [4],
        ("position", "outside 0 to 2,147,483,647"): [5, 7],
        ("position", "not a whole number"): [6],
        ("", "too few fields: 1 instead of 3"): [8],
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n1,2\n", "interactions: p.csv: required columns missing: playlist_id"),
        ("playlist_id;track_id\n1;2\n", "interactions: p.csv: its columns look separated by semicolons"),
        ("", "interactions: p.csv: the file is empty"),
        ("playlist_id,track_id\n", "interactions: p.csv: there is a header but no row"),
        ("playlist_id,track_id\n,\n", "interactions: p.csv: 1 of 1 rows (100 %) are rejected, none is left"),
        ("playlist_id,track_id\np,\np,t\n", "interactions: p.csv: 1 of 2 rows (50 %) are rejected"),
    ],
)
def test_what_is_no_playlists_file_is_refused_and_nothing_is_written(
    tmp_path: Path, text: str, told: str
) -> None:
    with pytest.raises(InteractionsError) as error:
        read_pairs(tmp_path, text)
    assert str(error.value).startswith(told)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_missing_playlists_file_is_an_error_about_it(tmp_path: Path) -> None:
    catalogue = write_csv(tmp_path / "a.csv", rows(3))
    with pytest.raises(InteractionsError, match=r"interactions: .* there is no such file"):
        ingest(str(catalogue), tmp_path / "out", interactions=str(tmp_path / "none.csv"))


def test_playlists_of_an_earlier_run_do_not_stay(tmp_path: Path) -> None:
    read_pairs(tmp_path, "playlist_id,track_id\np,t1\n")
    profile = ingest(str(tmp_path / "a.csv"), tmp_path / "out")
    assert profile.interactions is None
    assert not (tmp_path / "out" / "playlists.parquet").exists()


def test_the_playlists_are_part_of_the_profiles_digest(tmp_path: Path) -> None:
    catalogue = write_csv(tmp_path / "a.csv", rows(3))
    digests = set()
    for text in ("playlist_id,track_id\np,t1\n", "playlist_id,track_id\np,t2\n"):
        (tmp_path / "p.csv").write_text(text)
        digests.add(ingest(str(catalogue), tmp_path / "out", interactions=str(tmp_path / "p.csv")).digest)
    digests.add(ingest(str(catalogue), tmp_path / "out").digest)
    assert len(digests) == 3


def test_playlists_come_from_any_number_of_files(tmp_path: Path) -> None:
    catalogue = write_csv(tmp_path / "a.csv", rows(3))
    (tmp_path / "lists").mkdir()
    for name in ("x", "y"):
        pairs = [{"playlist_id": name, "track_id": "t1"}]
        (tmp_path / "lists" / f"{name}.csv").write_bytes(as_csv(pairs))
    profile = ingest(str(catalogue), tmp_path / "out", interactions=str(tmp_path / "lists"))
    assert profile.interactions is not None
    assert (profile.interactions.playlists, profile.interactions.rows_kept) == (2, 2)
