"""Rows broken on purpose are broken in the way that is said, and whole rows stay as they are."""

from __future__ import annotations

import csv

import numpy as np
import pyarrow as pa

from segue.sample.defects import break_row, break_rows
from segue.sample.write import CATALOG_COLUMNS

ROW = [
    *("0", '"One, Two"', "Song", "id", "50", "2001", "rock"),
    *("0.5", "0.6", "1", "-7.0", "1", "0.05", "0.1", "0.0", "0.1", "0.5", "120.0", "200000", "4"),
]


def test_each_way_spoils_one_thing() -> None:
    whole = next(csv.reader([",".join(ROW)]))
    lengths = []
    for way in range(13):
        broken = next(csv.reader([break_row(ROW, CATALOG_COLUMNS, way)]))
        lengths.append(len(broken))
        if len(broken) == len(whole):
            assert sum(a != b for a, b in zip(whole, broken, strict=True)) == 1
    assert sorted(set(lengths)) == [9, 20, 21]
    assert lengths.count(20) == 11


def test_only_the_chosen_lines_change() -> None:
    fields = [pa.array([value] * 10_000) for value in ROW]
    lines = pa.array([",".join(ROW)] * 10_000)
    broken, count = break_rows(lines, fields, CATALOG_COLUMNS, np.random.default_rng(4))
    changed = sum(line != ",".join(ROW) for line in broken.to_pylist())
    assert changed == count
    assert 25 < count < 80
