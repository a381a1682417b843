"""Following a channel in MinIO: bundles are fetched, and a dropped one leaves the cache."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from serving.bundles import Versions
from serving.settings import ServingSettings
from tests.live_services import MinioServer
from tests.serving.conftest import BundleStore, Family

NEED = ("popularity.txt", "embedding.npy")


@pytest.mark.live
def test_it_follows_a_channel_in_minio_and_sweeps_its_cache(
    minio: MinioServer, families: list[Family], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in minio.variables.items():
        monkeypatch.setenv(name, value)
    cache = tmp_path / "cache"
    monkeypatch.setenv("SEGUE_CACHE_DIR", str(cache))
    store = f"{minio.make_bucket('serving')}/{uuid.uuid4().hex}"
    bundle_store = BundleStore(store, families)  # type: ignore[arg-type]
    settings = ServingSettings(bundle=f"{store}/channels/champion", keep_seconds=0)
    versions: Versions[str] = Versions(settings, need=NEED, load=lambda files: files.digest)
    versions.look()
    assert versions.waiting_for == f"the first bundle in {settings.bundle}"

    digests = []
    for number in range(4):
        digests.append(bundle_store.publish(number))
        versions.look()
    assert list(versions.held) == digests[-2:]
    kept = {path.parent.name for path in cache.rglob("embedding.npy")}
    assert kept == set(digests[-2:])
