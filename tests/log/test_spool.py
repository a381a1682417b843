"""The spool's files: nothing half-written, nothing taken from a living process, the oldest first."""

from __future__ import annotations

import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.database import open_engine
from segue.errors import LogError
from segue.log import Feedback, Impression, ImpressionItem, LogWriter
from segue.log.record import Record, decode, encode
from segue.log.spool import Spool, read_segment
from tests.log.records import feedback, impression

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
TIMES = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC))
IMPRESSIONS = st.builds(
    Impression,
    impression_id=st.uuids(),
    at=TIMES,
    session=st.none() | TEXTS,
    api=st.sampled_from(["native", "spotify"]),
    request=st.dictionaries(TEXTS, st.none() | st.booleans() | st.integers(0, 99) | TEXTS | st.lists(TEXTS)),
    seeds=st.lists(TEXTS, max_size=3).map(tuple),
    k=st.integers(1, 100),
    latency_seconds=NUMBERS,
    digest=TEXTS,
    degraded=st.booleans(),
    list_diversity=st.none() | NUMBERS,
    avg_popularity=st.none() | NUMBERS,
    genre_precision=st.none() | NUMBERS,
    items=st.lists(
        st.builds(ImpressionItem, rank=st.integers(1, 100), track_id=TEXTS, score=NUMBERS), max_size=3
    ).map(tuple),
)
EVENTS = st.builds(
    Feedback,
    feedback_id=st.uuids(),
    impression_id=st.uuids(),
    track_id=TEXTS,
    event=st.sampled_from(["click", "play", "skip", "like", "dislike"]),
    at=TIMES,
    session=st.none() | TEXTS,
)


def lines(*numbers: int) -> list[bytes]:
    return [encode(impression(n, impression_id=UUID(int=n))) for n in numbers]


def folders(root: Path) -> list[Path]:
    return [path for path in root.iterdir() if path.is_dir()]


def numbers(path: Path) -> list[int]:
    records, corrupt = read_segment(path)
    assert corrupt == 0
    return [int(record.impression_id) for record in records]


@given(st.one_of(IMPRESSIONS, EVENTS))
def test_a_record_should_come_back_as_it_was(record: Record) -> None:
    line = encode(record)
    assert b"\n" not in line
    assert decode(line) == record


@pytest.mark.parametrize(
    "line",
    [b"", b"null", b"[]", b"{}", b'{"impression":{}}', b'{"feedback":7}', b'{"impression":{"impression_id"'],
)
def test_what_is_no_record_should_be_refused(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        decode(line)


def test_a_field_of_a_newer_version_should_be_passed_over() -> None:
    record = feedback()
    assert decode(encode(record).replace(b'"event"', b'"mood":1,"event"')) == record


def test_it_is_read_in_the_order_it_was_written(tmp_path: Path) -> None:
    spool = Spool(tmp_path, segment_bytes=1_000)
    for n in range(10):
        spool.append(lines(2 * n, 2 * n + 1))
    assert spool.records == 20
    found = []
    while path := spool.oldest():
        found += numbers(path)
        spool.remove(path)
        if len(found) == 4:
            spool.append(lines(20))  # while another is being read
    assert found == list(range(21))
    assert (spool.records, spool.bytes) == (0, 0)
    spool.close()
    assert folders(tmp_path) == []


def test_it_takes_what_a_closed_writer_left_before_its_own(tmp_path: Path) -> None:
    first = Spool(tmp_path)
    first.append(lines(1, 2))
    first.close()
    second = Spool(tmp_path)
    second.append(lines(3))
    assert second.adopt() == 2
    assert second.adopt() == 0
    assert second.records == 3
    assert [numbers(path) for path in sorted(tmp_path.glob("*/*.jsonl"))] == [[1, 2], [3]]
    path = second.oldest()
    assert path is not None
    assert numbers(path) == [1, 2]
    second.close()


def test_it_does_not_take_from_a_living_writer(tmp_path: Path) -> None:
    first, second = Spool(tmp_path), Spool(tmp_path)
    first.append(lines(1))
    assert second.adopt() == 0
    assert first.records == 1
    first.close()
    assert second.adopt() == 1
    second.close()


def test_it_takes_nothing_above_its_greatest_size(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=2_000)
    spool.append(lines(1, 2))
    with pytest.raises(OSError, match="holds 2,000 bytes already"):
        spool.append(lines(3, 4, 5))
    spool.append(lines(3))
    path = spool.oldest()
    assert path is not None
    assert numbers(path) == [1, 2, 3]
    spool.close()


def test_it_is_for_its_owner_alone(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.append(lines(1))
    for path in (tmp_path / "spool").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    assert stat.S_IMODE((tmp_path / "spool").stat().st_mode) == 0o700
    spool.close()


def test_it_refuses_to_start_where_it_can_not_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    writer = LogWriter(open_engine("sqlite://"), spool=tmp_path / "file" / "spool")
    with pytest.raises(LogError, match="the log's spool can't be written to: Not a directory"):
        writer.start()


PASSING = """
import sys
from pathlib import Path
from segue.log.spool import Spool
for n in range(int(sys.argv[2]), int(sys.argv[2]) + 30):
    spool = Spool(Path(sys.argv[1]))
    spool.append([b"%d" % n])
    spool.adopt()
    while n % 3 and (path := spool.oldest()):  # each third time it leaves what it has to others
        print(path.read_text(), end="")
        spool.remove(path)
    spool.close()
"""


def test_many_processes_should_pass_on_every_record_once(tmp_path: Path) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PASSING, str(tmp_path), str(first)], stdout=subprocess.PIPE, text=True
        )
        for first in (0, 100, 200, 300)
    ]
    found = [int(number) for process in started for number in process.communicate()[0].split()]
    assert [process.returncode for process in started] == [0] * 4
    last = Spool(tmp_path)
    last.adopt()
    while path := last.oldest():
        found += [int(number) for number in path.read_text().split()]
        last.remove(path)
    last.close()
    assert sorted(found) == [n for first in (0, 100, 200, 300) for n in range(first, first + 30)]
    assert folders(tmp_path) == []
