"""A bundle that does not fit together is refused, by the gateway and by the library in the same words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from segue.bundle.reader import open_bundle
from segue.errors import BundleError
from segue.recommend.model import Bundle
from serving.gateway.catalogue import FILES, Catalogue
from serving.gateway.served_catalogue import ServedCatalogue
from tests.gateway.conftest import ROWS
from tests.serving.conftest import BundleStore, Family


def rubbish(_: Path, to: Path) -> None:
    to.write_bytes(b"rubbish" * 40)


def array(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path, Path], None]:
    def write(source: Path, to: Path) -> None:
        with to.open("wb") as file:
            np.save(file, change(np.load(source)))

    return write


def without_images(source: Path, to: Path) -> None:
    pq.write_table(pq.read_table(source).drop_columns(["album_id", "image_url"]), to)


def one_track_less(source: Path, to: Path) -> None:
    pq.write_table(pq.read_table(source).slice(1), to)


BROKEN = [
    ("transform.json", rubbish, "transform.json can't be read: 1 validation error for FeatureTransform"),
    ("tracks.parquet", rubbish, "tracks.parquet can't be read: "),
    (
        "tracks.parquet",
        without_images,
        "tracks.parquet can't be read: it lacks the columns album_id, image_url",
    ),
    ("tracks.parquet", one_track_less, f"tracks.parquet has {ROWS - 1} rows, expected {ROWS}"),
    ("features.npy", rubbish, "features.npy can't be read: "),
    ("features.npy", array(lambda all: all[1:]), f"features.npy has {ROWS - 1} rows, expected {ROWS}"),
    ("features.npy", array(lambda all: all[:, 1:]), "features.npy has 15 columns, expected 16"),
    ("features.npy", array(lambda all: all.astype(float)), "expected a matrix of float32, got float64"),
    ("embedding.npy", array(lambda all: all[1:]), f"embedding.npy has {ROWS - 1} rows, expected {ROWS}"),
    ("embedding.npy", array(lambda all: all[:, 0]), "expected a matrix of float32, got float32 of 1"),
]


@pytest.mark.parametrize(("name", "write", "message"), BROKEN)
def test_it_refuses_what_the_library_refuses_in_the_same_words(
    gateway_families: list[Family],
    tmp_path: Path,
    name: str,
    write: Callable[[Path, Path], None],
    message: str,
) -> None:
    whole = gateway_families[0]
    write(whole.parts[name], tmp_path / name)
    broken = Family(whole.steps, {**whole.parts, name: tmp_path / name})
    bundle_store = BundleStore(tmp_path / "store", [broken, broken])
    bundle_store.publish(0)
    files = open_bundle(bundle_store.channel_url, need=FILES)
    with pytest.raises(BundleError) as of_gateway:
        Catalogue(files)
    with pytest.raises(BundleError) as of_library:
        Bundle(files.definition, files.path)
    assert str(of_gateway.value) == str(of_library.value)
    assert str(of_gateway.value).startswith(f"bundle {files.digest[:12]}: ")
    assert message in str(of_gateway.value)


def test_it_reads_no_column_that_it_does_not_show(served: ServedCatalogue) -> None:
    columns = served.columns
    assert set(columns) == {
        *("track_id", "track_name", "artist_name", "album_name", "genre", "year", "popularity"),
        *("explicit", "image_url", "preview_url", "album_id", "artist_id", "recording", "artist"),
    }
    kept_as_codes = {name for name, column in columns.items() if hasattr(column, "dictionary")}
    assert kept_as_codes == {"genre", "artist_name", "album_name", "album_id", "artist_id", "image_url"}
