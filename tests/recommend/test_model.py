"""An opened bundle: what it reads of its files, and the files that it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segue.bundle.definition import Block
from segue.errors import BundleError
from segue.recommend.bundle_data import BundleData
from segue.recommend.model import Bundle
from segue.throttle import Throttle
from tests.recommend.hand_made import FEATURES, NAN, Track, id_of, line, make_bundle

TRACKS = [
    Track(0, 1, 10, "Björk", "rap", 1990, title="Jóga"),
    Track(2, 3, NAN, "Abba", None, NAN, title="Ring Ring"),
    Track(1, 1, 30, "Abba", "ambient", 2001, 1, title="한국", recording=4),
]


def test_a_bundle_holds_what_its_files_do(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path, TRACKS)
    assert bundle.size == 3
    assert bundle.digest == bundle.definition.digest
    assert bundle.artist.tolist() == [1, 0, 0]
    assert bundle.recording.tolist() == [1000, 1001, 4]
    # a genre that is missing has no code
    assert bundle.genre.tolist() == [2, -1, 0]
    assert bundle.genre.dtype == np.int16
    np.testing.assert_array_equal(bundle.popularity, [10, NAN, 30])
    assert bundle.embedding.tolist() == [[0, 1], [2, 3], [1, 1]]
    np.testing.assert_array_equal(bundle.feature("year"), [1990, NAN, 2001])
    assert bundle.feature("valence").tolist() == [1, 3, 1]
    assert bundle.feature("valence").flags["C_CONTIGUOUS"]
    assert list(bundle.columns) == [
        "track_id",
        "track_name",
        "artist_name",
        "popularity",
        "recording",
        "artist",
    ]


def test_cells_are_read_one_or_several_at_a_time(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path, TRACKS)
    assert bundle.value("track_name", 2) == "한국"
    assert bundle.values("track_name", np.array([2, 0])) == ["한국", "Jóga"]
    assert bundle.values("artist_name", np.array([], np.int64)) == []
    assert bundle.value("track_id", 1) == id_of(1)


def test_columns_of_few_values_are_kept_as_dictionaries(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path, TRACKS)
    columns = ("track_id", "artist_name", "popularity", "recording", "artist")
    data = BundleData(bundle.definition, bundle.path, columns, repeated=["artist_name"])
    assert pa.types.is_dictionary(data.columns["artist_name"].type)
    assert data.columns["artist_name"].to_pylist() == ["Björk", "Abba", "Abba"]
    assert data.columns["track_id"].type == bundle.columns["track_id"].type


def test_rows_are_found_by_what_a_person_knows(tmp_path: Path) -> None:
    lookup = make_bundle(tmp_path, TRACKS).lookup
    assert [lookup.row_of(id_of(row)) for row in (0, 1, 2, 3)] == [0, 1, 2, None]
    assert [lookup.artist_number(name) for name in ("bjork", "ABBA", "Cher", "zz")] == [1, 0, None, None]
    assert lookup.rows_of_artist_number(0).tolist() == [2, 1]
    assert lookup.top_of_genre(2, 5).tolist() == [0]


def test_a_bundle_opened_slowly_is_the_same(tmp_path: Path) -> None:
    quick = make_bundle(tmp_path, TRACKS)
    slow = Bundle(quick.definition, tmp_path.joinpath, Throttle(0.5))
    assert slow.values("track_name", np.arange(3)) == ["Jóga", "Ring Ring", "한국"]
    np.testing.assert_array_equal(slow.popularity, quick.popularity)
    assert slow.lookup.artist_number("abba") == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tracks": 4}, "tracks.parquet has 3 rows, expected 4"),
        ({"features": list(FEATURES[:-2] + FEATURES[-1:])}, "features.npy has 9 columns, expected 8"),
        (
            {
                "blocks": [
                    Block(name="a", start=0, width=1, weight=1),
                    Block(name="b", start=1, width=2, weight=1),
                ]
            },
            "embedding.npy has 2 columns, expected 3",
        ),
    ],
)
def test_a_definition_that_its_files_do_not_fit_is_refused(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(BundleError) as caught:
        make_bundle(tmp_path, TRACKS, changes=changes)
    assert str(caught.value).startswith("bundle ")
    assert str(caught.value).endswith(f": {said}")
    assert len(str(caught.value).split(":", maxsplit=1)[0].removeprefix("bundle ")) == 12


@pytest.mark.parametrize(
    ("name", "rows", "said"),
    [
        ("features.npy", np.zeros((2, len(FEATURES)), np.float32), "features.npy has 2 rows, expected 3"),
        ("embedding.npy", np.zeros((4, 2), np.float32), "embedding.npy has 4 rows, expected 3"),
    ],
)
def test_an_array_of_another_length_is_refused(
    tmp_path: Path, name: str, rows: np.ndarray, said: str
) -> None:
    definition = make_bundle(tmp_path, TRACKS).definition
    np.save(tmp_path / name, rows)
    with pytest.raises(BundleError, match=said.replace(".", r"\.")):
        Bundle(definition, tmp_path.joinpath)


def test_an_index_of_another_catalogue_is_refused(tmp_path: Path) -> None:
    good = make_bundle(tmp_path / "good", TRACKS)
    make_bundle(tmp_path / "longer", line(1, 2, 3, 4))
    index = tmp_path / "good" / "index.faiss"
    index.unlink()
    index.write_bytes((tmp_path / "longer" / "index.faiss").read_bytes())
    with pytest.raises(BundleError, match=r"index\.faiss has 4 rows, expected 3"):
        Bundle(good.definition, (tmp_path / "good").joinpath)


def test_an_index_of_another_width_is_refused(tmp_path: Path) -> None:
    import faiss

    good = make_bundle(tmp_path, TRACKS)
    other = faiss.IndexFlatL2(5)
    other.add(np.zeros((3, 5), np.float32))
    (tmp_path / "index.faiss").unlink()
    faiss.write_index(other, str(tmp_path / "index.faiss"))
    with pytest.raises(BundleError, match=r"index\.faiss has 5 columns, expected 2"):
        Bundle(good.definition, tmp_path.joinpath)


def test_an_index_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    good = make_bundle(tmp_path, TRACKS)
    (tmp_path / "index.faiss").unlink()
    (tmp_path / "index.faiss").write_bytes(b"not an index")
    with pytest.raises(BundleError, match=r"index\.faiss can't be read"):
        Bundle(good.definition, tmp_path.joinpath)


def reason(root: Path, name: str) -> str:
    """Why a bundle can't be opened after one of its files was replaced."""
    good = make_bundle(root, TRACKS).definition
    (root / "new").rename(root / name)
    with pytest.raises(BundleError) as caught:
        Bundle(good, root.joinpath)
    before, _, after = str(caught.value).partition(f": {name} can't be read: ")
    assert before == f"bundle {good.digest[:12]}"
    return after


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((3, len(FEATURES))), "got float64 of 2 dimensions"),
        (np.zeros(3, np.float32), "got float32 of 1 dimensions"),
    ],
)
def test_an_array_that_is_no_matrix_of_float32_is_refused(
    tmp_path: Path, array: np.ndarray, said: str
) -> None:
    with (tmp_path / "new").open("wb") as file:
        np.save(file, array)
    assert reason(tmp_path, "features.npy") == f"expected a matrix of float32, {said}"


def test_of_a_long_error_the_first_line_is_said(tmp_path: Path) -> None:
    (tmp_path / "new").write_text("{}")
    assert reason(tmp_path, "transform.json").endswith(" validation errors for FeatureTransform")


def test_columns_that_the_tracks_lack_are_named(tmp_path: Path) -> None:
    make_bundle(tmp_path / "whole", TRACKS)
    table = pq.read_table(tmp_path / "whole" / "tracks.parquet")
    pq.write_table(table.drop_columns(["popularity", "artist_name"]), tmp_path / "new")
    assert reason(tmp_path, "tracks.parquet") == "it lacks the columns artist_name, popularity"


def test_tracks_of_several_row_groups_are_all_read(tmp_path: Path) -> None:
    whole = make_bundle(tmp_path, TRACKS)
    table = pq.read_table(tmp_path / "tracks.parquet")
    (tmp_path / "tracks.parquet").unlink()
    pq.write_table(table, tmp_path / "tracks.parquet", row_group_size=2)
    columns = ("track_id", "artist_name", "popularity", "recording", "artist")
    data = BundleData(whole.definition, tmp_path.joinpath, columns, repeated=["artist_name"])
    assert data.columns["artist_name"].to_pylist() == ["Björk", "Abba", "Abba"]
    assert data.columns["track_id"].to_pylist() == [id_of(0), id_of(1), id_of(2)]
    assert data.recording.tolist() == [1000, 1001, 4]
