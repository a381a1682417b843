"""Credentials of an S3 endpoint: keys, the role of a pod, and mistakes with either."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from minio.credentials import AssumeRoleProvider

from segue.catalog.fetch import fetched
from segue.errors import SettingsError, StoreAccessDenied
from segue.settings import S3Settings
from segue.store.base import Store
from segue.store.open import open_store
from tests.live_services import MinioServer
from tests.store.test_s3 import CALLS
from tests.stores import settings_of

live = pytest.mark.live


@contextmanager
def agent(answers: list[dict[str, Any]]) -> Iterator[str]:
    """What gives out a role's credentials on a node; each answer once, and the last one for good."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(answers[0] if len(answers) == 1 else answers.pop(0)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/role"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def temporary(minio: MinioServer, *, expires: str = "2999-01-01T00:00:00Z") -> dict[str, Any]:
    """Real temporary credentials of this server, as an agent tells them."""
    given = AssumeRoleProvider(
        sts_endpoint=f"http://{minio.endpoint}", access_key=minio.access_key, secret_key=minio.secret_key
    ).retrieve()
    return {
        "AccessKeyId": given.access_key,
        "SecretAccessKey": given.secret_key,
        "Token": given.session_token,
        "Expiration": expires,
    }


@pytest.fixture
def as_role(minio: MinioServer, s3_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    with agent([temporary(minio)]) as url:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)
        settings = settings_of(minio, access_key=None, secret_key=None, role=True, region="us-east-1")
        yield open_store(s3_url, s3=settings)


@live
def test_a_role_may_do_what_its_keys_may(as_role: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"tracks")
    as_role.write("a/b", b"1")
    assert as_role.read("a/b") == b"1"
    # the conditional write goes by a signed URL of its own
    version = as_role.read_with_version("a/b")
    assert version is not None
    assert as_role.replace("a/b", b"2", version[1])
    assert not as_role.replace("a/b", b"3", version[1])
    assert as_role.read("a/b") == b"2"
    as_role.delete("a/b")
    for call in (CALLS["entries"], CALLS["stat"]):
        call(as_role, tmp_path / "file")


@live
def test_credentials_that_ran_out_are_asked_for_again(
    minio: MinioServer, s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = {**temporary(minio, expires="2001-01-01T00:00:00Z"), "SecretAccessKey": "no longer"}
    with agent([wrong, temporary(minio)]) as url:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)
        settings = settings_of(minio, access_key=None, secret_key=None, role=True, region="us-east-1")
        store = open_store(s3_url, s3=settings)
        with pytest.raises(StoreAccessDenied, match="or the role of SEGUE_S3_ROLE"):
            store.write("a", b"1")
        store.write("a", b"1")
        assert store.read("a") == b"1"


@live
def test_a_catalogue_is_read_as_a_role_too(
    as_role: Store, minio: MinioServer, s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_role.write("tracks.csv", b"track_id,track_name\n1,One\n")
    for name in ("ACCESS_KEY", "SECRET_KEY"):
        monkeypatch.delenv(f"SEGUE_S3_{name}", raising=False)
    monkeypatch.setenv("SEGUE_S3_ENDPOINT", f"http://{minio.endpoint}")
    monkeypatch.setenv("SEGUE_S3_ROLE", "true")
    monkeypatch.setenv("SEGUE_S3_REGION", "us-east-1")
    with fetched(f"{s3_url}/tracks.csv") as files:
        assert [file.path.read_bytes() for file in files] == [b"track_id,track_name\n1,One\n"]


def test_keys_and_a_role_are_one_too_many() -> None:
    settings = S3Settings.model_validate({"access_key": "key", "secret_key": "hidden", "role": True})
    with pytest.raises(SettingsError, match="SEGUE_S3_ROLE and SEGUE_S3_ACCESS_KEY are both set") as caught:
        open_store("s3://music/segue", s3=settings)
    assert "hidden" not in str(caught.value)
