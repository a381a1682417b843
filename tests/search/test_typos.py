"""Single slips."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.search.typos import alphabet_of, edits, is_one_edit

WORDS = st.text("abcdef", min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("typed", "word", "near"),
    [
        ("metalica", "metallica", True),
        ("metallicca", "metallica", True),
        ("netallica", "metallica", True),
        ("emtallica", "metallica", True),
        ("metallica", "metallica", False),
        ("mettalica", "metallica", False),
        ("abc", "acbd", False),
        ("a", "b", True),
        ("", "a", True),
        ("ab", "ba", True),
    ],
)
def test_one_edit(typed: str, word: str, near: bool) -> None:
    assert is_one_edit(typed, word) is near
    assert is_one_edit(word, typed) is near


@given(WORDS)
def test_all_edits_are_one_edit_away(word: str) -> None:
    assert all(edited == word or is_one_edit(word, edited) for edited in edits(word))


@given(WORDS, WORDS)
def test_edits_are_complete_in_their_alphabet(typed: str, word: str) -> None:
    if is_one_edit(typed, word):
        assert word in set(edits(typed))


@given(WORDS, WORDS)
def test_edits_up_to_a_letter_are_those_that_keep_no_more_letters(typed: str, word: str) -> None:
    # the first letter that differs stands after at most `shared` others
    shared = next((n for n in range(len(typed)) if typed[n] != word[n : n + 1]), len(typed))
    if is_one_edit(typed, word):
        assert word in set(edits(typed, shared))


def test_letters_of_the_script_are_tried() -> None:
    assert "ж" in alphabet_of("группа")
    assert "ガ"[0] in alphabet_of("カメラ")
    assert alphabet_of("夜") == ""
    assert "metallica" in set(edits("metalica"))
    assert "крови" in set(edits("кпови"))
