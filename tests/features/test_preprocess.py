from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from segue.catalog.columns import SOUND
from segue.errors import TrainingError
from segue.features.preprocess import preprocess
from segue.features.split import ARTIST_SHARES, split_by_hash
from segue.features.transform import FEATURES, FeatureTransform
from segue.files import write_parquet
from tests.small_catalogue import make_tracks

FILES = ("tracks.parquet", "features.npy", "transform.json", "split.npy")


def _run(tracks: pa.Table, folder: Path, playlists: pa.Table | None = None) -> Path:
    write_parquet(folder / "in" / "tracks.parquet", tracks)
    if playlists is not None:
        write_parquet(folder / "in" / "playlists.parquet", playlists)
    preprocess(folder / "in", folder / "out")
    return folder / "out"


def test_the_order_of_the_file_does_not_matter(tmp_path: Path) -> None:
    tracks = make_tracks(1_500)
    shuffled = tracks.take(pa.array(np.random.default_rng(3).permutation(1_500)))
    left, right = _run(tracks, tmp_path / "a"), _run(shuffled, tmp_path / "b")
    for name in FILES:
        assert (left / name).read_bytes() == (right / name).read_bytes(), name


def test_rows_are_sorted_by_id_and_features_follow(tmp_path: Path) -> None:
    tracks = make_tracks(1_200)
    out = _run(tracks, tmp_path)
    written = pq.read_table(out / "tracks.parquet")
    ids = written["track_id"].to_pylist()
    assert ids == sorted(tracks["track_id"].to_pylist())
    features = np.load(out / "features.npy")
    energy = dict(zip(tracks["track_id"].to_pylist(), tracks["energy"].to_pylist(), strict=True))
    np.testing.assert_array_equal(
        features[:, FEATURES.index("energy")], np.array([energy[i] for i in ids], np.float32)
    )


def test_of_a_repeated_id_the_most_popular_row_stays(tmp_path: Path) -> None:
    tracks = make_tracks(1_200)
    again = tracks.slice(0, 3)
    position = tracks.schema.get_field_index("popularity")
    louder = again.set_column(
        position, tracks.schema.field("popularity"), pa.array([100, None, 0], pa.float32())
    )
    out = _run(pa.concat_tables([tracks, louder]), tmp_path)
    written = pq.read_table(out / "tracks.parquet")
    assert written.num_rows == 1_200
    popularity = dict(zip(written["track_id"].to_pylist(), written["popularity"].to_pylist(), strict=True))
    first = tracks["popularity"].to_pylist()
    ids = tracks["track_id"].to_pylist()
    assert [popularity[i] for i in ids[:3]] == [100, first[1], first[2]]


def test_a_missing_value_is_missing_and_a_track_without_sound_is_left_out(tmp_path: Path) -> None:
    tracks = make_tracks(1_200)
    for name in SOUND:
        values = tracks[name].to_pylist()
        values[0] = None
        if name == "energy":
            values[1] = None
        tracks = tracks.set_column(
            tracks.schema.get_field_index(name),
            tracks.schema.field(name),
            pa.array(values, tracks[name].type),
        )
    silent, partly = tracks["track_id"][0].as_py(), tracks["track_id"][1].as_py()
    out = _run(tracks, tmp_path)
    ids = pq.read_table(out / "tracks.parquet")["track_id"].to_pylist()
    assert silent not in ids
    row = np.load(out / "features.npy")[ids.index(partly)]
    assert np.isnan(row[FEATURES.index("energy")])
    assert np.isfinite(row[FEATURES.index("valence")])


def test_the_transform_learns_from_training_artists_alone(tmp_path: Path) -> None:
    tracks = make_tracks(2_000)
    held_out = split_by_hash([name.lower() for name in tracks["artist_name"].to_pylist()], ARTIST_SHARES) > 0
    energy = np.where(held_out, 0.0, tracks["energy"].to_numpy()).astype(np.float32)
    changed = tracks.set_column(
        tracks.schema.get_field_index("energy"), tracks.schema.field("energy"), pa.array(energy)
    )
    left, right = _run(tracks, tmp_path / "a"), _run(changed, tmp_path / "b")
    assert (left / "transform.json").read_bytes() == (right / "transform.json").read_bytes()
    assert (left / "features.npy").read_bytes() != (right / "features.npy").read_bytes()


def test_genre_codes_point_into_the_vocabulary(tmp_path: Path) -> None:
    out = _run(make_tracks(1_500), tmp_path)
    transform = FeatureTransform.model_validate_json((out / "transform.json").read_bytes())
    codes = np.load(out / "features.npy")[:, FEATURES.index("genre")].astype(int)
    genres = pq.read_table(out / "tracks.parquet")["genre"].to_pylist()
    assert [transform.genres[code] for code in codes] == genres


def test_playlists_become_rows_of_the_index(tmp_path: Path) -> None:
    tracks = make_tracks(1_200)
    ids = tracks["track_id"].to_pylist()
    playlists = pa.table(
        {
            "playlist_id": ["b", "b", "b", "a", "a"],
            "track_id": [ids[5], ids[5], ids[9], ids[0], "nowhere"],
        }
    )
    out = _run(tracks, tmp_path, playlists)
    written = pq.read_table(out / "playlists.parquet")
    order = sorted(ids)
    expected = sorted([("b", order.index(ids[5])), ("b", order.index(ids[9])), ("a", order.index(ids[0]))])
    assert (
        list(zip(written["playlist_id"].to_pylist(), written["track"].to_pylist(), strict=True)) == expected
    )
    assert pc.count_distinct(written["split"].filter(pc.equal(written["playlist_id"], "b"))).as_py() == 1


def test_too_small_a_catalogue_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"999 usable tracks and at least 1,000"):
        _run(make_tracks(999), tmp_path)
    assert not (tmp_path / "out").exists()
