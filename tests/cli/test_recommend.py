"""``segue recommend`` as a person types it, on a published bundle."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from segue.cli import main
from tests.commands import call_main


@pytest.fixture
def champion(small_champion: str) -> str:
    return small_champion


def _segue(*arguments: str) -> subprocess.CompletedProcess[str]:
    return call_main(main, "recommend", *arguments)


def test_json_has_the_answer_of_the_api(champion: str) -> None:
    arguments = [champion, "--seed", "id000007", "--seed", "id000009@-0.5", "-k", "5", "--json"]
    command = [sys.executable, "-c", "from segue.cli import main; main()", "recommend", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert [item["rank"] for item in answer["items"]] == [1, 2, 3, 4, 5]
    assert len(answer["digest"]) == 64
    assert set(answer) >= {"items", "digest", "degraded", "unknown_seeds", "pool", "reason"}


def test_every_field_is_a_flag(champion: str, tmp_path: Path) -> None:
    flags = (
        "--artist|Artist 1|--genre-seed|rap|-k|7|--candidates|150|--genre|rap|--genre|metal|--year|1980-2010"
    )
    flags += (
        "|--exclude-artist|Artist 5|--exclude-track|id000001|--no-explicit|--min|energy=0.1|--max|energy=0.9"
    )
    flags += "|--target|valence=0.5|--popularity-weight|0.3|--diversity|0.2|--max-per-artist|1"
    by_flags = _segue(champion, *flags.split("|"), "--json")
    instance = {
        "seeds": [{"artist": "Artist 1"}, {"genre": "rap"}],
        "k": 7,
        "candidates": 150,
        "filters": {
            "genres": ["rap", "metal"],
            "year": [1980, 2010],
            "exclude_artists": ["Artist 5"],
            "exclude_tracks": ["id000001"],
            "explicit": False,
            "min": {"energy": 0.1},
            "max": {"energy": 0.9},
        },
        "target": {"valence": 0.5},
        "popularity_weight": 0.3,
        "diversity": 0.2,
        "max_per_artist": 1,
    }
    (tmp_path / "request.json").write_text(json.dumps(instance))
    by_file = _segue(champion, "--request", str(tmp_path / "request.json"), "--json")
    assert by_flags.returncode == by_file.returncode == 0, by_flags.stderr + by_file.stderr
    assert json.loads(by_flags.stdout) == json.loads(by_file.stdout)
    assert len(json.loads(by_flags.stdout)["items"]) == 7


def test_an_option_of_0_replaces_what_the_file_says(champion: str, tmp_path: Path) -> None:
    instance = {
        "seeds": [{"artist": "Artist 1"}],
        "popularity_weight": 1.0,
        "diversity": 1.0,
        "explain": True,
    }
    (tmp_path / "request.json").write_text(json.dumps(instance))
    options = ("--popularity-weight", "0", "--diversity", "0", "--json")
    by_both = _segue(champion, "--request", str(tmp_path / "request.json"), *options)
    (tmp_path / "request.json").write_text(json.dumps({**instance, "popularity_weight": 0, "diversity": 0}))
    by_file = _segue(champion, "--request", str(tmp_path / "request.json"), "--json")
    assert by_both.returncode == by_file.returncode == 0, by_both.stderr + by_file.stderr
    assert json.loads(by_both.stdout) == json.loads(by_file.stdout)


def test_a_person_gets_a_table_and_why(champion: str) -> None:
    done = _segue(champion, "--seed", "artist 0 - twice", "--explain", "-k", "3")
    assert done.returncode == 0, done.stderr
    for words in ("like Artist 0 - Twice", "id ", "genre", "year", "near in", "dropped:", "tracks retrieved"):
        assert words in done.stdout


def test_a_wide_terminal_shows_what_a_list_was_ranked_by(champion: str) -> None:
    arguments = ("--seed", "id000001", "-k", "3")
    narrow = call_main(main, "recommend", champion, *arguments, variables={"COLUMNS": "80"}).stdout
    wide = call_main(main, "recommend", champion, *arguments, variables={"COLUMNS": "130"}).stdout
    assert max(map(len, narrow.splitlines())) <= 80
    assert "similar" not in narrow
    for words in ("similar", "popular", "predicted", "score"):
        assert words in wide
    listed = json.loads(_segue(champion, *arguments, "--json").stdout)["items"]
    assert all(item["track_id"] in narrow and item["track_id"] in wide for item in listed)


def test_an_unknown_seed_beside_a_known_one_is_told_with_what_is_near(champion: str) -> None:
    done = _segue(champion, "--seed", "id000001", "--genre-seed", "rab", "--artist", "Artst 1")
    assert done.returncode == 0, done.stderr
    assert "unknown seed: genre:rab; did you mean rap?" in done.stdout
    assert "unknown seed: artist:Artst 1; did you mean Artist 1" in done.stdout


def test_the_bundle_may_be_named_by_a_variable(champion: str) -> None:
    done = call_main(main, "recommend", "--seed", "id000001", "--json", variables={"SEGUE_BUNDLE": champion})
    assert json.loads(done.stdout) == json.loads(_segue(champion, "--seed", "id000001", "--json").stdout)


def test_what_is_asked_for_can_do_nothing_to_a_terminal(champion: str) -> None:
    done = _segue(champion, "--seed", "id000001", "--seed", "[red]no\x1b[2Jbody[/red]")
    assert r"unknown seed: [red]no\x1b[2Jbody[/red]" in done.stdout
    assert "\x1b[2J" not in done.stdout


def test_a_file_of_seeds(champion: str, tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text("id000001\nid000002\nnowhere\n")
    done = _segue(champion, "--seeds-file", str(tmp_path / "ids.txt"), "--out", str(tmp_path / "recs.csv"))
    assert done.returncode == 0, done.stderr
    assert "unknown seeds 1" in done.stderr
    with (tmp_path / "recs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 20
    assert "unknown seed: nowhere" in done.stderr
    listed = json.loads(_segue(champion, "--seed", "id000001", "--json").stdout)["items"]
    names = [(item["track_id"], item["track_name"], item["artist_name"]) for item in listed]
    assert [(row["track_id"], row["track_name"], row["artist_name"]) for row in rows[:10]] == names


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--seed", "nowhere"], "none of the seeds is in the catalogue: nowhere"),
        (["--seed", "Artst 0 - Twice"], "did you mean Artist 0 - Twice"),
        (["--genre-seed", "metall"], "genre:metall; did you mean metal?"),
        (["--genre-seed", "qqq"], "which `segue genres` lists"),
        (["--seed", "id000001", "-k", "1000"], "k: Input should be less than or equal to 100, got 1000"),
        (["--seed", "id000001", "--min", "energy"], "--min: expected NAME=VALUE, got 'energy'"),
        (["--seed", "id000001", "--min", "energy=loud"], "energy: expected a number, got 'loud'"),
        (["--seed", "id000001", "--year", "90s"], "--year: expected 1990 or 1990-1999"),
        (["--seeds-file", "ids.txt"], "together with --out"),
        ([], "at least one seed"),
    ],
)
def test_a_mistake_is_one_clear_line(champion: str, arguments: list[str], words: str) -> None:
    done = _segue(champion, *arguments)
    assert done.returncode == 1
    assert words in done.stderr
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_bundle_that_is_not_there(tmp_path: Path) -> None:
    done = _segue(str(tmp_path / "nothing"), "--seed", "x")
    assert done.returncode == 1
    assert "nothing" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
