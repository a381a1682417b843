"""What every store must do, asked of a directory and of MinIO."""

from __future__ import annotations

import hashlib
import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from segue.errors import ChecksumError, StoreError
from segue.store.base import Store
from segue.throttle import Throttle


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class TestStoreContract:
    def test_reads_back_what_was_written(self, store: Store) -> None:
        store.write("a/b.json", b"one")
        assert store.read("a/b.json") == b"one"
        store.write("a/b.json", b"two")
        assert store.read("a/b.json") == b"two"

    def test_takes_an_empty_object(self, store: Store) -> None:
        store.write("empty", b"")
        assert store.read("empty") == b""
        entry = store.stat("empty")
        assert entry is not None
        assert entry.bytes == 0

    def test_says_what_is_missing(self, store: Store) -> None:
        assert store.read_with_version("nothing/here") is None
        assert store.stat("nothing/here") is None
        assert store.entries("nothing/") == ()
        with pytest.raises(StoreError, match="nothing/here"):
            store.read("nothing/here")
        with pytest.raises(StoreError, match="nothing/here"):
            store.checksum("nothing/here")

    def test_a_missing_object_leaves_no_download(self, store: Store, tmp_path: Path) -> None:
        with pytest.raises(StoreError):
            store.download("nothing/here", tmp_path / "got")
        assert not (tmp_path / "got").exists() or (tmp_path / "got").stat().st_size == 0

    def test_creates_only_what_is_not_there(self, store: Store) -> None:
        assert store.replace("pointer", b"first", None)
        assert not store.replace("pointer", b"second", None)
        assert store.read("pointer") == b"first"

    def test_replaces_only_the_version_that_was_read(self, store: Store) -> None:
        store.write("pointer", b"first")
        found = store.read_with_version("pointer")
        assert found is not None
        assert found[0] == b"first"
        assert store.replace("pointer", b"second", found[1])
        assert not store.replace("pointer", b"third", found[1])
        assert store.read("pointer") == b"second"

    def test_does_not_replace_what_was_deleted(self, store: Store) -> None:
        store.write("pointer", b"first")
        found = store.read_with_version("pointer")
        assert found is not None
        store.delete("pointer")
        assert not store.replace("pointer", b"second", found[1])
        assert store.stat("pointer") is None

    def test_of_many_swaps_at_once_exactly_one_wins(self, store: Store) -> None:
        store.write("pointer", b"start")
        found = store.read_with_version("pointer")
        assert found is not None
        version, barrier = found[1], threading.Barrier(8)

        def swap(number: int) -> bool:
            barrier.wait()
            return store.replace("pointer", f"by {number}".encode(), version)

        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(swap, range(8)))
        assert sum(won) == 1
        assert store.read("pointer") == f"by {won.index(True)}".encode()

    def test_counts_right_under_contention(self, store: Store) -> None:
        """Sixty increments by six threads: a lost update would end below sixty."""
        store.write("count", b"0")

        def add_ten(_number: int) -> None:
            done = 0
            while done < 10:
                found = store.read_with_version("count")
                assert found is not None
                done += store.replace("count", str(int(found[0]) + 1).encode(), found[1])

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(add_ten, range(6)))
        assert store.read("count") == b"60"

    def test_a_reader_never_sees_half_of_a_write(self, store: Store) -> None:
        contents = [bytes([letter]) * 2_000_000 for letter in b"ab"]
        store.write("object", contents[0])
        done = threading.Event()

        def read() -> int:
            reads = 0
            while not done.is_set():
                assert store.read("object") in contents
                reads += 1
            return reads

        with ThreadPoolExecutor(2) as pool:
            readers = [pool.submit(read) for _ in range(2)]
            for turn in range(30):
                store.write("object", contents[turn % 2])
            done.set()
            assert min(reader.result() for reader in readers) > 0

    @pytest.mark.parametrize("size", [0, 1, 100_000, 8 * 1024 * 1024, 20 * 1024 * 1024 + 7])
    def test_a_file_survives_the_round_trip(self, store: Store, tmp_path: Path, size: int) -> None:
        data = random.Random(size).randbytes(size)
        (tmp_path / "file").write_bytes(data)
        store.upload("big/file.bin", tmp_path / "file", sha256=sha256(data))
        entry = store.stat("big/file.bin")
        assert entry is not None
        assert entry.bytes == size
        assert entry.sha256 in (None, sha256(data))
        assert store.checksum("big/file.bin") == sha256(data)
        assert store.download("big/file.bin", tmp_path / "back") == sha256(data)
        assert (tmp_path / "back").read_bytes() == data
        assert store.download("big/file.bin", tmp_path / "paced", Throttle(0.99)) == sha256(data)
        assert (tmp_path / "paced").read_bytes() == data

    @pytest.mark.parametrize("size", [1000, 20 * 1024 * 1024])
    def test_a_file_that_changed_since_it_was_hashed_is_not_sent(
        self, store: Store, tmp_path: Path, size: int
    ) -> None:
        (tmp_path / "file").write_bytes(b"x" * size)
        expected = sha256(b"x" * size)
        with (tmp_path / "file").open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"y")
        with pytest.raises(ChecksumError, match="changed while it was published"):
            store.upload("file", tmp_path / "file", sha256=expected)
        assert store.stat("file") is None

    def test_lists_by_folder_in_order(self, store: Store) -> None:
        for key in ("b/2", "b/10/x", "a", "b/1", "bc/1"):
            store.write(key, key.encode())
        assert [entry.key for entry in store.entries("b/")] == ["b/1", "b/10/x", "b/2"]
        assert [entry.key for entry in store.entries("")] == ["a", "b/1", "b/10/x", "b/2", "bc/1"]
        assert [entry.bytes for entry in store.entries("b/")] == [3, 6, 3]

    def test_knows_when_an_object_was_written(self, store: Store) -> None:
        store.write("now", b"1")
        (entry,) = store.entries("")
        assert abs(datetime.now(UTC) - entry.modified) < timedelta(minutes=1)

    def test_deletes_once_and_again(self, store: Store) -> None:
        store.write("a/b/c", b"1")
        store.delete("a/b/c")
        store.delete("a/b/c")
        assert store.entries("") == ()
        store.write("a/b/c", b"2")
        assert store.read("a/b/c") == b"2"

    @pytest.mark.parametrize(
        "key", ["../out", "a/../../out", "/etc/passwd", "a//b", "", ".hidden", "a/.b", "a\nb"]
    )
    def test_no_key_leads_out_of_the_store(self, store: Store, key: str) -> None:
        with pytest.raises(StoreError, match="is not a key"):
            store.write(key, b"1")
        with pytest.raises(StoreError, match="is not a key"):
            store.read(key)
