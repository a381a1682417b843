"""Cells of a string column, whatever buffers it has."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.recommend.strings import Strings

TEXTS = ["", "abc", "é", "봄\U0001f3b5", "d"]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_cells_are_bytes_and_texts(kind: pa.DataType) -> None:
    cells = Strings(pa.array(TEXTS, kind))
    assert len(cells) == 5
    assert [cells[row] for row in range(5)] == [text.encode() for text in TEXTS]
    assert cells.texts([3, 0, 1]) == ["봄\U0001f3b5", "", "abc"]
    assert cells.texts([]) == []


@given(st.lists(st.text(max_size=5), min_size=1, max_size=20), st.data())
def test_a_part_of_a_column_begins_where_it_was_cut(texts: list[str], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(texts) - 1))
    cells = Strings(pa.array(texts).slice(first))
    assert len(cells) == len(texts) - first
    assert cells.texts(range(len(cells))) == texts[first:]
    assert cells[len(cells) - 1] == texts[-1].encode()


def test_a_column_of_no_cells_and_one_of_empty_ones_have_no_data() -> None:
    assert len(Strings(pa.array([], pa.string()))) == 0
    assert Strings(pa.array(["", ""])).texts([0, 1]) == ["", ""]
