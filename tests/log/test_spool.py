"""The spool's file: all or nothing of what is added, the oldest first, no byte of what is erased."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.database import open_engine
from segue.errors import LogError
from segue.log.record import (
    Feedback,
    Impression,
    ImpressionItem,
    Record,
    decode,
    encode,
    record_id,
    rejected_rows,
)
from segue.log.settings import LogSettings
from segue.log.spool import Spool
from segue.log.writer import LogWriter
from tests.log.records import feedback, impression, spooled_lines

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


def records(*numbers: int, **changes: Any) -> list[Impression]:
    return [impression(n, **{"impression_id": UUID(int=n), **changes}) for n in numbers]


def ids(found: Sequence[Record]) -> list[int]:
    return [int(record_id(record)) for record in found]


def take(spool: Spool, limit: int = 100) -> list[int]:
    """Read and remove the oldest, as if the database had taken them."""
    found = spool.oldest(limit)
    assert spool.remove(found, []) == (len(found), 0)
    return ids(found)


def bytes_of(root: Path) -> bytes:
    """Read the folder's files by another process: to close a file here would drop SQLite's locks on it."""
    names = [path for path in sorted(root.iterdir()) if path.is_file()]
    return subprocess.run(["cat", *names], check=True, capture_output=True).stdout


@given(st.one_of(IMPRESSIONS, EVENTS))
def test_a_record_comes_back_as_it_was(record: Record) -> None:
    line = encode(record)
    assert b"\n" not in line
    assert decode(line) == record


@pytest.mark.parametrize(
    "line",
    [b"", b"null", b"[]", b"{}", b'{"impression":{}}', b'{"feedback":7}', b'{"impression":{"impression_id"'],
)
def test_what_is_no_record_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        decode(line)


def test_a_field_of_a_newer_version_is_passed_over() -> None:
    record = feedback()
    assert decode(encode(record).replace(b'"event"', b'"mood":1,"event"')) == record


def test_it_is_read_in_the_order_it_was_written(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for n in range(10):
        spool.append(records(2 * n, 2 * n + 1))
    assert spool.records == 20
    found = take(spool, 4)
    spool.append(records(20))
    while some := take(spool, 3):
        found += some
    assert found == list(range(21))
    assert (spool.records, spool.bytes) == (0, 0)
    spool.close()


def test_it_holds_a_record_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(records(1, 2, 1))
    spool.append(records(2, 3))
    assert spool.records == 3
    assert take(spool) == [1, 2, 3]
    spool.close()


def test_it_reads_what_a_closed_writer_left_before_its_own(tmp_path: Path) -> None:
    first = Spool(tmp_path)
    first.append(records(1, 2))
    first.close()
    second = Spool(tmp_path)
    assert second.records == 2
    second.append(records(3))
    assert take(second) == [1, 2, 3]
    second.close()


def test_it_does_not_take_from_a_living_writer(tmp_path: Path) -> None:
    first, second = Spool(tmp_path), Spool(tmp_path)
    first.append(records(1, 2, 3))
    found = first.oldest(2)
    assert ids(found) == ids(second.oldest(2)) == [1, 2]
    assert first.remove(found, [(found[0], "too long")]) == (1, 1)
    assert second.remove(found, [(found[0], "too long")]) == (0, 0)
    assert (second.records, take(second)) == (1, [3])
    (line,) = spooled_lines(tmp_path, "rejected")
    assert (line["reason"], UUID(line["record"]["impression_id"])) == ("too long", UUID(int=1))
    first.close()
    second.close()


def test_it_takes_nothing_above_its_greatest_size(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=2_000)
    spool.append(records(1, 2))
    with pytest.raises(LogError, match="the limit of 2,000 bytes is reached"):
        spool.append(records(3, 4, 5))
    spool.append(records(3))
    assert take(spool) == [1, 2, 3]
    spool.close()


def test_it_keeps_what_json_can_not_hold_with_the_rejected(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    assert spool.append([*records(1), *records(2, session="\ud800"), *records(3)]) == 1
    assert take(spool) == [1, 3]
    (line,) = spooled_lines(tmp_path, "rejected")
    assert line["record"]["session"] == "\ud800"
    assert spool.erase("\ud800") == 1
    assert spooled_lines(tmp_path, "rejected") == []
    spool.close()


def test_it_gives_its_space_back_when_it_is_empty(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(records(*range(5_000)))
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    while take(spool, 500):
        pass
    spool.close()
    assert size > 3_000_000
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 50_000


def test_it_leaves_no_byte_of_what_is_erased(tmp_path: Path) -> None:
    """Known answer: each record bears its number in its session, seeds and tracks.

    Rows are removed from everywhere first, since SQLite moves rows between pages then and leaves copies.
    """
    spool, random = Spool(tmp_path), Random(7)
    other = Spool(tmp_path)  # with a page cache of its own
    marked = [
        impression(n, session=f"listener-{n:05}", seeds=(f"listener-{n:05}-" * random.choice([1, 9, 300]),))
        for n in range(3_000)
    ]
    for start in range(0, 3_000, 250):
        spool.append(marked[start : start + 250])
        other.remove([one for one in marked[: start + 200] if random.random() < 0.3], [])
    left = {one.session for one in spool.oldest(5_000)}
    assert len(left) > 200
    assert len(set(re.findall(rb"listener-\d{5}", bytes_of(tmp_path)))) > len(left)
    refused = impression(session="listener-00000", request={"q": "listener-00000"})
    spool.reject(rejected_rows([(refused, "too long")]))
    for gone in ("listener-00000", *sorted(map(str, left))[:50]):
        assert spool.erase(gone) == (gone in left) + (gone == "listener-00000")
        left.discard(gone)
    found = {name.decode() for name in re.findall(rb"listener-\d{5}", bytes_of(tmp_path))}
    assert found == left
    assert {one.session for one in other.oldest(5_000)} == left
    spool.close()
    other.close()


def test_it_moves_a_corrupt_file_aside_and_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "spool.sqlite").write_bytes(
        b"this is no database, but it is long enough to be read as one " * 90
    )
    spool = Spool(tmp_path)
    assert re.search(r"spool.sqlite is corrupt and was moved to .*spool.sqlite.corrupt-2\d+T", caplog.text)
    assert spool.corrupt == 1  # of how many records nobody knows
    spool.append(records(1))
    assert take(spool) == [1]
    assert len(list(tmp_path.glob("*.corrupt-*"))) == 1
    spool.close()


@pytest.mark.parametrize("first_page", [1, 60])
def test_two_processes_go_on_when_the_file_is_damaged(first_page: int, tmp_path: Path) -> None:
    before = Spool(tmp_path)
    before.append(records(*range(2_000)))
    before.close()
    first, second = Spool(tmp_path), Spool(tmp_path)
    noise = ["dd", "if=/dev/urandom", f"of={tmp_path / 'spool.sqlite'}", "bs=4096", "conv=notrunc"]
    subprocess.run([*noise, f"seek={first_page}", "count=200"], check=True, capture_output=True)
    with pytest.raises(LogError, match="malformed"):
        list(iter(lambda: take(second), []))
    assert second.corrupt > 0
    second.append(records(1))  # to a new file
    first.append(records(2))  # to the same
    assert (first.records, take(second)) == (2, [1, 2])
    first.close()
    second.append(records(3))
    second.close()
    after = Spool(tmp_path)
    assert take(after) == [3]
    after.close()
    names = {re.sub("corrupt-[^-]*", "corrupt", path.name) for path in tmp_path.iterdir()}
    assert names <= {".lock", "spool.sqlite"} | {f"spool.sqlite.corrupt{end}" for end in ("", "-wal", "-shm")}
    assert len([name for name in names if name.endswith("corrupt")]) == 1


def test_it_goes_on_after_a_corrupt_file_that_can_not_be_moved_at_first(tmp_path: Path) -> None:
    before = Spool(tmp_path)
    before.append(records(*range(2_000)))
    before.close()
    spool = Spool(tmp_path)
    noise = ["dd", "if=/dev/urandom", f"of={tmp_path / 'spool.sqlite'}", "bs=4096", "conv=notrunc"]
    subprocess.run([*noise, "seek=1", "count=200"], check=True, capture_output=True)
    (tmp_path / ".lock").unlink()
    (tmp_path / ".lock").mkdir()
    for _ in range(2):  # neither moved nor opened again
        with pytest.raises(LogError):
            list(iter(lambda: take(spool), []))
    (tmp_path / ".lock").rmdir()
    with suppress(LogError):  # the first call may still find the damage
        list(iter(lambda: take(spool), []))
    spool.append(records(1))
    assert take(spool) == [1]
    assert spool.corrupt > 0
    spool.close()


def test_it_makes_a_new_file_when_it_is_deleted(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.append(records(1))
    shutil.rmtree(tmp_path / "spool")
    spool.append(records(2))
    assert take(spool) == [2]
    spool.close()


def test_it_is_for_its_owner_alone(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.append(records(1))
    for path in (tmp_path / "spool").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    assert stat.S_IMODE((tmp_path / "spool").stat().st_mode) == 0o700
    spool.close()


def test_it_refuses_to_start_where_it_can_not_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    writer = LogWriter(open_engine("sqlite://"), LogSettings(spool=tmp_path / "file" / "spool"))
    with pytest.raises(LogError, match="the log's spool can't be written to: Not a directory"):
        writer.start()


PASSING = """
import sys
from pathlib import Path
from uuid import UUID
from segue.log.spool import Spool
from tests.log.records import impression
for n in range(int(sys.argv[2]), int(sys.argv[2]) + 15):
    spool = Spool(Path(sys.argv[1]))
    spool.append([impression(n, impression_id=UUID(int=n))])
    while n % 3 and (found := spool.oldest(7)):  # each third time it leaves what it has to others
        print(spool.remove(found, [])[0])
    spool.close()
"""


def test_many_processes_count_every_record_once(tmp_path: Path) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PASSING, str(tmp_path), str(first)], stdout=subprocess.PIPE, text=True
        )
        for first in (1, 101, 201, 301)
    ]
    taken = sum(int(number) for process in started for number in process.communicate()[0].split())
    assert [process.returncode for process in started] == [0] * 4
    last = Spool(tmp_path)
    assert taken + last.records == 60
    assert len(take(last)) == 60 - taken
    last.close()


FULL = """
import os, sys
from pathlib import Path
from segue.errors import LogError
from segue.log.spool import Spool
from tests.log.records import impression
root = Path(sys.argv[1])
spool, taken = Spool(root / "spool"), 0
try:
    while True:
        spool.append([impression(n) for n in range(500)])
        taken += 500
except LogError as error:
    print(error)
if sys.argv[2] == "others":  # something else takes what is left
    with (root / "other").open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
    try:  # rows can't be deleted then, but they stay
        spool.remove(spool.oldest(500), [])
        taken -= 500
    except LogError as error:
        assert "full" in str(error), error
    os.unlink(root / "other")
gone = 0
while found := spool.oldest(500):
    gone += spool.remove(found, [])[0]
spool.append([impression()])
print(taken, gone, spool.records)
"""


@pytest.mark.parametrize("filler", ["none", "others"])
def test_a_full_disk_does_not_keep_it_from_being_emptied(filler: str, tmp_path: Path) -> None:
    mount = f'mount -t tmpfs -o size=24m none {tmp_path} && exec {sys.executable} -c "$0" {tmp_path} {filler}'
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, FULL]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode and ("unshare" in done.stderr or "mount:" in done.stderr):
        pytest.skip(f"a small disk can't be mounted here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    message, counts = done.stdout.splitlines()
    assert re.search(r"no records are taken: expected 1[78],[0-9,]+ free bytes on the disk, got ", message)
    taken, gone, left = map(int, counts.split())
    assert taken == gone > 2_000
    assert left == 1
