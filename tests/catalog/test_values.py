"""What a value means: missing, a sentinel, a name, or a reason to reject its row."""

from pathlib import Path

import pytest

from segue.catalog.ingest import examine, ingest
from segue.limits import ID_LENGTH
from tests.catalog.rows import column, rejected, row, tracks, write_csv


def read_one(tmp_path: Path, **values: str) -> dict[str, object]:
    ingest(str(write_csv(tmp_path / "a.csv", [row(**values)])), tmp_path / "out")
    (track,) = tracks(tmp_path / "out")
    return track


NOTHING = ["", "nan", "NaN", "null", "NULL", "None", "NA", "n/a", " ", "<NA>"]


@pytest.mark.parametrize("name", ["popularity", "key", "year", "tempo", "genre", "duration_ms"])
def test_a_missing_value_is_missing_and_never_zero(tmp_path: Path, name: str) -> None:
    source = write_csv(tmp_path / "a.csv", [row(i, **{name: text}) for i, text in enumerate(NOTHING)])
    profile = ingest(str(source), tmp_path / "out")
    assert column(tmp_path / "out", name) == [None] * len(NOTHING)
    assert profile.missing[name] == len(NOTHING)


@pytest.mark.parametrize(
    ("name", "value"), [("tempo", "0"), ("tempo", "0.0"), ("key", "-1"), ("time_signature", "0")]
)
def test_not_found_is_missing(tmp_path: Path, name: str, value: str) -> None:
    assert read_one(tmp_path, **{name: value})[name] is None


def test_an_artist_or_track_may_be_called_anything(tmp_path: Path) -> None:
    called = ["None", "Null", "NA", "nan", "N/A", "0", "-", "True", "#N/A"]
    source = write_csv(tmp_path / "a.csv", [row(artist_name=name, track_name=name) for name in called])
    ingest(str(source), tmp_path / "out")
    assert column(tmp_path / "out", "artist_name") == called
    assert column(tmp_path / "out", "track_name") == called


@pytest.mark.parametrize("name", ["track_id", "track_name", "artist_name"])
def test_a_name_of_blanks_rejects_its_row(tmp_path: Path, name: str) -> None:
    blanks = ["", " ", "\t", "\u00a0", "\n", " \u2003 "]
    bad = [row(**{name: blank}) for blank in blanks]
    ingest(str(write_csv(tmp_path / "a.csv", [row(1), *bad, row(3)])), tmp_path / "out", max_rejected=0.8)
    assert rejected(tmp_path / "out") == [
        (number, name, blank, "required, but missing") for number, blank in enumerate(blanks, start=2)
    ]
    assert column(tmp_path / "out", "track_id") == ["t1", "t3"]


def test_an_id_that_the_log_could_not_hold_rejects_its_row(tmp_path: Path) -> None:
    ids = ["봄" * ID_LENGTH, "봄" * (ID_LENGTH + 1), "t3"]
    source = write_csv(tmp_path / "a.csv", [row(track_id=name) for name in ids])
    ingest(str(source), tmp_path / "out", max_rejected=0.8)
    assert rejected(tmp_path / "out") == [(2, "track_id", ids[1], "longer than 255 characters")]
    assert column(tmp_path / "out", "track_id") == [ids[0], ids[2]]


def test_names_are_not_trimmed(tmp_path: Path) -> None:
    assert read_one(tmp_path, track_name="  Space ")["track_name"] == "  Space "


def test_a_year_is_read_off_every_form_of_a_date(tmp_path: Path) -> None:
    years = {
        "2019-05-31": 2019,
        "2018-05": 2018,
        "2017": 2017,
        "2016.0": 2016,
        " 2015 ": 2015,
        "2014-05-31T00:00:00Z": 2014,
        "2013/05/31": 2013,
        "0000": None,
    }
    ingest(str(write_csv(tmp_path / "a.csv", [row(year=text) for text in years])), tmp_path / "out")
    assert column(tmp_path / "out", "year") == list(years.values())


@pytest.mark.parametrize(("written", "year"), [("2019", 2019), ("2019.0", 2019), ("0000", None)])
def test_a_column_of_nothing_but_years(tmp_path: Path, written: str, year: int | None) -> None:
    assert read_one(tmp_path, year=written)["year"] == year


def test_explicit_is_read_off_every_form_of_a_flag(tmp_path: Path) -> None:
    flags = {"True": True, "False": False, "1": True, "0": False, "true": True, "FALSE": False, "": None}
    ingest(str(write_csv(tmp_path / "a.csv", [row(explicit=text) for text in flags])), tmp_path / "out")
    assert column(tmp_path / "out", "explicit") == list(flags.values())


def test_numbers_in_other_forms(tmp_path: Path) -> None:
    track = read_one(tmp_path, key="5.0", energy=" 0.5 ", duration_ms="2.5e5", loudness="+1", valence="1e-3")
    assert (track["key"], track["energy"], track["duration_ms"], track["loudness"]) == (5, 0.5, 250_000, 1.0)
    assert track["valence"] == pytest.approx(0.001)


def test_a_fraction_of_a_millisecond_is_rounded(tmp_path: Path) -> None:
    assert read_one(tmp_path, duration_ms="200000.6")["duration_ms"] == 200_001


def test_a_genre_is_lower_case_without_blanks_around(tmp_path: Path) -> None:
    assert read_one(tmp_path, genre="  Hip-Hop ÉTÉ ")["genre"] == "hip-hop été"


WRONG = [
    ("energy", "1.5", "outside 0 to 1"),
    ("energy", "-0.1", "outside 0 to 1"),
    ("energy", "inf", "outside 0 to 1"),
    ("energy", "loud", "not a number"),
    ("energy", "0,5", "not a number"),
    ("energy", "0x1", "not a number"),
    ("popularity", "101", "outside 0 to 100"),
    ("tempo", "500", "outside 1 to 400 BPM"),
    ("tempo", "-1", "outside 1 to 400 BPM"),
    ("loudness", "99", "outside -80 to 20 dB"),
    ("key", "12", "outside 0 to 11"),
    ("key", "-2", "outside 0 to 11"),
    ("key", "3.5", "not a whole number"),
    ("mode", "2", "outside 0 to 1"),
    ("mode", "0.5", "not a whole number"),
    ("duration_ms", "3", "outside 1000 to 86,400,000 ms"),
    ("year", "1066", "outside 1860 to 2100"),
    ("year", "last year", "not a year or a date"),
    ("explicit", "maybe", "neither true nor false"),
]


def test_a_wrong_value_rejects_its_row_with_column_value_and_reason(tmp_path: Path) -> None:
    good = row(explicit="True")
    source = write_csv(tmp_path / "a.csv", [good, *({**good, name: value} for name, value, _ in WRONG)])
    profile = ingest(str(source), tmp_path / "out", max_rejected=0.99)
    assert rejected(tmp_path / "out") == [(i, *case) for i, case in enumerate(WRONG, start=2)]
    counts = {(reason.column, reason.reason): reason.count for reason in profile.reasons}
    assert counts["energy", "outside 0 to 1"] == 3
    assert sum(counts.values()) == profile.rows_rejected == len(WRONG)
    first = next(reason for reason in profile.reasons if reason.reason == "neither true nor false")
    assert (first.examples[0].file, first.examples[0].row, first.examples[0].value) == ("a.csv", 20, "maybe")


def test_a_row_with_several_faults_is_rejected_once(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", [row(1), row(2, track_name="", energy="9", key="x")])
    profile = examine(str(source))
    assert (profile.rows_read, profile.rows_kept, profile.rows_rejected) == (2, 1, 1)
    assert [(reason.column, reason.count) for reason in profile.reasons] == [("track_name", 1)]


def test_a_very_long_value_is_cut_in_what_is_reported(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", [row(1), row(2, energy="x" * 5000)])
    ingest(str(source), tmp_path / "out", max_rejected=0.5)
    ((_, _, value, _),) = rejected(tmp_path / "out")
    assert value == "x" * 1000 + "…"


def test_sound_may_be_missing_in_a_row_but_is_counted(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", [row(1, energy=""), row(2, popularity="")])
    profile = ingest(str(source), tmp_path / "out")
    assert profile.missing["energy"] == 1
    assert profile.missing["popularity"] == 1
    assert profile.missing["album_name"] == 2
    assert profile.numeric["energy"].histogram.missing == 1
    assert sum(profile.numeric["energy"].histogram.bins) == 2
