"""What only a directory can get wrong: locks of dead processes, leftovers, permissions, URLs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from segue.errors import StoreAccessDenied, StoreError
from segue.store.directory import DirectoryStore
from segue.store.open import open_store

_HOLD_LOCK = """
import sys, time
from pathlib import Path
from segue.store.directory import DirectoryStore
store = DirectoryStore(Path(sys.argv[1]))
with store._locked("pointer"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    holder = subprocess.Popen([sys.executable, "-c", _HOLD_LOCK, str(tmp_path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    holder.kill()
    holder.wait()
    started = time.monotonic()
    assert store.replace("pointer", b"mine", None)
    assert time.monotonic() - started < 10


def test_leftovers_of_killed_writers_are_no_keys_and_go_after_a_day(tmp_path: Path) -> None:
    staging = tmp_path / ".staging"
    staging.mkdir()
    old, fresh = staging / "old", staging / "fresh"
    for left in (old, fresh):
        left.write_bytes(b"half")
    os.utime(old, (time.time() - 90_000, time.time() - 90_000))
    store = DirectoryStore(tmp_path)
    assert store.entries("") == ()
    store.write("a", b"1")
    assert [path.name for path in staging.iterdir()] == ["fresh"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    store.write("a", b"old")
    with pytest.raises(StoreError, match="gone"):
        store.upload("a", tmp_path / "gone", sha256="0" * 64)
    assert store.read("a") == b"old"
    assert list((tmp_path / ".staging").iterdir()) == []


def test_a_file_in_the_way_of_a_folder_is_one_sentence(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    store.write("a", b"1")
    assert store.stat("a/b") is None
    assert store.read_with_version("a/b") is None
    with pytest.raises(StoreError, match="a"):
        store.write("a/b", b"1")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir(mode=0o500)
    with pytest.raises(StoreAccessDenied, match="check its owner and mode"):
        DirectoryStore(tmp_path / "store").write("a", b"1")


def test_reading_makes_nothing(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    assert store.entries("") == ()
    assert store.read_with_version("channels/champion.json") is None
    assert not (tmp_path / "store").exists()


def test_file_urls_and_paths_are_the_same_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store(str(tmp_path / "my store")).write("a", b"1")
    assert open_store(f"file://{tmp_path}/my%20store").read("a") == b"1"
    monkeypatch.chdir(tmp_path)
    assert open_store("my store").read("a") == b"1"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert open_store("~/my store").read("a") == b"1"


def test_a_relative_store_stays_where_it_was_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store("store")
    store.write("a", b"1")
    monkeypatch.chdir("/")
    assert store.read("a") == b"1"


@pytest.mark.parametrize("url", ["", "gs://bucket/x", "s3://", "file://host/path", "http://localhost"])
def test_what_is_no_store_is_refused(url: str) -> None:
    with pytest.raises(StoreError):
        open_store(url)
