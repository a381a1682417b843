"""``segue check`` as a person types it."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from segue.catalog.ingest import examine
from segue.catalog.profile import Profile
from segue.cli import main
from segue.cli.profile_view import spark
from segue.cli.terminal import escape
from tests.catalog.rows import as_csv, row, rows, write_csv


@dataclass(frozen=True)
class Ran:
    returncode: int
    stdout: str
    stderr: str


Segue = Callable[..., Ran]


@pytest.fixture
def segue(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Segue:
    """Run the console script here: what it prints, and how it ends."""
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments: str) -> Ran:
        monkeypatch.setattr("sys.argv", ["segue", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        code = ended.value.code
        return Ran(1, out, f"{err}{code}\n") if isinstance(code, str) else Ran(int(code or 0), out, err)

    return run


def test_it_is_a_program_of_its_own(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from segue.cli import main; main()", "check"]
    for made, code in ((rows(5), 0), ([row(energy="7")], 1)):
        source = write_csv(tmp_path / "a.csv", made)
        ran = subprocess.run(
            [*command, str(source)], capture_output=True, text=True, check=False, timeout=120
        )
        assert ran.returncode == code
        assert ("can be used" in ran.stdout) == (not code)
        assert ran.stderr.startswith("segue: a.csv: 1 of 1 rows" if code else "")
        assert len(ran.stderr.splitlines()) == code


def test_a_good_catalogue_is_shown_as_a_table(segue: Segue, tmp_path: Path) -> None:
    made = [row(i, energy=f"{i / 200:.3f}", genre="rock" if i % 3 else "pop") for i in range(200)]
    (tmp_path / "p.csv").write_text("playlist_id,track_id\np,t1\nq,t1\n,t1\n" + "q,t2\n" * 20)
    source = write_csv(tmp_path / "a.csv", [*made, row(energy="7"), row(track_name="")])
    ran = segue("check", str(source), "--interactions", str(tmp_path / "p.csv"))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "202 rows read, 200 kept, 2 rejected (0.99%)" in ran.stdout
    assert "layout kaggle-1m" in ran.stdout
    energy = next(line for line in ran.stdout.splitlines() if line.startswith("energy"))
    assert energy.split() == ["energy", "0", "0.4975", "0.995", "██████████"]
    assert "Genres: rock 133, pop 67" in ran.stdout
    assert "23 pairs read, 22 kept, 1 rejected; 2 playlists over 2 tracks" in ran.stdout
    assert "outside 0 to 1" in ran.stdout
    assert "row 201: 7" in ran.stdout
    assert ran.stdout.rstrip().endswith("This catalogue can be used.")


def test_a_refused_catalogue_is_shown_and_told_in_one_line(segue: Segue, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", [*rows(5), *(row(energy="7") for _ in range(5))])
    ran = segue("check", str(source))
    assert ran.returncode == 1
    assert "10 rows read, 5 kept, 5 rejected" in ran.stdout
    assert "can be used" not in ran.stdout
    assert len(ran.stderr.strip().splitlines()) == 1
    assert "a.csv: 5 of 10 rows (50 %) are rejected, more than the 20 % allowed" in ran.stderr
    assert segue("check", str(source), "--max-rejected", "0.5").returncode == 0


def test_json_is_the_profile(segue: Segue, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", rows(20))
    ran = segue("check", str(source), "--json")
    assert Profile.model_validate(json.loads(ran.stdout)) == examine(str(source))


def test_a_file_that_is_none_is_one_line_on_stderr(segue: Segue, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(as_csv(rows(3)).replace(b",", b";"))
    for arguments, told in (
        ((str(tmp_path / "a.csv"),), "a.csv: its columns look separated by semicolons"),
        ((str(tmp_path / "none.csv"),), "there is no such file or folder"),
        ((str(tmp_path / "a.csv"), "--alias", "x"), "expected theirs=canonical"),
    ):
        ran = segue("check", *arguments)
        assert (ran.returncode, ran.stdout) == (1, "")
        assert told in ran.stderr
        assert len(ran.stderr.strip().splitlines()) == 1
        assert "Traceback" not in ran.stderr


def test_aliases_are_taken(segue: Segue, tmp_path: Path) -> None:
    data = as_csv(rows(3)).replace(b"track_name", b"Song Title", 1).replace(b"artist_name", b"singer", 1)
    (tmp_path / "a.csv").write_bytes(data)
    ran = segue(
        "check", str(tmp_path / "a.csv"), "--alias", "song title=track_name", "--alias", "singer=artist_name"
    )
    assert ran.returncode == 0
    assert "Song Title" in ran.stdout


def test_nothing_in_a_file_can_command_the_terminal(segue: Segue, tmp_path: Path) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J[bold red]x[/]\u202etxt.exe\n\r"
    bad = row(energy=evil, genre=evil)
    source = write_csv(tmp_path / "a.csv", [*rows(5), bad, row(genre=evil)])
    ran = segue("check", str(source))
    assert ran.returncode == 0
    for char in "\x1b\x07\u202e\r":
        assert char not in ran.stdout
    assert r"\x1b]0;owned\x07\x1b[2J[bold red]x[/]\u202etxt.exe" in ran.stdout


def test_help_shows_examples(segue: Segue) -> None:
    ran = segue("check", "--help")
    assert ran.returncode == 0
    assert "segue check tracks.csv --interactions playlists.csv" in ran.stdout


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", "plain"),
        ("日本 שלום é", "日本 שלום é"),
        ("a\nb\tc\0", r"a\nb\tc\x00"),
        ("\u202e\u200b", r"\u202e\u200b"),
        ("x" * 60, "x" * 48 + "…"),
    ],
)
def test_values_are_escaped_for_a_terminal(value: str, shown: str) -> None:
    assert escape(value) == shown


def test_bars_show_what_is_there_at_all() -> None:
    assert spark([0, 1, 1000, 500]) == " ▁█▄"
    assert spark([]) == spark([0, 0]) == ""
