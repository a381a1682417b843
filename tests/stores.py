"""Stores to test on: a directory, and a MinIO bucket below a prefix of its own for each test."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from segue.settings import S3Settings
from segue.store.base import Store
from segue.store.open import open_store
from segue.store.s3 import S3Store
from tests.live_services import MinioServer

BUCKET = "bundles"


def settings_of(minio: MinioServer, **changes: object) -> S3Settings:
    """How Segue reaches this MinIO."""
    fields: dict[str, object] = {
        "endpoint": minio.endpoint,
        "access_key": minio.access_key,
        "secret_key": minio.secret_key,
        "secure": False,
        "retry_seconds": 20.0,
    }
    return S3Settings.model_validate({**fields, **changes})


@pytest.fixture
def s3_url(minio: MinioServer) -> str:
    """A store of its own in MinIO."""
    return f"{minio.make_bucket(BUCKET)}/{uuid.uuid4().hex}"


@pytest.fixture
def s3_store(minio: MinioServer, s3_url: str) -> S3Store:
    store = open_store(s3_url, s3=settings_of(minio))
    assert isinstance(store, S3Store)
    return store


@pytest.fixture(params=["directory", pytest.param("s3", marks=pytest.mark.live)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of an empty store of each kind, with the environment in which it opens."""
    if request.param == "directory":
        return str(tmp_path / "store")
    minio: MinioServer = request.getfixturevalue("minio")
    for name, value in minio.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SEGUE_CACHE_DIR", str(tmp_path / "cache"))
    url: str = request.getfixturevalue("s3_url")
    return url


@pytest.fixture
def store(store_url: str) -> Store:
    return open_store(store_url)


@pytest.fixture
def damage(store: Store) -> Callable[[str, bytes], None]:
    """Overwrite an object behind the back of everything that checks."""
    return store.write
