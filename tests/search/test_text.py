"""How names become words."""

from __future__ import annotations

import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.features.recordings import fold_column, fold_text
from segue.search.text import exact_key, index_words, join_text, plain_text, token_text


@pytest.mark.parametrize(
    ("folded", "plain", "joined"),
    [
        ("ac/dc", "ac dc", "acdc"),
        ("r.e.m.", "r e m", "rem"),
        ("don't stop", "dont stop", "dont stop"),
        ("a-ha: take on me!", "a ha take on me", "aha take on me"),
        ("!!!", "!!!", ""),
        ("  ", "  ", ""),
        ("हिन्दी", "हिन्दी", "हिन्दी"),
    ],
)
def test_plain_and_joined(folded: str, plain: str, joined: str) -> None:
    assert plain_text(folded) == plain
    assert join_text(folded) == joined


def test_hangul_stands_as_letters_so_that_typing_it_is_a_prefix() -> None:
    whole = plain_text(fold_text("봄날"))
    for typed in ("ㅂ", "보", "봄", "봄ㄴ", "봄나", "봄날"):
        assert whole.startswith(plain_text(fold_text(typed))), typed


def test_unspaced_words_are_found_from_each_character() -> None:
    words = [unicodedata.normalize("NFC", word) for word in index_words(plain_text("내봄날"), "내봄날")]
    assert words == ["내봄날", "봄날", "날"]
    assert index_words("love", "love") == ["love"]


def test_a_token_is_bounded_and_one_to_sqlite() -> None:
    assert len(token_text("x" * 1_000)) == 64
    assert all(not character.isascii() for character in token_text("\"'*-^"))


def test_keys_differ_and_fit_sqlite() -> None:
    keys = {exact_key(str(number)) for number in range(10_000)}
    assert len(keys) == 10_000
    assert all(-(2**63) <= key < 2**63 for key in keys)


@given(st.text(max_size=30))
def test_a_name_is_folded_alike_when_built_and_when_typed(name: str) -> None:
    clean = name.encode("utf-8", "ignore").decode()
    built = fold_column(pa.array([clean, "other"], pa.string())).to_pylist()[0]
    assert plain_text(built) == plain_text(fold_text(clean))
    assert plain_text(built) == plain_text(built)
    assert not any(word != word.strip() for word in index_words(plain_text(built), built))
