"""Publish: what lands in the store, what is skipped, what is refused."""

from __future__ import annotations

import hashlib
import logging
import tracemalloc
from pathlib import Path
from typing import Any

import orjson
import pytest

from segue.bundle.channel import pin, read_channel
from segue.bundle.definition import FILES
from segue.bundle.location import BundleLocation
from segue.bundle.publish import publish, with_files
from segue.bundle.verify import verify_bundle
from segue.errors import BundleError, ChannelConflict, ChannelError, ChecksumError
from segue.store.base import Store
from tests.bundle.tiny import definition, parts, publish_tiny

EVERY_FILE = sorted(FILES)


class TestPublish:
    def test_puts_every_file_where_the_layout_says(self, store: Store, tmp_path: Path) -> None:
        made = parts(tmp_path, "one")
        report = tmp_path / "report.html"
        report.write_bytes(b"<p>good</p>")
        done = publish(
            definition("one"),
            made,
            store,
            run_id="run-7",
            by="nightly",
            reason="gate passed",
            evaluation={"report.html": report},
            promote=True,
        )
        raw = store.read(f"bundles/{done.digest}/bundle.json")
        assert hashlib.sha256(raw).hexdigest() == done.digest
        for name, path in made.items():
            assert store.read(f"bundles/{done.digest}/{name}") == path.read_bytes()
            assert orjson.loads(raw)["files"][name]["bytes"] == path.stat().st_size
        assert store.read(f"evaluations/{done.digest}/run-7/report.html") == b"<p>good</p>"
        assert read_channel(store, "champion") == done.channel
        assert (done.channel.digest, done.channel.by, done.channel.reason) == (
            done.digest,
            "nightly",
            "gate passed",
        )
        assert len(store.entries("")) == len(FILES) + 3
        assert (sorted(done.uploaded), done.skipped, done.promoted) == (EVERY_FILE, (), True)
        assert done.bytes_uploaded == 200 * len(FILES)
        assert done.url == f"{store.url}/bundles/{done.digest}"

    def test_the_same_again_sends_nothing_and_moves_nothing(self, store: Store, tmp_path: Path) -> None:
        first = publish_tiny(store, tmp_path / "a", "one")
        before = store.entries("")
        again = publish_tiny(store, tmp_path / "b", "one")
        assert again.digest == first.digest
        assert (again.uploaded, sorted(again.skipped)) == ((), EVERY_FILE)
        assert again.channel == first.channel
        bundle = f"bundles/{first.digest}/"
        assert [entry for entry in before if entry.key.startswith(bundle)] == list(store.entries(bundle))

    def test_without_promotion_the_channel_stays(self, store: Store, tmp_path: Path) -> None:
        first = publish_tiny(store, tmp_path, "one")
        second = publish_tiny(store, tmp_path, "two", promote=False)
        assert (second.promoted, second.refused) == (False, "")
        assert read_channel(store, "champion") == first.channel == second.channel
        assert not verify_bundle(BundleLocation.in_store(store, second.digest)).problems

    def test_a_pinned_channel_gets_the_bundle_but_not_the_pointer(self, store: Store, tmp_path: Path) -> None:
        publish_tiny(store, tmp_path, "one")
        pinned = pin(store, "champion", by="ann", reason="festival week")
        done = publish_tiny(store, tmp_path, "two")
        assert not done.promoted
        assert "pinned by ann (festival week)" in done.refused
        assert read_channel(store, "champion") == pinned == done.channel
        assert not verify_bundle(BundleLocation.in_store(store, done.digest)).problems

    def test_a_channel_that_moved_since_the_verdict_is_a_conflict(self, store: Store, tmp_path: Path) -> None:
        publish_tiny(store, tmp_path, "one")
        before = publish_tiny(store, tmp_path, "two").channel
        options: dict[str, Any] = {
            "run_id": "r",
            "by": "nightly",
            "reason": "judged against one",
            "promote": True,
        }
        with pytest.raises(ChannelConflict, match="generation 2, expected 1"):
            publish(definition("three"), parts(tmp_path, "three"), store, expected_generation=1, **options)
        assert read_channel(store, "champion") == before
        done = publish(definition("three"), parts(tmp_path, "three"), store, expected_generation=2, **options)
        again = publish(
            definition("three"), parts(tmp_path, "three"), store, expected_generation=2, **options
        )
        assert done.channel == again.channel
        assert done.channel.generation == 3

    def test_a_damaged_copy_in_the_store_is_sent_again(self, store: Store, tmp_path: Path) -> None:
        digest = publish_tiny(store, tmp_path, "one").digest
        store.write(f"bundles/{digest}/index.faiss", b"x" * 200)
        store.write(f"bundles/{digest}/features.npy", b"short")
        store.delete(f"bundles/{digest}/search.sqlite")
        store.write(f"bundles/{digest}/bundle.json", b"{}")
        again = publish_tiny(store, tmp_path, "one")
        assert sorted(again.uploaded) == ["features.npy", "index.faiss", "search.sqlite"]
        assert not verify_bundle(BundleLocation.in_store(store, digest)).problems

    def test_other_channels_are_other_pointers(self, store: Store, tmp_path: Path) -> None:
        one = publish_tiny(store, tmp_path, "one")
        two = publish_tiny(store, tmp_path, "two", channel="canary")
        assert read_channel(store, "champion").digest == one.digest
        assert read_channel(store, "canary").digest == two.digest

    def test_says_each_step(self, store: Store, tmp_path: Path) -> None:
        lines: list[str] = []
        options: dict[str, Any] = {"run_id": "r", "by": "b", "reason": "r", "promote": True}
        publish(definition(), parts(tmp_path, "one"), store, progress=lines.append, **options)
        assert lines[0].startswith("hashed 8 files: ")
        assert sum(line.startswith("sent ") for line in lines) == 8
        assert "generation 1" in lines[-1]


class TestRefusals:
    def test_a_missing_part(self, tmp_path: Path) -> None:
        made = parts(tmp_path, "one")
        made["index.faiss"].unlink()
        del made["search.sqlite"]
        with pytest.raises(BundleError, match=r"the bundle lacks index\.faiss, search\.sqlite"):
            with_files(definition(), made)

    @pytest.mark.parametrize("name", ["../evil", "a/b", ".hidden", "bundle.json", "", "a b"])
    def test_a_name_that_would_be_a_path(self, tmp_path: Path, name: str) -> None:
        made = parts(tmp_path, "one")
        with pytest.raises(BundleError, match="can't be the name of a file of a bundle"):
            with_files(definition(), {**made, name: made["index.faiss"]})

    @pytest.mark.parametrize("run_id", ["", "../x", "a/b", "x" * 200])
    def test_a_run_id_that_would_be_a_path(self, tmp_path: Path, run_id: str) -> None:
        options: dict[str, Any] = {"by": "b", "reason": "r"}
        with pytest.raises(BundleError, match="can't be a run id"):
            publish(definition(), parts(tmp_path, "one"), str(tmp_path / "s"), run_id=run_id, **options)
        assert not (tmp_path / "s").exists()

    def test_a_channel_that_cant_be(self, tmp_path: Path) -> None:
        options: dict[str, Any] = {"run_id": "r", "by": "b", "reason": "r", "channel": "../x"}
        with pytest.raises(ChannelError):
            publish(definition(), parts(tmp_path, "one"), str(tmp_path / "s"), **options)
        assert not (tmp_path / "s").exists()

    def test_a_part_that_changes_meanwhile(self, store: Store, tmp_path: Path) -> None:
        before = publish_tiny(store, tmp_path, "old").channel
        made = parts(tmp_path, "one")

        def meddle(line: str) -> None:
            if line.startswith("hashed"):
                made["tracks.parquet"].write_bytes(b"z" * 200)

        options: dict[str, Any] = {"run_id": "r", "by": "b", "reason": "r", "promote": True}
        with pytest.raises(ChecksumError, match="changed while it was published"):
            publish(definition("one"), made, store, progress=meddle, **options)
        assert read_channel(store, "champion") == before
        half = {entry.key.split("/")[1] for entry in store.entries("bundles/")} - {before.digest}
        assert all(store.stat(f"bundles/{digest}/bundle.json") is None for digest in half)

    @pytest.mark.parametrize("promoted", [True, False])
    def test_a_store_that_loses_what_it_took(self, store: Store, tmp_path: Path, promoted: bool) -> None:
        def lose(line: str) -> None:
            if line.startswith("sent transform.json"):
                (digest,) = {entry.key.split("/")[1] for entry in store.entries("bundles/")}
                store.delete(f"bundles/{digest}/index.faiss")

        options: dict[str, Any] = {"run_id": "r", "by": "b", "reason": "r", "promote": promoted}
        with pytest.raises(BundleError, match=r"is not whole: index\.faiss is missing"):
            publish(definition("one"), parts(tmp_path, "one"), store, progress=lose, **options)
        assert read_channel(store, "champion").digest is None


def test_the_digest_does_not_depend_on_order_place_or_time(tmp_path: Path) -> None:
    made = parts(tmp_path / "a", "one")
    other = dict(reversed(parts(tmp_path / "b", "one").items()))
    assert with_files(definition(), made).digest == with_files(definition(), other).digest


def test_memory_stays_small_for_a_large_file(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """150 MB go through in less than 60 MB: three parts on their way, one being read, and change."""
    caplog.set_level(logging.WARNING)
    made = parts(tmp_path, "one")
    with made["embedding.npy"].open("wb") as file:
        file.truncate(150_000_000)
    tracemalloc.start()
    try:
        publish(definition(), made, store, run_id="r", by="b", reason="r")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 60e6
