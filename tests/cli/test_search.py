"""``segue search`` and ``segue genres``: how a person finds what can be a seed."""

from __future__ import annotations

import json
import subprocess

import pytest

import segue
from segue.cli import main
from tests.commands import call_main


def _run(*arguments: str, bundle: str = "", columns: int = 80) -> subprocess.CompletedProcess[str]:
    variables = {"COLUMNS": str(columns)} | ({"SEGUE_BUNDLE": bundle} if bundle else {})
    return call_main(main, *arguments, variables=variables)


def test_a_search_shows_ids_that_can_be_seeds(small_champion: str) -> None:
    done = _run("search", small_champion, "artist", "0", "twice", "--limit", "3")
    assert done.returncode == 0, done.stderr
    shown = [word for line in done.stdout.splitlines() for word in line.split() if word.startswith("id0")]
    assert len(shown) == 3
    assert "Artist 0" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert _run("recommend", small_champion, "--seed", shown[0]).returncode == 0


def test_ids_alone_are_a_file_of_seeds(small_champion: str) -> None:
    as_ids = _run("search", "--artist", "artist 1", "--limit", "7", "--ids", bundle=small_champion).stdout
    as_json = _run("search", "--artist", "artist 1", "--limit", "7", "--json", bundle=small_champion).stdout
    tracks = json.loads(as_json)
    assert as_ids == "".join(f"{track['track_id']}\n" for track in tracks)
    assert len(tracks) == 7
    assert all("artist 1" in track["artist_name"].lower() for track in tracks)


def test_words_with_a_slash_are_no_bundle(small_champion: str) -> None:
    done = _run("search", "AC/DC", bundle=small_champion)
    assert done.returncode == 1
    assert done.stderr == "nothing found for AC/DC\n"
    assert done.stdout == ""


def test_a_search_without_a_bundle_or_words_says_what_is_missing(small_champion: str) -> None:
    assert "set SEGUE_BUNDLE" in _run("search", "love").stderr
    assert "expected words" in _run("search", small_champion).stderr


def test_genres_come_with_the_number_of_their_tracks(small_champion: str) -> None:
    listed = json.loads(_run("genres", small_champion, "--json").stdout)
    counts = [entry["tracks"] for entry in listed]
    assert counts == sorted(counts, reverse=True)
    frame = segue.open(small_champion).tracks.to_pandas()
    assert {entry["genre"]: entry["tracks"] for entry in listed} == frame["genre"].value_counts().to_dict()
    table = _run("genres", bundle=small_champion).stdout
    for entry in listed:
        assert f"{entry['tracks']:,}" in next(line for line in table.splitlines() if entry["genre"] in line)


@pytest.mark.parametrize("command", ["search", "genres", "recommend"])
def test_a_bundle_that_is_not_there_is_one_line(command: str) -> None:
    done = _run(command, "/nowhere/channels/champion", *(["x"] if command == "search" else []))
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
