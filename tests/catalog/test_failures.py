"""What a person may hand over by mistake: each gets one clear message, or its bad rows are rejected."""

import gzip
import random
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from segue.catalog.ingest import examine, ingest
from segue.errors import CatalogError, TooManyRejects
from tests.catalog.rows import ROW, as_csv, column, rejected, row, rows, tracks, write_csv

GOOD = as_csv(rows(200))
HEADER, _, _ = GOOD.partition(b"\n")
PACKED = gzip.compress(as_csv(rows(20_000)), mtime=0)


def damaged(data: bytes) -> bytes:
    half = len(data) // 2
    return data[:half] + bytes([data[half] ^ 0xFF]) + data[half + 1 :]


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("empty.csv", b"", ["empty", "0 bytes"]),
        ("blank.csv", b"\n \n\n", ["nothing but blanks"]),
        ("header.csv", HEADER + b"\n", ["a header but no row"]),
        ("header_only.csv", HEADER, ["a header but no row"]),
        ("image.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, ["binary file"]),
        ("zeros.csv", bytes(1000), ["binary file"]),
        ("sheet.csv", b"PK\x03\x04" + bytes(500), ["zip archive or a spreadsheet", "unzip"]),
        ("base.csv", b"SQLite format 3\0" + bytes(500), ["SQLite", "export"]),
        ("page.csv", b"<!DOCTYPE html>\n<html><body>Sign in", ["HTML page", "log in"]),
        ("semicolons.csv", GOOD.replace(b",", b";"), ["semicolons", "expected commas"]),
        ("tabs.csv", GOOD.replace(b",", b"\t"), ["tabs", "expected commas"]),
        ("bars.csv", GOOD.replace(b",", b"|"), ["vertical bars", "expected commas"]),
        ("cut.csv.gz", PACKED[: len(PACKED) // 2], ["breaks off", "fetch it again"]),
        ("short.csv.gz", PACKED[:-4], ["breaks off", "fetch it again"]),
        ("stub.csv.gz", PACKED[:12], ["nothing in the gzip"]),
        ("damaged.csv.gz", damaged(PACKED), ["gzip data is damaged", "fetch the file again"]),
        ("nested.csv.gz", gzip.compress(b"PAR1" + bytes(100), mtime=0), ["gzipped Parquet", "gunzip"]),
        ("stub.parquet", b"PAR1" + bytes(200), ["Parquet", "cut short or damaged"]),
        ("wide.csv", GOOD.decode().encode("utf-16"), ["UTF-16", "iconv"]),
        ("wide_unmarked.csv", GOOD.decode().encode("utf-16-be"), ["UTF-16", "iconv"]),
        ("latin_header.csv", "künstler,".encode("latin-1") + GOOD, ["header is not UTF-8", "Latin-1"]),
        ("twice.csv", GOOD.replace(b"popularity", b"Energy", 1), ["the column 'energy' 2 times"]),
    ],
)
def test_a_file_that_is_none_is_refused_in_one_clear_sentence(
    tmp_path: Path, name: str, data: bytes, told: list[str]
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(CatalogError) as error:
        ingest(str(tmp_path / name), tmp_path / "out")
    message = str(error.value)
    assert message.startswith(f"{name}: ")
    assert "\n" not in message
    assert str(tmp_path) not in message
    for words in told:
        assert words.lower() in message.lower()
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    "name", [name for name in ROW if name not in ("popularity", "genre", "year", "time_signature")]
)
def test_a_missing_required_column_is_named(tmp_path: Path, name: str) -> None:
    data = GOOD.replace(name.encode(), b"Xyz " + name.encode()[::-1], 1)
    (tmp_path / "a.csv").write_bytes(data)
    with pytest.raises(CatalogError, match=f"required column missing: {name}") as error:
        examine(str(tmp_path / "a.csv"))
    assert f"Xyz {name[::-1]}" in str(error.value)
    assert "--alias" in str(error.value)


def test_a_name_that_looks_alike_is_suggested(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(GOOD.replace(b"danceability", b"Dancability %", 1))
    with pytest.raises(CatalogError, match="--alias 'Dancability %=danceability'") as error:
        examine(str(tmp_path / "a.csv"))
    assert """--set layout='{"Dancability %": "danceability"}'""" in str(error.value)


def test_a_column_that_may_be_absent_may_be_absent(tmp_path: Path) -> None:
    optional = ("popularity", "genre", "year", "time_signature")
    few = [{name: value for name, value in row(i).items() if name not in optional} for i in range(3)]
    profile = examine(str(write_csv(tmp_path / "a.csv", few)))
    assert profile.rows_kept == 3
    assert all(profile.missing[name] == 3 for name in optional)


@pytest.mark.parametrize("as_name", ["tracks.csv", "tracks.parquet", "tracks", "tracks.csv.gz"])
@pytest.mark.parametrize("kind", ["csv", "gzip", "parquet"])
def test_the_first_bytes_count_and_not_the_name(tmp_path: Path, kind: str, as_name: str) -> None:
    ingest(str(write_csv(tmp_path / "a.csv", rows(200))), tmp_path / "plain")
    data = {
        "csv": GOOD,
        "gzip": gzip.compress(GOOD, mtime=0),
        "parquet": (tmp_path / "plain" / "tracks.parquet").read_bytes(),
    }[kind]
    (tmp_path / as_name).write_bytes(data)
    ingest(str(tmp_path / as_name), tmp_path / "out")
    assert tracks(tmp_path / "out") == tracks(tmp_path / "plain")


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbf" + GOOD)
    assert examine(str(tmp_path / "a.csv")).rows_kept == 200


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_kind_of_line_end(tmp_path: Path, end: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(GOOD.replace(b"\n", end))
    profile = examine(str(tmp_path / "a.csv"))
    assert (profile.rows_kept, profile.rows_rejected) == (200, 0)


def test_a_file_cut_in_half_loses_its_last_row(tmp_path: Path) -> None:
    whole = GOOD.splitlines()
    (tmp_path / "a.csv").write_bytes(b"\n".join([*whole[:101], whole[101][:30]]))
    profile = ingest(str(tmp_path / "a.csv"), tmp_path / "out")
    assert (profile.rows_read, profile.rows_kept) == (101, 100)
    assert rejected(tmp_path / "out") == [
        (101, "", whole[101][:30].decode(), "too few fields: 7 instead of 19")
    ]


def test_a_cut_inside_quotation_marks_loses_its_last_row(tmp_path: Path) -> None:
    whole = as_csv([*rows(50), row(51, track_name='He said "no"')])
    (tmp_path / "a.csv").write_bytes(whole[: whole.index(b"said")])
    profile = ingest(str(tmp_path / "a.csv"), tmp_path / "out")
    assert (profile.rows_read, profile.rows_kept) == (51, 50)


def test_rows_with_too_many_or_too_few_fields_are_rejected_with_their_text(tmp_path: Path) -> None:
    lines = GOOD.splitlines()
    lines[3:3] = [b"a,b,c", lines[1] + b",more", b""]
    (tmp_path / "a.csv").write_bytes(b"\n".join(lines) + b"\n")
    profile = ingest(str(tmp_path / "a.csv"), tmp_path / "out")
    assert (profile.rows_read, profile.rows_kept) == (202, 200)
    assert rejected(tmp_path / "out") == [
        (3, "", "a,b,c", "too few fields: 3 instead of 19"),
        (4, "", (lines[1] + b",more").decode(), "too many fields: 20 instead of 19"),
    ]


def test_mixed_encodings_lose_the_rows_that_are_not_utf8(tmp_path: Path) -> None:
    lines = [*GOOD.splitlines(), as_csv([row(201, track_name="Café")]).splitlines()[1]]
    lines[5] = as_csv([row(5, artist_name="Beyoncé")]).splitlines()[1].decode().encode("latin-1")
    lines[6:6] = [b"\xff,2"]
    (tmp_path / "a.csv").write_bytes(b"\n".join(lines) + b"\n")
    ingest(str(tmp_path / "a.csv"), tmp_path / "out")
    assert rejected(tmp_path / "out") == [
        (5, "artist_name", "Beyonc\\xe9", "not UTF-8"),
        (6, "", "\\xff,2", "too few fields: 2 instead of 19"),
    ]
    assert column(tmp_path / "out", "track_name")[-1] == "Café"
    assert len(tracks(tmp_path / "out")) == 200


def test_a_file_in_latin1_throughout_is_refused(tmp_path: Path) -> None:
    named = [row(i, track_name="Café" if i % 10 == 0 else "Tea") for i in range(200)]
    (tmp_path / "a.csv").write_bytes(as_csv(named).decode().encode("latin-1"))
    with pytest.raises(CatalogError, match=r"20 rows are not UTF-8 .* Latin-1.* iconv"):
        examine(str(tmp_path / "a.csv"))


def test_other_scripts_survive_where_bytes_are_cut_between_blocks(tmp_path: Path) -> None:
    # letters of two, three and four bytes: some of them lie across the end of a block of 2 MiB
    named = [row(i, track_name="йцу", artist_name="東京🎵" * 40) for i in range(12_000)]
    ingest(str(write_csv(tmp_path / "a.csv", named)), tmp_path / "out")
    table = pq.read_table(tmp_path / "out" / "tracks.parquet")
    assert table.num_rows == 12_000
    assert set(table["artist_name"].to_pylist()) == {"東京🎵" * 40}


def test_a_quotation_mark_that_is_never_closed_is_an_error_and_not_one_lost_row(tmp_path: Path) -> None:
    lines = GOOD.splitlines()
    lines[11] = lines[11].replace(b"Song", b'"Song')
    (tmp_path / "a.csv").write_bytes(b"\n".join(lines))
    with pytest.raises(CatalogError, match="quotation mark in row 11 is not closed and swallows 190 lines"):
        examine(str(tmp_path / "a.csv"))


def test_a_quotation_mark_that_swallows_more_than_a_block_is_an_error(tmp_path: Path) -> None:
    lines = GOOD.splitlines()
    lines[11] = lines[11].replace(b"Song", b'"Song')
    (tmp_path / "a.csv").write_bytes(b"\n".join([*lines, *lines[20:190] * 300]))
    with pytest.raises(CatalogError, match="quotation mark"):
        examine(str(tmp_path / "a.csv"))


def test_too_many_rejects_names_the_reasons_and_leaves_the_last_result_alone(tmp_path: Path) -> None:
    good = write_csv(tmp_path / "good.csv", rows(10))
    ingest(str(good), tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    bad = write_csv(tmp_path / "bad.csv", [*rows(7), row(energy="70"), row(energy="80"), row(track_name="")])
    with pytest.raises(TooManyRejects) as error:
        ingest(str(bad), tmp_path / "out")
    assert str(error.value).startswith(
        "bad.csv: 3 of 10 rows (30 %) are rejected, more than the 20 % allowed: "
        "2 × energy outside 0 to 1 (row 8: '70'); 1 × track_name required, but missing (row 10: '')"
    )
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert ingest(str(bad), tmp_path / "out", max_rejected=0.3).rows_kept == 7


def test_a_catalogue_without_one_good_row_is_refused_whatever_is_allowed(tmp_path: Path) -> None:
    bad = write_csv(tmp_path / "bad.csv", [row(energy="70")])
    with pytest.raises(TooManyRejects, match="none is left"):
        ingest(str(bad), tmp_path / "out", max_rejected=1.0)


@pytest.mark.parametrize("limit", [-0.1, 1.1, float("nan")])
def test_a_limit_that_is_no_share_is_refused(tmp_path: Path, limit: float) -> None:
    with pytest.raises(CatalogError, match="expected a share between 0 and 1"):
        ingest(str(write_csv(tmp_path / "a.csv", rows(2))), tmp_path / "out", max_rejected=limit)


def test_row_numbers_are_right_wherever_bad_rows_stand(tmp_path: Path) -> None:
    dice = random.Random(11)
    lines, expected = [HEADER.decode()], {}
    for number in range(1, 60_001):
        text = ",".join(row(number).values())
        kind = dice.choices(["good", "few", "many", "energy", "run"], [95, 1, 1, 2, 1])[0]
        if kind == "few" or (kind == "run" and number % 3):
            text, expected[number] = f"{number},x", ""
        elif kind == "many":
            text, expected[number] = text + ",1", ""
        elif kind == "energy":
            text, expected[number] = ",".join(row(number, energy="2").values()), "energy"
        lines.append(text)
    (tmp_path / "a.csv").write_text("\n".join(lines))
    profile = ingest(str(tmp_path / "a.csv"), tmp_path / "out")
    assert {number: name for number, name, _, _ in rejected(tmp_path / "out")} == expected
    kept = [int(name[1:]) for name in column(tmp_path / "out", "track_id")]
    assert kept == [number for number in range(1, 60_001) if number not in expected]
    assert profile.rows_read == 60_000 == profile.rows_kept + profile.rows_rejected
