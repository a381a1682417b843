"""Names are data: whatever they hold passes through unharmed, and no row is lost."""

import io
import tempfile
from pathlib import Path

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segue.catalog.batches import RawBatch
from segue.catalog.csv_reader import read_csv
from segue.catalog.ingest import examine, ingest
from segue.catalog.sniff import sniff
from segue.catalog.sources import SourceFile
from segue.limits import ID_LENGTH
from tests.catalog.rows import ROW, as_csv, column, row, write_parquet

HOSTILE = [
    'He said "no", twice',
    "two\nlines",
    "carriage\r\nreturn",
    "\ra",
    "<script>alert(1)</script>",
    '=HYPERLINK("http://example.org")',
    "@SUM(1+1)",
    "-2+3",
    "שלום‎",
    "\u202egnp.exe",
    "../../etc/passwd",
    "..\\..\\boot.ini",
    "'; DROP TABLE tracks; --",
    "a,b;c\td|e",
    "nul\x00byte",
    "\x1b[31mred\x1b[0m",
    "🎵👩‍👩‍👧",
    "e\u0301",
    "é",
    '"',
    '""',
    "'",
    "\\",
    "\\n",
    "\ufeffmark",
    "\ufdd0\ufde0 noncharacters",
    "\U0010ffff",
    "{{ 7*7 }}",
    "%s%n$(reboot)`id`",
    "x" * 100_000,
    " leading and trailing ",
    "a b",
]

# every code point but the surrogates, which UTF-8 does not have
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).filter(lambda s: s.strip())
SLOW = [HealthCheck.too_slow]


def named(track_id: str, track_name: str, artist_name: str) -> dict[str, str]:
    return row(track_id=track_id, track_name=track_name, artist_name=artist_name)


def test_hostile_names_and_ids_pass_through_unharmed(tmp_path: Path) -> None:
    source = tmp_path / "a.csv"
    ids = [text[:ID_LENGTH] for text in HOSTILE]
    rows = [named(name, text, text) for name, text in zip(ids, HOSTILE, strict=True)]
    source.write_bytes(as_csv(rows, quote_all=True))
    profile = ingest(str(source), tmp_path / "out")
    assert profile.rows_kept == len(HOSTILE)
    for name, expected in (("track_id", ids), ("track_name", HOSTILE), ("artist_name", HOSTILE)):
        assert column(tmp_path / "out", name) == expected
    assert sorted(path.name for path in tmp_path.rglob("*")) == sorted(
        ["a.csv", "out", "tracks.parquet", "rejected.parquet", "profile.json"]
    )


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=8))
def test_any_text_survives_csv(names: list[tuple[str, str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "a.csv"
        # where it is not told to, Python's writer leaves a carriage return without quotation marks
        source.write_bytes(as_csv([named(*three) for three in names], quote_all=True))
        profile = ingest(str(source), Path(folder) / "out")
        assert profile.rows_kept == len(names)
        found = [column(Path(folder) / "out", name) for name in ("track_id", "track_name", "artist_name")]
        assert list(zip(*found, strict=True)) == names
        assert profile.duplicate_ids == len(names) - len({a for a, _, _ in names})


@settings(max_examples=20, deadline=None, suppress_health_check=SLOW)
@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=8))
def test_any_text_survives_parquet(names: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        sound = {name: pa.array([value] * len(names)) for name, value in ROW.items()}
        ids, titles = (pa.array(values) for values in zip(*names, strict=True))
        source = write_parquet(
            Path(folder) / "a.parquet",
            {**sound, "track_id": ids, "track_name": titles, "artist_name": titles},
        )
        ingest(str(source), Path(folder) / "out")
        found = [column(Path(folder) / "out", name) for name in ("track_id", "track_name")]
        assert list(zip(*found, strict=True)) == names


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(
    st.lists(
        st.one_of(
            st.just(as_csv([row()]).splitlines()[1]),
            st.binary(max_size=40).map(lambda data: data.translate(None, b'"\r\n')),
            st.binary(max_size=6).map(
                lambda data: b"id," + data.translate(None, b'"\r\n,') + b",A" + b",1" * 16
            ),
        ),
        max_size=30,
    )
)
def test_no_row_is_lost_whatever_bytes_it_holds(lines: list[bytes]) -> None:
    good = as_csv([row()]).splitlines()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "a.csv"
        source.write_bytes(b"\n".join([*good, *lines, good[1].replace(b"Song", "é".encode())]) + b"\n")
        profile = examine(str(source))
        assert profile.rows_read == 2 + sum(1 for line in lines if line)
        assert profile.rows_read == profile.rows_kept + profile.rows_rejected
        assert profile.rows_rejected == sum(reason.count for reason in profile.reasons)
        assert profile.rows_kept >= 2 + lines.count(good[1])


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(
    st.lists(st.one_of(TEXT, st.none()), min_size=1, max_size=40),
    st.integers(min_value=700, max_value=4000),
)
def test_blocks_of_any_size_give_the_same_rows(names: list[str | None], block_bytes: int) -> None:
    # None stands for a row that has too few fields
    data = io.BytesIO()
    data.write(as_csv([row()]).splitlines(keepends=True)[0])
    for name in names:
        data.write(
            b"broken,row\n"
            if name is None
            else as_csv([row(track_name=name)], quote_all=True).split(b"\n", 1)[1]
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_bytes(data.getvalue())
        file = SourceFile(path=path, name="a.csv")
        batches = list(read_csv(file, sniff(file), {"track_name": "track_name"}, block_bytes))
    assert _numbered(batches) == {i: name for i, name in enumerate(names, start=1) if name is not None}
    rejects = [reject.row for batch in batches for reject in batch.rejects]
    assert rejects == [i for i, name in enumerate(names, start=1) if name is None]


def _numbered(batches: list[RawBatch]) -> dict[int, str]:
    return {
        number: text
        for batch in batches
        for number, text in zip(batch.rows.tolist(), batch.columns["track_name"].to_pylist(), strict=True)
    }
