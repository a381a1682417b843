"""Publishers that are killed, publishers that meet, and a store that dies under one."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from segue.bundle.channel import read_channel
from segue.bundle.inventory import list_bundles
from segue.bundle.location import BundleLocation
from segue.bundle.publish import Published, publish
from segue.bundle.verify import verify_bundle
from segue.errors import StoreUnavailable
from segue.store.base import Store
from segue.store.open import open_store
from tests.bundle.tiny import definition, parts, publish_tiny
from tests.live_services import MinioServer
from tests.stores import settings_of

SIZE = 1_000_000
# Step, the line that is its last, and how many of the eight files a rerun finds there.
DEATHS = [
    (1, "hashed", 0),
    (2, "sent embedding.npy", 1),
    (9, "sent transform.json", 8),
    (10, "verified", 8),
    (11, "champion points at", 8),
]


class Publisher:
    """A publisher in a process of its own, ready to go."""

    def __init__(self, store_url: str, folder: Path, label: str, *, step: int | None = None) -> None:
        words = [store_url, str(folder), label, str(SIZE), *([str(step)] if step else [])]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bundle.publisher", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def go(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()

    def result(self) -> dict[str, Any]:
        out, err = self._process.communicate(timeout=120)
        assert self._process.returncode == 0, err
        found: dict[str, Any] = orjson.loads(out)
        return found

    def death(self) -> str:
        _out, err = self._process.communicate(timeout=120)
        assert self._process.returncode == -9, err
        return err


def assert_serves_whole_bundle(store: Store, allowed: set[str]) -> str:
    """Whatever happened, the pointer names a bundle that is there, and each that is there is whole."""
    digest = read_channel(store, "champion").digest
    assert digest in allowed
    states = {bundle.digest: bundle.state for bundle in list_bundles(store)}
    assert states[str(digest)] == "ok"
    for found, state in states.items():
        assert state == "half-written" or not verify_bundle(BundleLocation.in_store(store, found)).problems
    return str(digest)


def digest_of(tmp_path: Path, label: str) -> str:
    """The digest that this label's bundle has, from a store of its own."""
    made = parts(tmp_path / "aside", label, size=SIZE)
    options: dict[str, Any] = {"run_id": "r", "by": "b", "reason": "r"}
    return publish(definition(label), made, str(tmp_path / "aside-store"), **options).digest


@pytest.mark.parametrize(("step", "died_after", "kept"), DEATHS)
def test_killed_after_a_step_the_champion_stands_and_a_rerun_finishes(
    store_url: str, tmp_path: Path, step: int, died_after: str, kept: int
) -> None:
    store = open_store(store_url)
    old = publish_tiny(store, tmp_path, "old").digest
    new = digest_of(tmp_path, "new")
    publisher = Publisher(store_url, tmp_path / "parts", "new", step=step)
    publisher.go()
    assert f"dies after: {died_after}" in publisher.death()
    pointer_moved = died_after == "champion points at"
    assert assert_serves_whole_bundle(store, {old, new}) == (new if pointer_moved else old)

    finisher = Publisher(store_url, tmp_path / "parts", "new")
    finisher.go()
    found = finisher.result()
    assert (found["digest"], found["generation"], len(found["skipped"])) == (new, 2, kept)
    assert not verify_bundle(BundleLocation.in_store(store, new)).problems
    assert read_channel(store, "champion").previous == (old,)


def test_killed_at_random_moments_the_champion_stands_and_a_rerun_finishes(
    store_url: str, tmp_path: Path
) -> None:
    store = open_store(store_url)
    old = publish_tiny(store, tmp_path, "old").digest
    whole = Publisher(store_url, tmp_path / "parts", "warm-up")
    started = time.monotonic()
    whole.go()
    warm = whole.result()["digest"]
    seconds = time.monotonic() - started
    chance = random.Random(11)
    allowed = {old, warm}
    for number in range(4):
        label = f"new-{number}"
        publisher = Publisher(store_url, tmp_path / "parts", label)
        publisher.go()
        time.sleep(chance.uniform(0.0, seconds))
        publisher.kill()
        new = digest_of(tmp_path, label)
        before = assert_serves_whole_bundle(store, {*allowed, new})
        finisher = Publisher(store_url, tmp_path / "parts", label)
        finisher.go()
        assert finisher.result()["digest"] == new
        assert assert_serves_whole_bundle(store, {new}) == new
        assert not verify_bundle(BundleLocation.in_store(store, new)).problems
        assert before == new or read_channel(store, "champion").previous[0] == before
        allowed.add(new)
    assert read_channel(store, "champion").generation == 6


def test_two_publishers_of_different_bundles_make_one_generation_each(store_url: str, tmp_path: Path) -> None:
    store = open_store(store_url)
    old = publish_tiny(store, tmp_path, "old").digest
    pair = [Publisher(store_url, tmp_path / label, label) for label in ("left", "right")]
    for publisher in pair:
        publisher.go()
    found = [publisher.result() for publisher in pair]
    assert sorted(result["generation"] for result in found) == [2, 3]
    first, second = (result["digest"] for result in sorted(found, key=lambda result: result["generation"]))
    state = read_channel(store, "champion")
    assert (state.digest, state.previous, state.generation) == (second, (first, old), 3)
    for digest in (first, second):
        assert not verify_bundle(BundleLocation.in_store(store, digest)).problems


def test_two_publishers_of_the_same_bundle_make_one_bundle_and_one_generation(
    store_url: str, tmp_path: Path
) -> None:
    store = open_store(store_url)
    pair = [Publisher(store_url, tmp_path / side, "same") for side in ("left", "right")]
    for publisher in pair:
        publisher.go()
    found = [publisher.result() for publisher in pair]
    assert found[0]["digest"] == found[1]["digest"]
    assert [result["generation"] for result in found] == [1, 1]
    assert all(found[0]["digest"] in entry.key for entry in store.entries("bundles/"))
    assert not verify_bundle(BundleLocation.in_store(store, found[0]["digest"])).problems


@pytest.mark.live
class TestStoreThatDies:
    @pytest.fixture
    def mortal(self, minio: MinioServer) -> Iterator[MinioServer]:
        yield minio
        minio.start()

    def publish_until(self, store: Store, tmp_path: Path, line_start: str, act: Any) -> Published:
        acted: list[str] = []

        def progress(line: str) -> None:
            if not acted and line.startswith(line_start):
                acted.append(line)
                act()

        return publish(
            definition("new"),
            parts(tmp_path, "new", size=SIZE),
            store,
            run_id="r",
            by="nightly",
            reason="gate passed",
            promote=True,
            progress=progress,
        )

    @pytest.mark.parametrize("moment", ["hashed", "sent index.faiss", "sent transform.json", "verified"])
    def test_and_stays_away_leaves_nothing_half_published(
        self, mortal: MinioServer, s3_url: str, tmp_path: Path, moment: str
    ) -> None:
        store = open_store(s3_url, s3=settings_of(mortal, retry_seconds=1.5))
        before = publish_tiny(store, tmp_path, "old").channel
        with pytest.raises(StoreUnavailable, match=f"{mortal.endpoint} did not serve"):
            self.publish_until(store, tmp_path, moment, mortal.kill)
        mortal.start()
        assert read_channel(store, "champion") == before
        assert_serves_whole_bundle(store, {str(before.digest)})
        done = self.publish_until(store, tmp_path, "never", lambda: None)
        assert done.promoted
        assert done.channel.previous == (before.digest,)
        assert (len(done.skipped) > 0) == (moment != "hashed")
        assert not verify_bundle(BundleLocation.in_store(store, done.digest)).problems

    def test_and_comes_back_in_time_is_not_even_noticed(
        self, mortal: MinioServer, s3_url: str, tmp_path: Path
    ) -> None:
        store = open_store(s3_url, s3=settings_of(mortal, retry_seconds=60.0))
        before = publish_tiny(store, tmp_path, "old").channel
        back = threading.Timer(1.0, mortal.start)

        def fail_for_a_second() -> None:
            mortal.kill()
            back.start()

        done = self.publish_until(store, tmp_path, "sent index.faiss", fail_for_a_second)
        back.join()
        assert done.promoted
        assert done.channel.generation == before.generation + 1
        assert sorted(done.uploaded) == sorted(done.definition.files)
        assert not verify_bundle(BundleLocation.in_store(store, done.digest)).problems
