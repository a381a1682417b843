"""Versions: following a channel, refusing what is broken, keeping what others may still ask for."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from prometheus_client import REGISTRY

from segue.bundle.channel import rollback
from segue.bundle.reader import BundleFiles
from segue.store.open import open_store
from serving.bundles import Versions
from serving.settings import ServingSettings
from tests.serving.conftest import BundleStore

NEED = ("popularity.txt", "embedding.npy")

Follow = Callable[..., Versions[str]]


@pytest.fixture
def follow(bundle_store: BundleStore) -> Follow:
    """Versions of a store's channel whose value is the digest."""

    def make(**changes: float) -> Versions[str]:
        fields = {
            "bundle": bundle_store.channel_url,
            "keep_seconds": 0,
            "retry_refused_seconds": 0.1,
            **changes,
        }
        return Versions(ServingSettings.model_validate(fields), need=NEED, load=_digest)

    return make


def _digest(files: BundleFiles) -> str:
    return files.digest


def in_order(versions: Versions[str]) -> list[str]:
    return [version.digest for version in versions.preferred()]


def count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_it_loads_the_champion_and_the_one_before(bundle_store: BundleStore, follow: Follow) -> None:
    digests = [bundle_store.publish(number) for number in range(3)]
    versions = follow()
    versions.look()
    assert in_order(versions) == [digests[2], digests[1]]
    assert count("segue_bundle_info", digest=digests[2], generation="3") == 1


def test_it_waits_for_the_first_bundle(bundle_store: BundleStore, follow: Follow) -> None:
    versions = follow()
    versions.look()
    assert in_order(versions) == []
    assert versions.waiting_for == f"the first bundle in {bundle_store.channel_url}"
    first = bundle_store.publish(0)
    versions.look()
    assert in_order(versions) == [first]


def test_it_is_ready_after_the_first_look_with_a_bundle(bundle_store: BundleStore, follow: Follow) -> None:
    versions = follow(poll_seconds=0.05)
    assert not versions.is_ready
    versions.start()
    try:
        time.sleep(0.3)
        assert not versions.is_ready
        bundle_store.publish(0)
        ends = time.monotonic() + 10
        while not versions.is_ready and time.monotonic() < ends:
            time.sleep(0.02)
        assert versions.is_ready
    finally:
        versions.stop()


def test_it_goes_back_on_a_rollback_and_not_to_the_newest(bundle_store: BundleStore, follow: Follow) -> None:
    digests = [bundle_store.publish(number) for number in range(3)]
    versions = follow()
    versions.look()
    rollback(open_store(str(bundle_store.root)), "champion", by="test", reason="worse")
    versions.look()
    assert in_order(versions) == [digests[1], digests[0]]


def test_it_takes_a_bundle_and_a_plain_folder_as_they_are(bundle_store: BundleStore, follow: Follow) -> None:
    digest = bundle_store.publish(0)
    folder = bundle_store.root / "bundles" / digest
    for address in (str(folder), str(shutil.copytree(folder, bundle_store.root.parent / "models"))):
        versions = follow(bundle=address)
        versions.look()
        versions.look()
        assert in_order(versions) == [digest]


def test_it_drops_only_what_is_old_enough(bundle_store: BundleStore, follow: Follow) -> None:
    digests = [bundle_store.publish(0)]
    versions = follow(keep_seconds=0.5)
    versions.look()
    for number in (1, 2):
        digests.append(bundle_store.publish(number))
        versions.look()
    assert set(versions.held) == set(digests)
    time.sleep(0.6)
    versions.look()
    assert set(versions.held) == set(digests[1:])


def test_it_bounds_what_a_fast_publisher_makes_it_hold(bundle_store: BundleStore, follow: Follow) -> None:
    versions = follow(keep_seconds=3600)
    digests = []
    for number in range(9):
        digests.append(bundle_store.publish(number))
        versions.look()
    assert len(versions.held) == 4
    assert in_order(versions) == digests[:-5:-1]


def corrupt(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


BROKEN: dict[str, tuple[str, Callable[[Path], None]]] = {
    "checksum": ("popularity.txt", corrupt),
    "missing": ("embedding.npy", Path.unlink),
    "half-written": ("bundle.json", Path.unlink),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_it_keeps_the_old_version_when_a_bundle_is_broken(
    bundle_store: BundleStore, follow: Follow, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    name, damage = BROKEN[kind]
    label = "checksum" if kind == "checksum" else "missing"
    versions = follow()
    good = bundle_store.publish(0)
    versions.look()
    bad = bundle_store.publish(1)
    damage(bundle_store.root / "bundles" / bad / name)
    before = count("segue_bundle_refused_total", reason=label)
    for _ in range(4):
        versions.look()
        time.sleep(0.06)
    assert in_order(versions) == [good]
    assert count("segue_bundle_refused_total", reason=label) == before + 1
    assert [record.getMessage() for record in caplog.records if "refused" in record.message] != []
    assert len([record for record in caplog.records if "refused" in record.message]) == 1
    # published again, it is whole, and is taken when its time to be tried has come
    bundle_store.publish(1)
    time.sleep(0.15)
    versions.look()
    assert in_order(versions) == [bad, good]


def test_it_refuses_a_newer_schema(bundle_store: BundleStore, follow: Follow) -> None:
    """A bundle of the future has a digest of its own; the pointer is moved as the newer version would."""
    import hashlib

    good = bundle_store.publish(0)
    versions = follow()
    versions.look()
    raw = orjson.loads((bundle_store.root / "bundles" / good / "bundle.json").read_bytes())
    data = orjson.dumps({**raw, "schema_version": 99}, option=orjson.OPT_SORT_KEYS)
    digest = hashlib.sha256(data).hexdigest()
    shutil.copytree(bundle_store.root / "bundles" / good, bundle_store.root / "bundles" / digest)
    (bundle_store.root / "bundles" / digest / "bundle.json").write_bytes(data)
    pointer = bundle_store.root / "channels" / "champion.json"
    moved = {**orjson.loads(pointer.read_bytes()), "digest": digest, "previous": [good], "generation": 2}
    pointer.write_bytes(orjson.dumps(moved))
    before = count("segue_bundle_refused_total", reason="schema")
    versions.look()
    assert in_order(versions) == [good]
    assert count("segue_bundle_refused_total", reason="schema") == before + 1


def test_it_starts_from_the_one_before_when_the_champion_is_broken(
    bundle_store: BundleStore, follow: Follow
) -> None:
    good = bundle_store.publish(0)
    bad = bundle_store.publish(1)
    corrupt(bundle_store.root / "bundles" / bad / "popularity.txt")
    versions = follow()
    versions.look()
    assert in_order(versions) == [good]


def test_it_refuses_a_bundle_that_can_not_be_opened(bundle_store: BundleStore) -> None:
    def load(files: BundleFiles) -> str:
        if files.digest == bad:
            raise ValueError("not a model")
        return files.digest

    good = bundle_store.publish(0)
    bad = bundle_store.publish(1)
    settings = ServingSettings(bundle=bundle_store.channel_url)
    versions: Versions[str] = Versions(settings, need=NEED, load=load)
    versions.look()
    assert in_order(versions) == [good]


def test_it_stays_in_service_while_the_store_is_away(
    bundle_store: BundleStore, follow: Follow, caplog: pytest.LogCaptureFixture
) -> None:
    good = bundle_store.publish(0)
    versions = follow()
    versions.look()
    away = bundle_store.root.rename(bundle_store.root.with_name("away"))
    # a directory that can't be read stands for a store that does not answer
    bundle_store.root.write_text("not a directory", encoding="utf-8")
    before = count("segue_bundle_poll_failures_total")
    for _ in range(3):
        versions.look()
    assert in_order(versions) == [good]
    bundle_store.root.unlink()
    away.rename(bundle_store.root)
    newer = bundle_store.publish(1)
    versions.look()
    assert in_order(versions) == [newer, good]
    assert count("segue_bundle_poll_failures_total") >= before
    assert len([record for record in caplog.records if "can't be read" in record.message]) <= 1


def test_it_counts_a_store_that_does_not_answer(follow: Follow, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = follow(bundle="s3://nowhere/channels/champion")
    before = count("segue_bundle_poll_failures_total")
    monkeypatch.setenv("SEGUE_S3_ENDPOINT", "127.0.0.1:1")
    monkeypatch.setenv("SEGUE_S3_RETRY_SECONDS", "0")
    versions.look()
    assert count("segue_bundle_poll_failures_total") == before + 1
    assert "s3://nowhere" in versions.waiting_for
