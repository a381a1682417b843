"""Kinds of FAISS index. To add a kind, add a class here and an entry to `KINDS`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from segue.bundle.definition import IndexSpec
from segue.errors import BundleError
from segue.index.exact import blas

__all__ = ["EXACT_UP_TO", "KINDS", "Kind", "factories_for", "kind_of_factory", "kind_of_spec"]

Floats = npt.NDArray[np.float32]

# Up to this size exact search takes about half a millisecond, and needs no tuning.
EXACT_UP_TO = 50_000

SEED = 1234
# At these sizes more points per centroid or more iterations of k-means gain nothing measurable.
_POINTS_PER_CENTROID = 64
_ITERATIONS = 10
# Steps of about a fifth or less where most catalogues end up: probing more than the target needs slows every
# request.
_FEW, _MANY = (1, 2, 4, 8, 12), (160, 192, 256, 384, 512, 768, 1024)
_PROBES = (*_FEW, *range(16, 32, 4), *range(32, 64, 8), *range(64, 129, 16), *_MANY)


class Kind:
    """How one kind of index is built, tuned and searched. This class is the exhaustive search.

    Attributes
    ----------
    prefix
        Prefix of FAISS factory strings of this kind.
    parameter
        Field of `IndexSpec` with the tuned search parameter, by FAISS's name; empty without one.
    single_differs
        Whether the last bits of a single query's distances differ from those of the same query among others.
    """

    prefix = "Flat"
    parameter = ""
    single_differs = True

    def factories(self, tracks: int) -> tuple[str, ...]:
        """Factory strings worth trying for a catalogue of this size."""
        return ("Flat",) if tracks <= EXACT_UP_TO else ()

    def add(self, index: faiss.Index, embedding: Floats, training: npt.NDArray[np.intp] | None) -> None:
        """Train the empty index on the rows of `training` (all if None), and add every track."""
        index.add(embedding)

    def parameters(self, factory: str) -> Sequence[int]:
        """Values of the search parameter worth measuring, in order of cost."""
        return (0,)

    def fields(self, factory: str, parameter: int) -> dict[str, Any]:
        """Fields of `IndexSpec` that only this kind has."""
        return {}

    def search_parameters(
        self, spec: IndexSpec, selector: faiss.IDSelector | None, share: float
    ) -> faiss.SearchParameters:
        """FAISS's search parameters that keep the recall if this share of the tracks passes `selector`."""
        return faiss.SearchParameters(sel=selector)

    def reset_statistics(self) -> None:
        """Reset FAISS's statistics of this kind; exhaustive search has none."""

    def scanned(self, spec: IndexSpec, tracks: int, queries: int) -> float:
        """Vectors scanned per query since the statistics were reset."""
        return float(tracks)


class IVF(Kind):
    """Inverted lists: a vector is in the list of its nearest centroid; a search probes the nearest lists."""

    prefix = "IVF"
    parameter = "nprobe"
    single_differs = False

    def factories(self, tracks: int) -> tuple[str, ...]:
        """Two numbers of lists, powers of two near √n and 4√n: few long lists, or many short ones."""
        if tracks <= EXACT_UP_TO:
            return ()
        root = math.sqrt(tracks)
        sizes = sorted({2 ** round(math.log2(root)), 2 ** round(math.log2(4 * root))})
        return tuple(f"IVF{size},Flat" for size in sizes)

    def add(self, index: faiss.Index, embedding: Floats, training: npt.NDArray[np.intp] | None) -> None:
        """Train the centroids on a sample, and add every track."""
        index.cp.niter = _ITERATIONS
        index.cp.seed = SEED
        index.cp.max_points_per_centroid = _POINTS_PER_CENTROID
        rows = np.arange(len(embedding)) if training is None else training
        limit = index.nlist * _POINTS_PER_CENTROID
        if len(rows) > limit:
            rows = np.sort(np.random.default_rng(SEED).choice(rows, limit, replace=False))
        with blas():
            index.train(np.ascontiguousarray(embedding[rows]))
            index.add(embedding)

    def parameters(self, factory: str) -> Sequence[int]:
        """Numbers of lists to probe, up to all of them."""
        lists = _lists(factory)
        return [*(probes for probes in _PROBES if probes < lists), lists]

    def fields(self, factory: str, parameter: int) -> dict[str, Any]:
        """Number of lists and of probes."""
        return {"nlist": _lists(factory), "nprobe": parameter}

    def search_parameters(
        self, spec: IndexSpec, selector: faiss.IDSelector | None, share: float
    ) -> faiss.SearchParameters:
        """More probes as fewer tracks pass."""
        lists, probes = spec.nlist or 1, spec.nprobe or 1
        return faiss.SearchParametersIVF(sel=selector, nprobe=min(lists, math.ceil(probes / share)))

    def reset_statistics(self) -> None:
        """Reset FAISS's statistics."""
        faiss.cvar.indexIVF_stats.reset()

    def scanned(self, spec: IndexSpec, tracks: int, queries: int) -> float:
        """Tracks in the probed lists, and all centroids."""
        return float(faiss.cvar.indexIVF_stats.ndis) / queries + (spec.nlist or 0)


def _lists(factory: str) -> int:
    return int(factory.removeprefix("IVF").partition(",")[0])


KINDS: Mapping[str, Kind] = {"flat": Kind(), "ivf": IVF()}


def factories_for(tracks: int) -> tuple[str, ...]:
    """FAISS factory strings worth trying for a catalogue of this size."""
    return tuple(factory for kind in KINDS.values() for factory in kind.factories(tracks))


def kind_of_factory(factory: str) -> str:
    """Name of the kind of a factory string.

    Raises
    ------
    ValueError
        The kind is unknown.
    """
    for name, kind in KINDS.items():
        if factory.startswith(kind.prefix):
            return name
    known = ", ".join(kind.prefix for kind in KINDS.values())
    raise ValueError(f"{factory!r} is of no known kind of index: expected one that starts with {known}")


def kind_of_spec(spec: IndexSpec) -> Kind:
    """The kind of a bundle's index.

    Raises
    ------
    BundleError
        This version of Segue can't read the kind.
    """
    if spec.kind not in KINDS:
        raise BundleError(
            f"the index is of kind {spec.kind!r}, which this version of Segue does not read: "
            f"it reads {', '.join(KINDS)}"
        )
    return KINDS[spec.kind]
