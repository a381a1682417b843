import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.features.recordings import (
    artist_numbers,
    fold_column,
    fold_text,
    recording_numbers,
    title_keys,
)


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("Heroes - 2017 Remaster", "heroes"),
        ("Heroes - Remastered 2011", "heroes"),
        ("Run to the Hills - 1998 Remastered Version", "run to the hills"),
        ("My Generation - Mono Version", "my generation"),
        ("Stay Fly (feat. Young Buck & MJG) - Explicit Album Version", "stay fly"),
        ("LOVE. FEAT. ZACARI.", "love"),
        ("Shallow (with Bradley Cooper)", "shallow"),
        ("Love Me Like You Do - From “Fifty Shades”", "love me like you do"),
        ("Song (Deluxe) [Remastered]", "song"),
        ("Quizás", "quizas"),
        ("봄날", "봄날"),
    ],
)
def test_words_about_a_release_are_set_aside(title: str, key: str) -> None:
    assert title_keys(pa.array([title])).to_pylist() == [key]


@pytest.mark.parametrize(
    "title",
    ["wake - live", "tequila - dance remix", "lost - demo", "song - acoustic", "clean bandit", "feature"],
)
def test_other_recordings_and_plain_titles_keep_their_words(title: str) -> None:
    assert title_keys(pa.array([title])).to_pylist() == [title]


def test_a_remix_with_guests_is_not_the_original() -> None:
    keys = title_keys(pa.array(["Lost feat. Jay-Z - Foo Remix", "Lost feat. Jay-Z", "Lost"])).to_pylist()
    assert keys == ["lost - foo remix", "lost", "lost"]


def test_a_title_of_nothing_but_such_words_stays() -> None:
    assert title_keys(pa.array(["(Remastered)"])).to_pylist() == ["(remastered)"]


def test_recordings_are_numbered_by_artist_and_title() -> None:
    artist, names = artist_numbers(pa.array(["Beyoncé", "BEYONCE", "Adele", "Beyoncé"]))
    assert names.to_pylist() == ["adele", "beyonce"]
    assert artist.tolist() == [1, 1, 0, 1]
    titles = pa.array(["Halo", "Halo - Remastered", "Halo", "Hello"])
    recording = recording_numbers(artist, titles)
    assert recording[0] == recording[1]
    assert len(np.unique(recording)) == 3


def test_japanese_voicing_marks_tell_words_apart() -> None:
    assert fold_text("ばら") != fold_text("はら")


@given(st.lists(st.text(), min_size=1, max_size=20))
def test_a_name_folds_alone_as_it_does_in_a_column(names: list[str]) -> None:
    names = [name.encode("utf-8", "ignore").decode() for name in names]
    assert fold_column(pa.array(names, pa.string())).to_pylist() == [fold_text(name) for name in names]


@given(st.text(max_size=60))
def test_any_text_is_a_title(name: str) -> None:
    name = name.encode("utf-8", "ignore").decode()
    (key,) = title_keys(pa.array([name], pa.string())).to_pylist()
    assert key or not fold_text(name)


def test_a_column_in_chunks_folds_like_one_in_one_piece() -> None:
    chunked = pa.chunked_array([["Beyoncé", "abba"], ["봄날", None]])
    assert fold_column(chunked).to_pylist() == ["beyonce", "abba", "봄날", None]
    assert title_keys(chunked).to_pylist() == ["beyonce", "abba", "봄날", None]
