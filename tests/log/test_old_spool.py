"""Files of the version before: each record is moved to the SQLite file once, none is taken from a process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from segue.database import migrate, open_engine
from segue.database.tables import FEEDBACK, RECOMMEND_ITEMS, RECOMMEND_LOGS
from segue.log.erase import forget_session
from segue.log.old_spool import import_old_files
from segue.log.record import encode, record_id
from segue.log.settings import LogSettings
from segue.log.spool import Spool
from segue.log.writer import LogWriter
from tests.log.records import DIGEST, START, count, impression, rows, spooled_lines, until

# as version 1 wrote them
LIST = (
    '{"impression":{"impression_id":"00000000-0000-0000-0000-000000000001",'
    '"at":"2026-03-01T12:00:01.250000+00:00","session":"anna","api":"native",'
    '"request":{"seeds":["seed-1"],"k":3},"seeds":["seed-1"],"k":3,"latency_seconds":0.002,'
    f'"digest":"{DIGEST}","degraded":false,"list_diversity":0.5,"avg_popularity":40.0,'
    '"genre_precision":null,"items":[{"rank":1,"track_id":"track-2","score":1.0},'
    '{"rank":2,"track_id":"track-3","score":0.5}]}}\n'
)
EVENT = (
    '{"feedback":{"feedback_id":"00000000-0000-0000-0000-000000000002",'
    '"impression_id":"00000000-0000-0000-0000-000000000001","track_id":"track-2","event":"play",'
    '"at":"2026-03-01T12:00:02.250000+00:00","session":"bo"}}\n'
)
REJECTED = (
    '{"at": "2026-11-30T14:55:49.772844+00:00", "reason": "ValueError: x", "record": '
    '{"impression_id": "00000000-0000-0000-0000-000000000003", "at": "2026-03-01 12:00:03.250000+00:00", '
    '"session": "\\ud800anna", "api": "native", "request": {}, "seeds": [], "k": 3, '
    '"latency_seconds": 0.004, "digest": "ab", "degraded": false, "list_diversity": 0.5, '
    '"avg_popularity": 40.0, "genre_precision": NaN, "items": []}}\n'
)


def write_old(root: Path, files: dict[str, str], *, name: str = "6452-372abad8") -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    (root / ".lock").touch()
    (folder / "lock").touch()
    for file, text in files.items():
        (folder / file).write_text(text)
    return folder


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path / "spool")
    yield spool
    spool.close()


def ids(spool: Spool) -> list[int]:
    return [int(record_id(record)) for record in spool.oldest(10_000)]


def test_records_are_in_the_database_after_an_upgrade(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url, root = f"sqlite:///{tmp_path / 'segue.db'}", tmp_path / "spool"
    migrate(url)
    write_old(root, {"0-ab12cd34-000000.jsonl": EVENT, "1-00000000.jsonl": LIST + LIST[:90]})
    engine = open_engine(url)
    writer = LogWriter(engine, LogSettings(spool=root, flush_seconds=0.02))
    writer.start()
    until(lambda: writer.written == 2)
    writer.stop(5)
    (shown,) = rows(engine, RECOMMEND_LOGS)
    assert (shown.impression_id, shown.session, shown.digest) == (UUID(int=1), "anna", DIGEST)
    assert (shown.time - START).total_seconds() == 1
    assert [row.track_id for row in rows(engine, RECOMMEND_ITEMS)] == ["track-2", "track-3"]
    (event,) = rows(engine, FEEDBACK)
    assert (event.feedback_id, event.event, event.session) == (UUID(int=2), "play", "bo")
    assert (writer.spooled, writer.lost, writer.rejected) == (0, 1, 0)
    assert "1-00000000.jsonl: 1 lines can't be read, and are lost" in caplog.text
    assert {path.name for path in root.iterdir()} == {".lock", "spool.sqlite"}
    engine.dispose()


def test_a_record_is_moved_once_also_from_a_file_that_could_not_be_deleted(spool: Spool) -> None:
    # as when a process is killed after it stored the records, before it deleted the file
    for _ in range(2):
        write_old(spool.root, {"1-00000000.jsonl": EVENT + LIST})
        (spool.root / "rejected.jsonl").write_text(REJECTED)
        assert import_old_files(spool) == 2
    assert import_old_files(spool) == 0
    assert ids(spool) == [2, 1]
    (line,) = spooled_lines(spool.root, "rejected")
    assert json.dumps(line) == REJECTED.strip()


HOLDING = """
import fcntl, sys
file = open(sys.argv[1], "r+")
fcntl.flock(file, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""


def test_it_leaves_the_folder_of_a_running_process_until_it_has_ended(spool: Spool) -> None:
    folder = write_old(spool.root, {"1-00000000.jsonl": LIST})
    program = [sys.executable, "-c", HOLDING, str(folder / "lock")]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        write_old(spool.root, {"1-00000000.jsonl": EVENT}, name="7001-0badcafe")
        assert import_old_files(spool) == 1
        assert (folder / "1-00000000.jsonl").read_text() == LIST
        process.send_signal(signal.SIGKILL)
    assert import_old_files(spool) == 1
    assert ids(spool) == [2, 1]
    assert not folder.exists()


def test_it_waits_for_the_lock_under_which_the_old_version_makes_a_folder(spool: Spool) -> None:
    write_old(spool.root, {"1-00000000.jsonl": LIST})
    program = [sys.executable, "-c", HOLDING, str(spool.root / ".lock")]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        importing = subprocess.Popen([sys.executable, "-c", IMPORTING, str(spool.root)])
        time.sleep(2)
        assert importing.poll() is None
        assert len(list(spool.root.glob("*/*.jsonl"))) == 1
        process.kill()
    assert importing.wait(30) == 0
    assert ids(spool) == [1]


IMPORTING = """
import sys
from pathlib import Path
from segue.log.old_spool import import_old_files
from segue.log.spool import Spool
spool = Spool(Path(sys.argv[1]))
print("open", flush=True)
import_old_files(spool)
spool.close()
"""


def test_it_loses_and_doubles_nothing_when_it_is_killed_again_and_again(tmp_path: Path) -> None:
    root = tmp_path / "spool"
    lines = [encode(impression(n, impression_id=UUID(int=n))).decode() + "\n" for n in range(6_000)]
    for number in range(3):
        part = lines[2_000 * number : 2_000 * (number + 1)]
        files = {f"1-{n:08}.jsonl": "".join(part[100 * n : 100 * (n + 1)]) for n in range(20)}
        write_old(root, files, name=f"{number}-00000000")
    left = []
    for n in range(5):
        program = [sys.executable, "-c", IMPORTING, str(root)]
        with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.2 * n)
            process.send_signal(signal.SIGKILL)
        left.append(len(list(root.glob("*/*.jsonl"))))
    assert any(0 < files < 60 for files in left), left  # it was killed in the middle
    spool = Spool(root)
    import_old_files(spool)
    assert sorted(ids(spool)) == list(range(6_000))
    assert list(root.glob("*/*")) == []
    spool.close()


def test_it_erases_a_session_from_old_files_too(tmp_path: Path) -> None:
    root = tmp_path / "spool"
    migrate(f"sqlite:///{tmp_path / 'segue.db'}")
    engine = open_engine(f"sqlite:///{tmp_path / 'segue.db'}")
    write_old(root, {"1-00000000.jsonl": LIST + EVENT})
    (root / "rejected.jsonl").write_text(REJECTED.replace("\\ud800", ""))
    assert forget_session(engine, "anna", spool=root).spooled == 2
    files = [path for path in root.rglob("*") if path.is_file()]
    assert not any(b"anna" in path.read_bytes() for path in files)
    assert any(json.loads(EVENT)["feedback"]["session"].encode() in path.read_bytes() for path in files)
    assert count(engine, FEEDBACK) == 0
    engine.dispose()
