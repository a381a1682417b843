"""The four public layouts, and the aliases that a user adds."""

import re
from pathlib import Path

import pyarrow as pa
import pytest

from segue.catalog.columns import COLUMNS, arrow_schema
from segue.catalog.ingest import ingest
from segue.catalog.layouts import ALIASES, INTERACTION_ALIASES, MULTI_VALUED, read_alias
from segue.errors import CatalogError
from tests.catalog.rows import ROW, column, row, rows, tracks, write_csv, write_parquet

SOUND = {
    "danceability": "0.676",
    "energy": "0.461",
    "key": "1",
    "loudness": "-6.746",
    "mode": "0",
    "speechiness": "0.143",
    "acousticness": "0.0322",
    "instrumentalness": "1.01e-06",
    "liveness": "0.358",
    "valence": "0.715",
    "tempo": "87.917",
    "time_signature": "4",
}


def test_the_114k_layout(tmp_path: Path) -> None:
    source = write_csv(
        tmp_path / "dataset.csv",
        [
            {
                "": "0",
                "track_id": "5SuOikwiRyPMVoIQDJUgSV",
                "artists": "Ingrid Michaelson;ZAYN",
                "album_name": "To Begin Again",
                "track_name": "To Begin Again",
                "popularity": "73",
                "duration_ms": "230666",
                "explicit": "False",
                **SOUND,
                "track_genre": "Acoustic ",
            },
            {
                "": "1",
                "track_id": "4qPNDBW1i3p13qLCt0Ki3A",
                "artists": "[bsd.u]",
                "album_name": "",
                "track_name": "Ghost",
                "popularity": "55",
                "duration_ms": "149610",
                "explicit": "True",
                **SOUND,
                "track_genre": "chill",
            },
        ],
    )
    profile = ingest(str(source), tmp_path / "out")
    first, second = tracks(tmp_path / "out")
    assert profile.layout == "114k"
    assert (first["artist_name"], first["genre"], first["explicit"]) == (
        "Ingrid Michaelson",
        "acoustic",
        False,
    )
    assert (first["album_name"], first["popularity"], first["duration_ms"]) == (
        "To Begin Again",
        73.0,
        230666,
    )
    assert (second["artist_name"], second["album_name"], second["explicit"]) == ("[bsd.u]", None, True)
    assert first["instrumentalness"] == pytest.approx(1.01e-6)
    assert first["year"] is None


def test_the_600k_layout(tmp_path: Path) -> None:
    def entry(artists: str, ids: str, released: str, explicit: str = "0") -> dict[str, str]:
        return {
            "id": f"id{released}{artists[:5]}",
            "name": "Carve",
            "popularity": "6",
            "duration_ms": "126903",
            "explicit": explicit,
            "artists": artists,
            "id_artists": ids,
            "release_date": released,
            **SOUND,
        }

    source = write_csv(
        tmp_path / "tracks.csv",
        [
            entry("['Uli']", "['45tIt06XoI0Iio4LBEVpls']", "1922-02-22"),
            entry("""["Guns N' Roses", 'Slash']""", "['a', 'b']", "1987-07"),
            entry(r"""['Mötley \"Crüe\" \'X\'']""", "['c']", "1922", explicit="1"),
            entry(r"""['\u200bZero', 'B']""", "[]", "2020-01-01"),
        ],
    )
    profile = ingest(str(source), tmp_path / "out")
    out = tmp_path / "out"
    assert profile.layout == "600k"
    assert profile.columns["track_id"] == "id"
    assert column(out, "artist_name") == ["Uli", "Guns N' Roses", "Mötley \"Crüe\" 'X'", "\u200bZero"]
    assert column(out, "artist_id") == ["45tIt06XoI0Iio4LBEVpls", "a", "c", None]
    assert column(out, "year") == [1922, 1987, 1922, 2020]
    assert column(out, "explicit") == [False, False, True, False]
    assert profile.missing["genre"] == 4


def test_the_tidytuesday_layout(tmp_path: Path) -> None:
    sound = {name: value for name, value in SOUND.items() if name != "time_signature"}
    source = write_csv(
        tmp_path / "songs.csv",
        [
            {
                "track_id": "x",
                "track_name": "Me",
                "track_artist": "A;B",
                "track_popularity": "66",
                "track_album_id": "al",
                "track_album_name": "Album",
                "track_album_release_date": "2019-06-14",
                "playlist_name": "Pop Remix",
                "playlist_id": "p",
                "playlist_genre": "pop",
                "playlist_subgenre": "dance pop",
                **sound,
                "duration_ms": "194754",
            }
        ],
    )
    profile = ingest(str(source), tmp_path / "out", interactions=str(source))
    (track,) = tracks(tmp_path / "out")
    assert profile.layout == "tidytuesday"
    # "artists" holds several names, "track_artist" one: a semicolon in it is part of the name
    assert (track["artist_name"], track["popularity"], track["year"]) == ("A;B", 66.0, 2019)
    assert (track["album_id"], track["album_name"], track["genre"]) == ("al", "Album", "pop")
    assert track["time_signature"] is None
    assert profile.interactions is not None
    assert profile.interactions.playlists == 1


def test_the_kaggle_layout_and_its_canonical_types(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "spotify_data.csv", [{"": "0", **row()}])
    profile = ingest(str(source), tmp_path / "out")
    (track,) = tracks(tmp_path / "out")
    assert profile.layout == "kaggle-1m"
    for name, value in ROW.items():
        expected = float(value) if name in SOUND or name in ("popularity", "year", "duration_ms") else value
        assert track[name] == ("t1" if name == "track_id" else pytest.approx(expected)), name
    import pyarrow.parquet as pq

    assert pq.read_schema(tmp_path / "out" / "tracks.parquet").equals(arrow_schema())


def test_what_ingest_wrote_can_be_ingested_again_unchanged(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", [*rows(5), row(6, genre="", key="", year="", track_name="=1+1")])
    ingest(str(source), tmp_path / "one")
    profile = ingest(str(tmp_path / "one" / "tracks.parquet"), tmp_path / "two")
    assert profile.layout == "canonical"
    assert tracks(tmp_path / "two") == tracks(tmp_path / "one")


def test_parquet_with_numbers_lists_and_dates(tmp_path: Path) -> None:
    import datetime

    numbers = {name: pa.array([float(value)] * 2) for name, value in ROW.items() if name in SOUND}
    source = write_parquet(
        tmp_path / "tracks.parquet",
        {
            **numbers,
            "key": pa.array([5, None], pa.int64()),
            "duration_ms": pa.array([200_000, 300_000], pa.int32()),
            "track_id": pa.array(["a", "b"], pa.large_string()),
            "name": pa.array(["A", "B"]).dictionary_encode(),
            "artists": pa.array([["One", "Two"], ["Three"]]),
            "release_date": pa.array([datetime.date(1999, 5, 1), None]),
            "explicit": pa.array([True, None]),
        },
    )
    ingest(str(source), tmp_path / "out")
    first, second = tracks(tmp_path / "out")
    assert (first["artist_name"], first["year"], first["key"], first["explicit"]) == ("One", 1999, 5, True)
    assert (second["artist_name"], second["year"], second["key"], second["explicit"]) == (
        "Three",
        None,
        None,
        None,
    )
    assert second["duration_ms"] == 300_000


def test_a_users_alias_comes_before_the_built_in_ones(tmp_path: Path) -> None:
    entry = {name: value for name, value in row().items() if name != "track_name"}
    source = write_csv(tmp_path / "a.csv", [{**entry, "title": "no", "Song Title ": "yes"}])
    profile = ingest(str(source), tmp_path / "out", layout={"song title": "track_name"})
    assert column(tmp_path / "out", "track_name") == ["yes"]
    assert profile.columns["track_name"] == "Song Title "


def test_the_canonical_name_comes_before_an_alias(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", [row(release_date="1950-01-01", year="1999")])
    ingest(str(source), tmp_path / "out")
    assert column(tmp_path / "out", "year") == [1999]


@pytest.mark.parametrize(
    ("layout", "told"),
    [
        ({"energi": "energy"}, "there is no column 'energi'"),
        ({"energy": "energi"}, "did you mean energy"),
    ],
)
def test_an_alias_that_leads_nowhere_is_refused(tmp_path: Path, layout: dict[str, str], told: str) -> None:
    source = write_csv(tmp_path / "a.csv", rows(2))
    with pytest.raises(CatalogError, match=told):
        ingest(str(source), tmp_path / "out", layout=layout)


@pytest.mark.parametrize(
    ("layout", "told"),
    [
        ({"Song Titel": "track_name"}, "but not 'Song Titel', the alias of track_name. If"),
        ({"Song Title": "track_nam"}, "'track_nam' is not a canonical column (did you mean track_name?)"),
        ({"Song Title": "popularity"}, "it has Song Title, "),
    ],
)
def test_a_wrong_alias_is_named_where_its_column_is_missing(
    tmp_path: Path, layout: dict[str, str], told: str
) -> None:
    entry = {name: value for name, value in row().items() if name != "track_name"}
    source = write_csv(tmp_path / "a.csv", [{"Song Title": "yes", **entry}])
    with pytest.raises(CatalogError, match=re.escape(told)) as error:
        ingest(str(source), tmp_path / "out", layout=layout)
    assert ("but not" in str(error.value)) == (layout == {"Song Titel": "track_name"})


def test_every_alias_leads_to_a_column() -> None:
    names = {column.name for column in COLUMNS}
    assert set(ALIASES.values()) <= names
    assert set(INTERACTION_ALIASES.values()) <= {"playlist_id", "track_id", "position"}
    assert set(ALIASES) >= MULTI_VALUED
    assert not set(ALIASES) & names


@pytest.mark.parametrize("text", ["", "a", "=b", "a=", " = "])
def test_an_alias_needs_both_sides(text: str) -> None:
    with pytest.raises(CatalogError, match="expected theirs=canonical"):
        read_alias(text)


def test_an_alias_may_hold_an_equals_sign_in_their_name() -> None:
    assert read_alias("a=b = energy") == ("a=b", "energy")
