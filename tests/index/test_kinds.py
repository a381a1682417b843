"""What tells the kinds of index apart."""

from __future__ import annotations

import pytest

from segue.index.kinds import KINDS, factories_for, kind_of_factory


@pytest.mark.parametrize(
    ("factory", "kind"), [("Flat", "flat"), ("IVF4,Flat", "ivf"), ("IVF1024,SQ8", "ivf")]
)
def test_a_factory_is_of_the_kind_that_it_starts_with(factory: str, kind: str) -> None:
    assert kind_of_factory(factory) == kind


def test_a_factory_of_no_kind_is_refused_with_what_there_is() -> None:
    with pytest.raises(ValueError, match=r"'PQ8' is of no known kind of index: .* starts with Flat, IVF$"):
        kind_of_factory("PQ8")


def test_the_parameters_of_an_index_rise_to_all_of_its_lists() -> None:
    probes = KINDS["ivf"].parameters
    assert list(probes("IVF4,Flat")) == [1, 2, 4]
    assert list(probes("IVF16,Flat")) == [1, 2, 4, 8, 12, 16]
    assert list(probes("IVF18,Flat")) == [1, 2, 4, 8, 12, 16, 18]
    assert list(probes("IVF64,Flat")) == [1, 2, 4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64]
    assert list(probes("IVF176,Flat")) == [*probes("IVF64,Flat"), 80, 96, 112, 128, 160, 176]
    assert list(KINDS["flat"].parameters("Flat")) == [0]


def test_the_tuned_parameter_is_a_field_of_the_definition() -> None:
    assert (KINDS["ivf"].parameter, KINDS["flat"].parameter) == ("nprobe", "")
    assert KINDS["ivf"].fields("IVF64,Flat", 12) == {"nlist": 64, "nprobe": 12}
    assert KINDS["flat"].fields("Flat", 0) == {}


def test_small_catalogues_are_searched_exactly_and_large_ones_by_two_sizes_of_list() -> None:
    assert factories_for(50_000) == ("Flat",)
    assert factories_for(50_001) == ("IVF256,Flat", "IVF1024,Flat")
    assert factories_for(250_000) == ("IVF512,Flat", "IVF2048,Flat")
    assert factories_for(500_000) == ("IVF512,Flat", "IVF2048,Flat")
    assert factories_for(1_160_000) == ("IVF1024,Flat", "IVF4096,Flat")
