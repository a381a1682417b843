"""What only S3 can get wrong: credentials, buckets, endpoints, lost answers, stores that can do less."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from segue.errors import SettingsError, StoreAccessDenied, StoreError, StoreUnavailable
from segue.settings import S3Settings, read_settings
from segue.store.base import Store
from segue.store.open import open_store
from segue.store.s3 import S3Store
from tests.bundle.meddling_proxy import Proxy, running
from tests.live_services import MinioServer, free_port
from tests.stores import settings_of

live = pytest.mark.live

SECRET = "a-secret-that-nobody-may-see"

CALLS: dict[str, Callable[[Store, Path], object]] = {
    "read": lambda store, _file: store.read("a/b"),
    "read_with_version": lambda store, _file: store.read_with_version("a/b"),
    "write": lambda store, _file: store.write("a/b", b"1"),
    "replace": lambda store, _file: store.replace("a/b", b"1", None),
    "upload": lambda store, file: store.upload("a/b", file, sha256=EMPTY),
    "download": lambda store, file: store.download("a/b", file.with_suffix(".got")),
    "checksum": lambda store, _file: store.checksum("a/b"),
    "stat": lambda store, _file: store.stat("a/b"),
    "entries": lambda store, _file: store.entries("a/"),
    "delete": lambda store, _file: store.delete("a/b"),
}
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

each_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "file").write_bytes(b"")
    return tmp_path / "file"


@pytest.fixture
def proxy(minio: MinioServer) -> Iterator[Proxy]:
    with running(minio.endpoint) as found:
        yield found


@pytest.fixture
def proxied(minio: MinioServer, proxy: Proxy, s3_url: str) -> Store:
    return open_store(s3_url, s3=settings_of(minio, endpoint=proxy.endpoint, retry_seconds=5.0))


class TestRefusals:
    @live
    @each_call
    @pytest.mark.parametrize("wrong", ["access_key", "secret_key"])
    def test_wrong_credentials_name_the_variables_and_no_secret(
        self, minio: MinioServer, s3_url: str, file: Path, call: Callable[[Store, Path], object], wrong: str
    ) -> None:
        store = open_store(s3_url, s3=settings_of(minio, **{wrong: SECRET}))
        started = time.monotonic()
        with pytest.raises(StoreAccessDenied, match="SEGUE_S3_ACCESS_KEY and SEGUE_S3_SECRET_KEY") as caught:
            call(store, file)
        assert time.monotonic() - started < 25, "an answer that was given must not be asked for again"
        told = "".join(traceback.format_exception(caught.value))
        for secret in (SECRET, minio.secret_key, "X-Amz-Signature"):
            assert secret not in told

    @live
    def test_no_credentials_at_all(self, minio: MinioServer, s3_url: str) -> None:
        store = open_store(s3_url, s3=settings_of(minio, access_key=None, secret_key=None))
        with pytest.raises(
            StoreAccessDenied, match="no credentials are set, expected them in SEGUE_S3_ACCESS_KEY"
        ):
            store.read("a")

    @live
    @pytest.mark.parametrize("name", ["write", "replace", "upload", "read", "entries", "stat"])
    def test_a_missing_bucket_is_named_with_what_to_do(
        self, minio: MinioServer, file: Path, name: str
    ) -> None:
        store = open_store("s3://no-such-bucket/x", s3=settings_of(minio))
        with pytest.raises(StoreError, match=r"bucket 'no-such-bucket' does not exist .* create it, .*mc mb"):
            CALLS[name](store, file)

    @live
    def test_a_missing_bucket_is_named_though_the_region_is_known(
        self, minio: MinioServer, file: Path
    ) -> None:
        store = open_store("s3://no-such-bucket/x", s3=settings_of(minio, region="us-east-1"))
        for name in ("write", "replace", "upload", "read", "entries"):
            with pytest.raises(StoreError, match="bucket 'no-such-bucket' does not exist"):
                CALLS[name](store, file)

    @live
    def test_a_name_that_no_bucket_can_have(self, minio: MinioServer) -> None:
        with pytest.raises(StoreError, match="Bad_Bucket"):
            open_store("s3://Bad_Bucket/x", s3=settings_of(minio)).read("a")

    @live
    def test_tls_to_a_server_that_speaks_plain_http(self, minio: MinioServer, s3_url: str) -> None:
        with pytest.raises(StoreError, match="SEGUE_S3_SECURE=false"):
            open_store(s3_url, s3=settings_of(minio, secure=True)).read("a")

    def test_nobody_there_is_said_after_retries(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        endpoint = f"127.0.0.1:{free_port()}"
        settings = S3Settings(
            endpoint=endpoint, access_key="k", secret_key=SECRET, secure=False, retry_seconds=1.0
        )
        started = time.monotonic()
        with pytest.raises(StoreUnavailable, match=f"{endpoint} did not serve .*refused"):
            open_store("s3://bucket/x", s3=settings).read("a")
        assert time.monotonic() - started < 25
        assert sum(endpoint in record.message for record in caplog.records) >= 2
        assert SECRET not in caplog.text

    def test_no_such_host(self) -> None:
        settings = S3Settings(endpoint="nowhere.invalid:9000", retry_seconds=0.0)
        with pytest.raises(StoreUnavailable, match=r"nowhere\.invalid"):
            open_store("s3://bucket/x", s3=settings).read("a")


class TestLesserNetworksAndStores:
    @live
    def test_busy_answers_are_tried_again(self, proxied: Store, proxy: Proxy) -> None:
        proxied.write("a", b"1")
        answers = iter(["busy", "html", "timeout"])
        proxy.rule = lambda _method, _path: next(answers, "pass")
        assert proxied.read("a") == b"1"
        assert [action for _, path, action in proxy.seen[-4:]] == ["busy", "html", "timeout", "pass"]

    @live
    @pytest.mark.parametrize("action", ["busy", "html", "lose answer"])
    @each_call
    def test_a_store_that_stays_busy_is_unavailable(
        self,
        *,
        minio: MinioServer,
        proxy: Proxy,
        s3_url: str,
        file: Path,
        action: str,
        call: Callable[[Store, Path], object],
    ) -> None:
        store = open_store(s3_url, s3=settings_of(minio, endpoint=proxy.endpoint, retry_seconds=0.3))
        proxy.rule = lambda _method, _path: action
        with pytest.raises(StoreUnavailable, match="after retries") as caught:
            call(store, file)
        assert "X-Amz" not in str(caught.value)

    @live
    def test_a_swap_whose_answer_is_lost_still_counts_as_won(self, proxied: Store, proxy: Proxy) -> None:
        proxied.write("pointer", b"old")
        found = proxied.read_with_version("pointer")
        assert found is not None
        lost = iter(["lose answer"])
        proxy.rule = lambda method, _path: next(lost, "pass") if method == "PUT" else "pass"
        assert proxied.replace("pointer", b"mine", found[1])
        assert proxied.read("pointer") == b"mine"
        assert [action for method, _, action in proxy.seen if method == "PUT"][-2:] == ["lose answer", "pass"]

    @live
    def test_a_lost_answer_does_not_turn_a_lost_swap_into_a_won_one(
        self, proxied: Store, proxy: Proxy
    ) -> None:
        proxied.write("pointer", b"old")
        found = proxied.read_with_version("pointer")
        assert found is not None
        proxied.write("pointer", b"somebody else's")
        lost = iter(["lose answer"])
        proxy.rule = lambda method, _path: next(lost, "pass") if method == "PUT" else "pass"
        assert not proxied.replace("pointer", b"mine", found[1])
        assert proxied.read("pointer") == b"somebody else's"

    @live
    def test_a_store_without_conditional_writes_compares_by_reading_and_says_so(
        self, proxied: Store, proxy: Proxy, caplog: pytest.LogCaptureFixture
    ) -> None:
        proxy.rule = lambda _method, _path: "no conditions"
        assert proxied.replace("pointer", b"first", None)
        assert not proxied.replace("pointer", b"second", None)
        found = proxied.read_with_version("pointer")
        assert found is not None
        assert proxied.replace("pointer", b"third", found[1])
        assert not proxied.replace("pointer", b"fourth", found[1])
        assert proxied.read("pointer") == b"third"
        assert "takes no conditional writes" in caplog.text


class TestSettings:
    def test_reads_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SEGUE_S3_ENDPOINT", "http://minio:9000/")
        monkeypatch.setenv("SEGUE_S3_ACCESS_KEY", "key")
        monkeypatch.setenv("SEGUE_S3_SECRET_KEY", SECRET)
        monkeypatch.setenv("SEGUE_S3_REGION", "")
        settings = read_settings(S3Settings)
        assert (settings.endpoint, settings.secure, settings.region) == ("minio:9000", False, None)
        assert settings.secret_key is not None
        assert settings.secret_key.get_secret_value() == SECRET

    def test_secrets_stay_out_of_every_repr(self) -> None:
        settings = S3Settings(endpoint="minio:9000", access_key="key", secret_key=SECRET)
        store = S3Store("bucket", "prefix", settings)
        for shown in (repr(settings), str(settings), repr(store), str(store), settings.model_dump_json()):
            assert SECRET not in shown
        assert repr(store) == "S3Store('s3://bucket/prefix' at 'minio:9000')"

    @pytest.mark.parametrize(
        ("variable", "value"),
        [
            ("SEGUE_S3_SECURE", "perhaps"),
            ("SEGUE_S3_RETRY_SECONDS", "-1"),
            ("SEGUE_S3_ENDPOINT", "minio:9000/path"),
            ("SEGUE_S3_ENDPOINT", "ftp://minio"),
        ],
    )
    def test_a_wrong_value_is_named(self, monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
        monkeypatch.setenv("SEGUE_S3_SECRET_KEY", SECRET)
        monkeypatch.setenv(variable, value)
        with pytest.raises(SettingsError, match=variable) as caught:
            open_store("s3://bucket")
        assert SECRET not in "".join(traceback.format_exception(caught.value))

    def test_half_of_the_credentials_is_a_mistake(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SEGUE_S3_ACCESS_KEY", "key")
        monkeypatch.delenv("SEGUE_S3_SECRET_KEY", raising=False)
        with pytest.raises(SettingsError, match="SEGUE_S3_SECRET_KEY is not set"):
            open_store("s3://bucket")
