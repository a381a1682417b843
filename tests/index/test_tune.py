"""Measuring an index, on lists of a few tracks whose neighbours are known by heart."""

from __future__ import annotations

import math

import faiss
import numpy as np
import pytest

from segue.index.search import TrackIndex
from segue.index.tune import exact_distances, measure, recall_at

# Two lists far apart on a line: one of three tracks, one of two.
PLACES = np.array([[0], [1], [2], [10], [11]], np.float32)


def two_lists(factory: str) -> faiss.Index:
    """Cells around 1 and 10.5, or all in one."""
    if factory == "Flat":
        index = faiss.IndexFlatL2(1)
    else:
        quantiser = faiss.IndexFlatL2(1)
        quantiser.add(np.array([[1], [10.5]], np.float32))
        index = faiss.IndexIVFFlat(quantiser, 1, 2)
        index.is_trained = True
    index.add(PLACES)
    return index


def test_the_furthest_of_the_exact_neighbours_is_the_k_th() -> None:
    found = exact_distances(PLACES, np.array([[0], [10]], np.float32), 3)
    assert found.tolist() == [4, 64]
    assert exact_distances(PLACES, np.array([[2]], np.float32), 2).tolist() == [1]


def test_a_track_a_hair_further_counts_as_near_as_the_k_th() -> None:
    furthest = np.array([1.0, 0.0, 100.0], np.float32)
    found = np.array([[1.000009, 1.00003], [9e-7, 3e-6], [100.0009, 100.005]], np.float32)
    assert recall_at(found, furthest).tolist() == [0.5, 0.5, 0.5]
    assert recall_at(np.array([[1, np.inf, np.inf, np.inf]], np.float32), furthest[:1]).tolist() == [0.25]


def test_recall_its_lower_end_and_the_cost_are_counted() -> None:
    queries = PLACES[[0, 3]]
    given = measure(two_lists, ["IVF2,Flat"], PLACES, queries, neighbours=3, target=1.0)
    (first, first_spec, _), (second, second_spec, index) = given
    # of three neighbours the one finds all in its list, and the other two
    assert (first.factory, first.parameter, first.recall) == ("IVF2,Flat", 1, 0.83333)
    assert first.recall_low == pytest.approx(5 / 6 - 1.645 / 6 / math.sqrt(2), abs=1e-5)
    # both centroids, and three vectors or two
    assert first.scanned == 4.5
    assert (first_spec.kind, first_spec.nlist, first_spec.nprobe) == ("ivf", 2, 1)
    assert (first_spec.recall, first_spec.recall_target, first_spec.neighbours) == (0.83333, 1.0, 3)
    assert (second.parameter, second.recall, second.recall_low, second.scanned) == (2, 1.0, 1.0, 7.0)
    assert second_spec.nprobe == 2
    assert second.bytes == first.bytes == len(faiss.serialize_index(index))
    assert TrackIndex(index, second_spec, PLACES).search(queries, 3)[1].tolist() == [[0, 1, 2], [3, 4, 2]]


def test_an_index_is_measured_up_to_the_first_that_meets_the_target() -> None:
    factories = ["IVF2,Flat", "Flat"]
    # its lower end of 0.64 is enough
    given = list(measure(two_lists, factories, PLACES, PLACES[[0, 3]], neighbours=3, target=0.639))
    assert [(point.factory, point.parameter) for point, _, _ in given] == [("IVF2,Flat", 1), ("Flat", 0)]
    given = list(measure(two_lists, factories, PLACES, PLACES[[0, 3]], neighbours=3, target=0.8))
    assert [(point.factory, point.parameter) for point, _, _ in given] == [
        ("IVF2,Flat", 1),
        ("IVF2,Flat", 2),
        ("Flat", 0),
    ]


def test_the_exact_index_reads_every_vector() -> None:
    ((point, spec, _),) = measure(two_lists, ["Flat"], PLACES, PLACES[:2], neighbours=2, target=0.99)
    assert (point.parameter, point.recall, point.recall_low, point.scanned) == (0, 1.0, 1.0, 5.0)
    assert (spec.kind, spec.factory, spec.nlist, spec.nprobe, spec.ef_search) == (
        "flat",
        "Flat",
        None,
        None,
        None,
    )
    assert (spec.recall, spec.recall_target, spec.neighbours) == (1.0, 0.99, 2)
