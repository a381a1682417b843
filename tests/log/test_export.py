"""The log as interactions, on each database, and into the pipeline."""

from __future__ import annotations

import csv
import tracemalloc
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from segue.catalog.ingest import ingest
from segue.errors import DatabaseError, RequestError
from segue.log.export import export_interactions
from segue.log.insert import insert_records
from segue.log.record import Event, Feedback
from tests.catalog.rows import rows as catalogue_rows
from tests.catalog.rows import write_csv
from tests.log.records import START, feedback, impression

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def acts(session: str | None, *events: tuple[Event, str]) -> list[Feedback]:
    """What a listener did, a second apart."""
    return [
        feedback(session=session, event=event, track_id=track, at=START + timedelta(seconds=n))
        for n, (event, track) in enumerate(events)
    ]


def exported(path: Path) -> list[list[str]]:
    """Tracks of each playlist, in the order of the file; a playlist's rows have to lie together."""
    with path.open(newline="", encoding="utf-8") as file:
        header, *pairs = csv.reader(file)
    assert header == ["playlist_id", "track_id"]
    found: dict[str, list[str]] = defaultdict(list)
    last = None
    for name, track in pairs:
        assert name == last or name not in found
        found[name].append(track)
        last = name
    return sorted(found.values())


def test_what_a_listener_did_last_with_a_track_counts(database: Engine, tmp_path: Path) -> None:
    records: Sequence[Feedback] = [
        *acts("a", ("play", "봄날"), ("like", "b"), ("click", "c"), ("play", 'comma, "quote"')),
        *acts("b", ("play", "x"), ("skip", "x"), ("play", "y")),
        *acts("c", ("skip", "x"), ("like", "x")),
        *acts("d", ("like", "x"), ("dislike", "x")),
        *acts("A", ("play", "b")),
    ]
    insert_records(database, records)
    done = export_interactions(database, since=LONG_AGO, out=tmp_path / "i.csv")
    assert exported(tmp_path / "i.csv") == [["b"], ["x"], ["y"], ["봄날", "b", 'comma, "quote"']]
    assert (done.sessions, done.interactions) == (4, 6)


def test_at_the_same_moment_a_skip_counts(database: Engine, tmp_path: Path) -> None:
    insert_records(database, [feedback(event="skip", session="a"), feedback(event="play", session="a")])
    export_interactions(database, since=LONG_AGO, out=tmp_path / "i.csv")
    assert exported(tmp_path / "i.csv") == []


def test_feedback_without_a_session_belongs_to_its_list(database: Engine, tmp_path: Path) -> None:
    known, unknown = impression(session="a"), impression(session=None)
    insert_records(
        database,
        [
            known,
            unknown,
            *acts("a", ("play", "x")),
            feedback(known.impression_id, session=None, track_id="y", at=START + timedelta(minutes=1)),
            feedback(unknown.impression_id, session=None, track_id="p", at=START),
            feedback(unknown.impression_id, session=None, track_id="q", at=START + timedelta(minutes=1)),
            feedback(session=None, track_id="z"),
        ],
    )
    export_interactions(database, since=LONG_AGO, out=tmp_path / "i.csv")
    assert exported(tmp_path / "i.csv") == [["p", "q"], ["x", "y"], ["z"]]


def test_sessions_bear_the_same_pseudonyms_every_time(database: Engine, tmp_path: Path) -> None:
    insert_records(database, acts("anna@example.org", ("play", "x")))
    one, other = tmp_path / "1.csv", tmp_path / "2.csv"
    for path in (one, other):
        export_interactions(database, since=LONG_AGO, out=path)
    assert one.read_bytes() == other.read_bytes()
    assert b"anna" not in one.read_bytes()


def test_it_leaves_out_what_came_before(database: Engine, tmp_path: Path) -> None:
    insert_records(database, acts("a", ("play", "x"), ("skip", "y"), ("play", "z")))
    export_interactions(database, since=START + timedelta(seconds=1), out=tmp_path / "i.csv")
    assert exported(tmp_path / "i.csv") == [["z"]]


def test_it_never_has_the_whole_log_in_memory(database: Engine, tmp_path: Path) -> None:
    for n in range(0, 40_000, 4_000):
        insert_records(
            database,
            [feedback(n=m, session=f"s{m % 900:03d}", track_id=f"t{m}") for m in range(n, n + 4_000)],
        )
    tracemalloc.start()
    try:
        done = export_interactions(database, since=LONG_AGO, out=tmp_path / "i.csv")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (done.sessions, done.interactions) == (900, 40_000)
    assert peak < 6_000_000  # a row costs 200 bytes and more: all of them 8 MB


def test_the_pipeline_takes_it(database: Engine, tmp_path: Path) -> None:
    insert_records(database, acts("a", ("play", "t1"), ("play", "t2"), ("like", "봄날")))
    insert_records(database, acts("b", ("play", "t1"), ("skip", "t2")))
    export_interactions(database, since=LONG_AGO, out=tmp_path / "i.csv")
    catalogue = write_csv(tmp_path / "a.csv", catalogue_rows(3))
    profile = ingest(str(catalogue), tmp_path / "out", interactions=str(tmp_path / "i.csv"))
    assert profile.interactions is not None
    found = profile.interactions
    assert (found.rows_kept, found.rows_rejected, found.playlists, found.tracks) == (4, 0, 2, 3)


def test_it_leaves_the_file_of_before_when_it_fails(tmp_path: Path) -> None:
    from segue.database import open_engine

    out = tmp_path / "i.csv"
    out.write_text("before")
    empty = open_engine(f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(DatabaseError, match="no such table"):
        export_interactions(empty, since=LONG_AGO, out=out)
    with pytest.raises(RequestError, match="since: expected a time with its zone"):
        export_interactions(empty, since=LONG_AGO.replace(tzinfo=None), out=out)
    assert out.read_text() == "before"
    assert {path.name for path in tmp_path.iterdir() if not path.name.startswith("empty")} == {"i.csv"}
