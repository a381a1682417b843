"""Open bundles: in place or through the cache, checked before first use, with stand-ins for a bad one."""

from __future__ import annotations

import hashlib
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest

from segue.bundle.channel import Channel, read_channel
from segue.bundle.definition import FILES
from segue.bundle.reader import open_bundle, resolve
from segue.errors import BundleError, ChannelError, ChecksumError, StoreUnavailable
from segue.store.base import Store
from segue.store.open import open_store
from tests.bundle.tiny import parts, publish_tiny
from tests.live_services import MinioServer
from tests.stores import settings_of


class TestResolve:
    def test_a_channel_names_its_champion_and_who_stands_in(self, store: Store, tmp_path: Path) -> None:
        one, two = (publish_tiny(store, tmp_path, label).digest for label in ("one", "two"))
        found = resolve(f"{store.url}/channels/champion")
        assert found.digest == two
        assert [place.digest for place in found.places] == [two, one]
        assert found.channel == read_channel(store, "champion")

    def test_an_empty_channel_is_a_state(self, store: Store) -> None:
        found = resolve(f"{store.url}/channels/champion")
        assert (found.digest, found.places) == (None, ())
        assert found.channel is not None
        assert found.channel.generation == 0
        with pytest.raises(ChannelError, match="its store has no channel"):
            open_bundle(f"{store.url}/channels/champion")
        held = Channel().with_pin(True, by="ann", reason="not yet")
        store.write("channels/champion.json", held.model_dump_json().encode())
        assert resolve(f"{store.url}/channels/champion").digest is None
        with pytest.raises(ChannelError, match=r"no bundle yet: channel .*/channels/champion is empty"):
            open_bundle(f"{store.url}/channels/champion")
        with pytest.raises(ChannelError, match=r"/champoin is empty.*; its store has channel champion$"):
            open_bundle(f"{store.url}/channels/champoin")

    def test_a_prefix_of_a_digest(self, store: Store, tmp_path: Path) -> None:
        digest = publish_tiny(store, tmp_path, "one").digest
        assert resolve(f"{store.url}/bundles/{digest[:8]}").digest == digest
        other = digest[:7] + ("0" if digest[7] != "0" else "1")
        with pytest.raises(BundleError, match=f"no bundle starts with {other}"):
            resolve(f"{store.url}/bundles/{other}")


class TestOpen:
    def test_gives_the_bytes_that_were_published(self, store: Store, tmp_path: Path) -> None:
        made = parts(tmp_path, "one")
        digest = publish_tiny(store, tmp_path, "one").digest
        for url in (f"{store.url}/channels/champion", f"{store.url}/bundles/{digest}"):
            files = open_bundle(url)
            assert files.digest == digest
            assert sorted(files.definition.files) == sorted(FILES)
            assert {name: files.path(name).read_bytes() for name in FILES} == {
                name: path.read_bytes() for name, path in made.items()
            }
            assert files.refused == ()
        assert "tracks.parquet" in files
        assert "relevance.txt" not in files

    def test_a_file_that_the_bundle_has_not_is_named(self, store: Store, tmp_path: Path) -> None:
        publish_tiny(store, tmp_path, "one")
        files = open_bundle(f"{store.url}/channels/champion", need=["popularity.txt", "relevance.txt"])
        with pytest.raises(BundleError, match=r"has no relevance\.txt: its files are embedding\.npy,"):
            files.path("relevance.txt")
        with pytest.raises(BundleError, match=r"has no typo\.npy"):
            open_bundle(f"{store.url}/channels/champion", need=["typo.npy"])

    @pytest.mark.parametrize(
        ("content", "kind", "told"),
        [
            (b"x" * 200, ChecksumError, "index.faiss has sha256"),
            (b"x" * 199, ChecksumError, "index.faiss has 199 bytes, expected 200"),
            (None, BundleError, "index.faiss is missing"),
        ],
        ids=["corrupt", "truncated", "missing"],
    )
    def test_a_bad_file_is_refused_before_its_first_use_and_not_before(
        self, *, store: Store, tmp_path: Path, content: bytes | None, kind: type[Exception], told: str
    ) -> None:
        digest = publish_tiny(store, tmp_path, "one").digest
        key = f"bundles/{digest}/index.faiss"
        store.delete(key) if content is None else store.write(key, content)
        files = open_bundle(f"{store.url}/bundles/{digest}")
        assert files.path("tracks.parquet").stat().st_size == 200
        with pytest.raises(kind, match=told.replace(".", r"\.")):
            files.path("index.faiss")
        with pytest.raises(kind):
            open_bundle(f"{store.url}/bundles/{digest}", need=None)

    def test_a_bad_definition_is_refused(self, store: Store, tmp_path: Path) -> None:
        digest = publish_tiny(store, tmp_path, "one").digest
        url, key = f"{store.url}/bundles/{digest}", f"bundles/{digest}/bundle.json"
        raw = store.read(key)
        store.write(key, raw.replace(b'"tracks":3', b'"tracks":4'))
        with pytest.raises(ChecksumError, match=r"bundle\.json was changed"):
            open_bundle(url)
        store.write(key, raw[:-20])
        with pytest.raises(ChecksumError, match=r"bundle\.json was changed"):
            open_bundle(url)
        store.delete(key)
        with pytest.raises(BundleError, match=r"holds no bundle\.json"):
            open_bundle(url)

    @pytest.mark.parametrize(
        ("raw", "told"),
        [
            (b"this is no JSON", "is not JSON"),
            (b'{"schema_version": 3}', "schema_version is 3, this version of Segue reads 1 and 2"),
            (b"[1]", "schema_version is None"),
            (b'{"schema_version": 1}', "catalog_profile: Field required"),
        ],
    )
    def test_a_definition_that_this_version_cant_read(self, store: Store, raw: bytes, told: str) -> None:
        digest = hashlib.sha256(raw).hexdigest()
        store.write(f"bundles/{digest}/bundle.json", raw)
        with pytest.raises(BundleError, match=told):
            open_bundle(f"{store.url}/bundles/{digest}")

    def test_names_of_files_never_lead_out_of_the_cache(self, store: Store, tmp_path: Path) -> None:
        digest = publish_tiny(store, tmp_path, "one").digest
        found = orjson.loads(store.read(f"bundles/{digest}/bundle.json"))
        found["files"]["../../evil"] = found["files"].pop("index.faiss")
        raw = orjson.dumps(found)
        evil = hashlib.sha256(raw).hexdigest()
        store.write(f"bundles/{evil}/bundle.json", raw)
        with pytest.raises(BundleError, match="can't be the name of a file"):
            open_bundle(f"{store.url}/bundles/{evil}")


class TestStandIns:
    def test_a_broken_champion_gives_way_to_the_first_good_one_before_it(
        self, store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        one, two, three = (publish_tiny(store, tmp_path, label).digest for label in ("one", "two", "three"))
        store.write(f"bundles/{three}/index.faiss", b"x" * 200)
        store.delete(f"bundles/{two}/bundle.json")
        url = f"{store.url}/channels/champion"
        files = open_bundle(url, need=["index.faiss"])
        assert files.digest == one
        assert len(files.refused) == 2
        assert "index.faiss has sha256" in files.refused[0]
        assert "holds no bundle.json" in files.refused[1]
        assert "refused a bundle" in caplog.text
        assert open_bundle(url, need=["tracks.parquet"]).digest == three, "it does not need the broken file"

    def test_when_all_are_broken_the_champion_is_what_is_told(self, store: Store, tmp_path: Path) -> None:
        digests = [publish_tiny(store, tmp_path, label).digest for label in ("one", "two")]
        for digest in digests:
            store.delete(f"bundles/{digest}/bundle.json")
        with pytest.raises(BundleError, match=f"{digests[1]} holds no .* all 1 bundles before it fail"):
            open_bundle(f"{store.url}/channels/champion")

    def test_a_bundles_own_address_has_no_stand_in(self, store: Store, tmp_path: Path) -> None:
        publish_tiny(store, tmp_path, "one")
        two = publish_tiny(store, tmp_path, "two").digest
        store.delete(f"bundles/{two}/bundle.json")
        with pytest.raises(BundleError, match=two):
            open_bundle(f"{store.url}/bundles/{two}")


class TestDirectory:
    def test_is_read_in_place(self, tmp_path: Path) -> None:
        store = open_store(str(tmp_path / "store"))
        digest = publish_tiny(store, tmp_path, "one").digest
        files = open_bundle(f"{tmp_path}/store/channels/champion", cache=tmp_path / "cache")
        assert files.path("index.faiss") == tmp_path / "store" / "bundles" / digest / "index.faiss"
        assert not (tmp_path / "cache").exists()

    def test_a_mounted_folder_is_a_bundle(self, tmp_path: Path) -> None:
        store = open_store(str(tmp_path / "store"))
        digest = publish_tiny(store, tmp_path, "one").digest
        mounted = tmp_path / "mnt" / "models"
        shutil.copytree(tmp_path / "store" / "bundles" / digest, mounted)
        files = open_bundle(str(mounted))
        assert files.digest == digest
        assert files.path("index.faiss") == mounted / "index.faiss"
        (mounted / "index.faiss").write_bytes(b"x" * 200)
        with pytest.raises(ChecksumError):
            open_bundle(str(mounted)).path("index.faiss")
        assert open_bundle(str(mounted), verify=False).path("index.faiss").read_bytes() == b"x" * 200
        (mounted / "bundle.json").write_bytes(b"not json")
        with pytest.raises(BundleError, match="not JSON"):
            open_bundle(str(mounted))


@pytest.mark.live
class TestCache:
    @pytest.fixture
    def url(self, minio: MinioServer, s3_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
        for name, value in minio.variables.items():
            monkeypatch.setenv(name, value)
        publish_tiny(s3_url, tmp_path, "one")
        return f"{s3_url}/channels/champion"

    def test_holds_what_was_asked_for_and_nothing_half(self, url: str, tmp_path: Path) -> None:
        files = open_bundle(url, cache=tmp_path / "cache")
        folder = tmp_path / "cache" / files.digest
        assert [path.name for path in folder.iterdir()] == ["bundle.json"]
        assert files.path("index.faiss") == folder / "index.faiss"
        assert sorted(path.name for path in folder.iterdir()) == ["bundle.json", "index.faiss"]

    def test_is_where_the_variable_says(
        self, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SEGUE_CACHE_DIR", str(tmp_path / "elsewhere"))
        files = open_bundle(url)
        assert files.path("index.faiss") == tmp_path / "elsewhere" / files.digest / "index.faiss"

    def test_mends_what_was_damaged_in_it(self, url: str, tmp_path: Path) -> None:
        path = open_bundle(url, cache=tmp_path / "cache").path("index.faiss")
        good = path.read_bytes()
        for damage in (b"x" * 200, b"short"):
            path.write_bytes(damage)
            assert open_bundle(url, cache=tmp_path / "cache").path("index.faiss").read_bytes() == good
        (path.parent / "bundle.json").write_bytes(b"{}")
        assert open_bundle(url, cache=tmp_path / "cache").digest == path.parent.name

    def test_serves_while_the_store_is_away(self, url: str, tmp_path: Path, minio: MinioServer) -> None:
        files = open_bundle(url, cache=tmp_path / "cache", need=None)
        settings = settings_of(minio, retry_seconds=0.2)
        minio.kill()
        try:
            own = url.replace("channels/champion", f"bundles/{files.digest}")
            kept = open_bundle(own, cache=tmp_path / "cache", need=None, s3=settings)
            assert kept.path("index.faiss").stat().st_size == 200
            with pytest.raises(StoreUnavailable):
                open_bundle(own, cache=tmp_path / "empty", s3=settings)
            with pytest.raises(StoreUnavailable):
                open_bundle(url, cache=tmp_path / "cache", s3=settings)
        finally:
            minio.start()

    def test_many_readers_at_once_get_whole_files(self, url: str, tmp_path: Path) -> None:
        barrier = threading.Barrier(8)

        def read(_number: int) -> bytes:
            barrier.wait()
            files = open_bundle(url, cache=tmp_path / "cache", need=None)
            return b"".join(files.path(name).read_bytes() for name in sorted(FILES))

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(read, range(8)))) == 1
        assert not list((tmp_path / "cache").rglob(".*.*"))
