"""Where a catalogue comes from: files, folders, globs, the web, an object store, Kaggle."""

import csv
import gzip
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from segue.catalog.fetch import fetched
from segue.catalog.ingest import examine, ingest
from segue.errors import CatalogError, StoreAccessDenied, StoreError, StoreUnavailable
from tests.catalog.rows import as_csv, column, row, rows, write_csv
from tests.live_services import MinioServer, free_port

DATA = as_csv(rows(300))


class _Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/moved":
            self._answer(302, b"", Location="/files/tracks%20of%202024.csv.gz")
        elif path.endswith(".csv.gz"):
            self._answer(200, gzip.compress(DATA))
        elif path == "/login":
            self._answer(200, b"<!DOCTYPE html><html>Please log in</html>")
        elif path == "/broken.csv":
            self._answer(200, DATA[:1000], **{"Content-Length": str(len(DATA))})
            self.close_connection = True
        else:
            self._answer(404, b"no such page")

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_folder_is_read_in_order_of_name(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "more").mkdir(parents=True)
    write_csv(folder / "b.csv.gz", [row(3), row(4, energy="8")])
    write_csv(folder / "a.csv", [row(1), row(2)])
    write_csv(folder / "more" / "c.csv", [row(5)])
    ingest(str(write_csv(tmp_path / "d.csv", [row(6)])), tmp_path / "other")
    (tmp_path / "other" / "tracks.parquet").rename(folder / "more" / "d.parquet")
    for ignored in ("_SUCCESS", ".hidden.csv", "notes.txt"):
        (folder / ignored).write_text("not a catalogue")
    profile = ingest(str(folder), tmp_path / "out")
    assert column(tmp_path / "out", "track_id") == ["t1", "t2", "t3", "t5", "t6"]
    assert [file.name for file in profile.files] == ["a.csv", "b.csv.gz", "more/c.csv", "more/d.parquet"]
    assert [file.rows for file in profile.files] == [2, 2, 1, 1]
    assert profile.source == "a.csv and 3 more"
    assert profile.layout == "mixed"
    (example,) = profile.reasons[0].examples
    assert (example.file, example.row) == ("b.csv.gz", 2)


def test_the_sum_of_several_files_is_that_of_their_sums(tmp_path: Path) -> None:
    import hashlib

    for name in ("a.csv", "b.csv"):
        write_csv(tmp_path / name, [row(track_name=name)])
    profile = examine(str(tmp_path / "*.csv"))
    listing = "".join(
        f"{hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()}  {name}\n"
        for name in ("a.csv", "b.csv")
    )
    assert profile.sha256 == hashlib.sha256(listing.encode()).hexdigest()


def test_globs_reach_into_folders_and_name_files_apart(tmp_path: Path) -> None:
    for folder in ("2023", "2024"):
        (tmp_path / folder).mkdir()
        write_csv(tmp_path / folder / "tracks.csv", rows(2))
    profile = examine(str(tmp_path / "**" / "*.csv"))
    assert [file.name for file in profile.files] == ["2023/tracks.csv", "2024/tracks.csv"]
    assert profile.duplicate_ids == 2


def test_a_file_may_have_a_globs_signs_in_its_name(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "tracks[1]*.csv", rows(2))
    assert examine(str(source)).source == "tracks[1]*.csv"
    assert examine(source.as_uri()).rows_kept == 2


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("", "no catalogue was given"),
        ("{tmp}/none.csv", "there is no such file or folder"),
        ("{tmp}/*.csv", "no file matches"),
        ("{tmp}", "holds no .csv, .csv.gz, .parquet file"),
        ("ftp://host/a.csv", "ftp:// is not a source"),
        ("kaggle://owner", "expected kaggle://owner/dataset"),
        ("s3://", "expected s3://bucket/key"),
        ("https://", "could not be fetched"),
    ],
)
def test_a_source_that_is_none_is_named(tmp_path: Path, source: str, told: str) -> None:
    with pytest.raises(CatalogError, match=told.replace("*", r"\*")):
        examine(source.format(tmp=tmp_path))


def test_a_file_in_a_folder_that_is_no_catalogue_is_an_error(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", rows(2))
    (tmp_path / "artists.csv").write_text("id,followers\n1,2\n")
    with pytest.raises(CatalogError, match=r"artists\.csv: required columns missing"):
        examine(str(tmp_path))


def test_the_web_is_read_redirects_followed(web: str, tmp_path: Path) -> None:
    seen: list[tuple[int, int, int]] = []
    profile = ingest(f"{web}/moved", tmp_path / "out", progress=lambda *at: seen.append(at))
    assert profile.rows_kept == 300
    assert profile.source == "moved"
    assert seen[0][0] == 0
    assert seen[-1] == (300, len(gzip.compress(DATA)), len(gzip.compress(DATA)))


def test_the_same_file_from_the_web_and_from_here_has_one_digest(web: str, tmp_path: Path) -> None:
    (tmp_path / "tracks of 2024.csv.gz").write_bytes(gzip.compress(DATA, mtime=0))
    here = examine(str(tmp_path / "tracks of 2024.csv.gz"))
    there = examine(f"{web}/files/tracks%20of%202024.csv.gz?token=secret")
    assert there.source == here.source
    assert {**there.model_dump(), "sha256": "", "files": []} == {
        **here.model_dump(),
        "sha256": "",
        "files": [],
    }


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("/none.csv?key=hush", "HTTP 404"),
        ("/login", "HTML page"),
        ("/broken.csv", "could not be fetched"),
    ],
)
def test_what_the_web_refuses_is_told_without_secrets(web: str, page: str, told: str) -> None:
    with pytest.raises(CatalogError, match=told) as error:
        examine(web + page)
    assert "hush" not in str(error.value)


def test_a_server_that_is_away_is_told() -> None:
    address = f"127.0.0.1:{free_port()}/tracks.csv"
    with pytest.raises(CatalogError, match=f"^http://{address}: could not be fetched"):
        examine(f"http://ann:secret@{address}?token=secret")


def test_downloads_are_deleted(web: str) -> None:
    with fetched(f"{web}/files/a.csv.gz") as files:
        path = files[0].path
        assert path.is_file()
    assert not path.exists()


def test_kaggle_without_its_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(CatalogError, match=r"pip install 'segue\[kaggle\]'"):
        examine("kaggle://owner/dataset")


@pytest.fixture
def kaggle_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data set as kagglehub leaves it in its cache; a version that is there needs no network."""
    pytest.importorskip("kagglehub", reason="kagglehub is not installed: pip install 'segue[kaggle]'")
    cache = tmp_path / "cache" / "datasets" / "owner" / "songs"
    (cache / "versions" / "3").mkdir(parents=True)
    (cache / "3.complete").touch()
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DISABLE_COLAB_CACHE", "true")
    return cache / "versions" / "3"


def test_of_a_kaggle_data_set_the_files_that_are_catalogues_are_read(kaggle_cache: Path) -> None:
    write_csv(kaggle_cache / "tracks.csv", rows(7))
    (kaggle_cache / "artists.csv").write_text("id,followers\n1,2\n")
    (kaggle_cache / "dict_artists.json").write_text("{}")
    profile = examine("kaggle://owner/songs/versions/3")
    assert (profile.source, profile.rows_kept) == ("tracks.csv", 7)


def test_a_kaggle_data_set_without_a_catalogue_names_what_its_files_lack(kaggle_cache: Path) -> None:
    (kaggle_cache / "artists.csv").write_text("id,followers\n1,2\n")
    with pytest.raises(CatalogError, match=r"artists\.csv: required columns missing"):
        examine("kaggle://owner/songs/versions/3")


def _use(minio: MinioServer, monkeypatch: pytest.MonkeyPatch, **changes: str) -> None:
    monkeypatch.delenv("SEGUE_S3_REGION", raising=False)
    for name, value in {**minio.variables, **changes}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def bucket(minio: MinioServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    from minio import Minio

    _use(minio, monkeypatch)
    url = minio.make_bucket("catalogues")
    client = Minio(minio.endpoint, minio.access_key, minio.secret_key, secure=False)
    for name, numbers in (("2024/a.csv.gz", (1, 2)), ("2024/b ü.csv", (3,)), ("2023/c.csv", (4,))):
        path = write_csv(tmp_path / name.rpartition("/")[2], [row(number) for number in numbers])
        client.fput_object("catalogues", name, str(path))
    client.fput_object("catalogues", "2024/_SUCCESS", str(path))
    return url


@pytest.mark.live
@pytest.mark.parametrize(
    ("key", "ids", "names"),
    [
        ("2024/a.csv.gz", ["t1", "t2"], ["a.csv.gz"]),
        ("2024/", ["t1", "t2", "t3"], ["a.csv.gz", "b ü.csv"]),
        ("", ["t4", "t1", "t2", "t3"], ["2023/c.csv", "2024/a.csv.gz", "2024/b ü.csv"]),
        ("2024/*.csv", ["t3"], ["b ü.csv"]),
        ("202?/*.csv", ["t4", "t3"], ["2023/c.csv", "2024/b ü.csv"]),
    ],
)
def test_an_object_a_prefix_or_a_glob_is_read_from_s3(
    bucket: str, tmp_path: Path, key: str, ids: list[str], names: list[str]
) -> None:
    profile = ingest(f"{bucket}/{key}", tmp_path / "out")
    assert column(tmp_path / "out", "track_id") == ids
    assert [file.name for file in profile.files] == names


@pytest.mark.live
def test_what_s3_refuses_is_told(bucket: str, minio: MinioServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StoreError, match="no such object"):
        examine(f"{bucket}/none.csv")
    with pytest.raises(StoreError, match="'no-such-bucket' does not exist"):
        examine("s3://no-such-bucket/a.csv")
    with pytest.raises(CatalogError, match="no object matches"):
        examine(f"{bucket}/2024/*.parquet")
    _use(minio, monkeypatch, SEGUE_S3_SECRET_KEY="wrong-secret")
    with pytest.raises(StoreAccessDenied, match="SEGUE_S3_SECRET_KEY") as error:
        examine(f"{bucket}/2024/a.csv.gz")
    assert "wrong-secret" not in str(error.value)
    _use(minio, monkeypatch, SEGUE_S3_ENDPOINT=f"127.0.0.1:{free_port()}")
    with pytest.raises(StoreUnavailable):
        examine(f"{bucket}/2024/a.csv.gz")


def test_a_sample_is_made_up_on_the_spot_and_its_playlists_fit_it() -> None:
    with fetched("sample://2000") as [catalog], fetched("sample://2000/playlists") as [playlists]:
        with catalog.path.open(newline="", encoding="utf-8") as file:
            tracks = {row[3] for row in csv.reader(file) if len(row) > 3}
        members = [line.split(",")[1] for line in playlists.path.read_text().splitlines()[1:]]
        assert (catalog.name, playlists.name) == ("catalog.csv", "playlists.csv")
        assert sum(member in tracks for member in members) > 0.99 * len(members) > 0
    assert not catalog.path.exists()


@pytest.mark.parametrize("source", ["sample://", "sample://many", "sample://5", "sample://2000/albums"])
def test_a_sample_that_can_not_be_made_says_what_can(source: str) -> None:
    with (
        pytest.raises(CatalogError, match="expected sample://ROWS or sample://ROWS/playlists"),
        fetched(source),
    ):
        pass
