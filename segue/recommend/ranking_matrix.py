"""The matrix that the boosters read: one row a candidate, columns as ``bundle.json`` names them.

A column is a feature of the candidate, its known popularity, or something between the candidate and the seed
it is nearest to. What is not known is NaN, which LightGBM takes as missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from segue.bundle.definition import Block, Booster
from segue.catalog.columns import COMPARED
from segue.errors import BundleError
from segue.features.learned import ARTIST
from segue.features.transform import GENRE

__all__ = [
    "PAIR_COLUMNS",
    "RELEVANCE_COLUMNS",
    "Nearest",
    "TrackTable",
    "booster_positions",
    "ranking_matrix",
]

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

_GAP = "gap_"
PAIR_COLUMNS: tuple[str, ...] = (
    "distance",
    "artist_similarity",
    "same_artist",
    "same_genre",
    "popularity",
    "gap_popularity",
    *(_GAP + name for name in COMPARED),
)
# What the relevance model reads.
RELEVANCE_COLUMNS: tuple[str, ...] = (*PAIR_COLUMNS, *COMPARED)


@dataclass(frozen=True)
class TrackTable:
    """What ranking columns are made of: n tracks.

    Attributes
    ----------
    names
        Names of the columns of `features`.
    features
        float32 [n, f].
    popularity
        float32 [n], NaN where missing.
    artist
        int32 [n].
    embedding
        float32 [n, d].
    blocks
        Blocks of the embedding.
    """

    names: Sequence[str]
    features: Floats
    popularity: Floats
    artist: npt.NDArray[np.int32]
    embedding: Floats
    blocks: Sequence[Block]

    @cached_property
    def artist_block(self) -> Block | None:
        """The artist block, which is the last one where there is one."""
        return next((block for block in self.blocks if block.name == ARTIST), None)

    def positions(self, names: Sequence[str]) -> list[int]:
        """Positions of features, by name."""
        return [list(self.names).index(name) for name in names]

    @cached_property
    def compared(self) -> list[int]:
        """Positions of the features that pairs are compared by."""
        return self.positions(COMPARED)


@dataclass(frozen=True)
class Nearest:
    """The seed that each of m candidates is nearest to.

    Attributes
    ----------
    rows
        int64 [m], its row of the catalogue; -1 where it is in none.
    points
        float32 [m, d], where it lies.
    features
        float32 [m, f].
    """

    rows: Rows
    points: Floats
    features: Floats


def ranking_matrix(
    table: TrackTable, columns: Sequence[str], rows: Rows, nearest: Nearest | None = None
) -> Floats:
    """Make the ranking matrix of some candidates.

    Parameters
    ----------
    table
        The catalogue.
    columns
        Columns wanted, in order.
    rows
        int64 [m], the candidates.
    nearest
        Their seeds; None where nobody asked: what lies between the two is missing then.

    Returns
    -------
    float32 [m, len(columns)]

    Raises
    ------
    BundleError
        The bundle wants a column that this version of Segue does not make.
    """
    gathered = table.features[rows]
    if tuple(columns) == tuple(table.names):
        return gathered
    wanted = [column for column in columns if column not in table.names]
    missing = [column for column in wanted if column not in PAIR_COLUMNS]
    if missing:
        raise BundleError(f"the bundle ranks by {missing}, which this version of Segue does not make")
    out = np.full((len(rows), len(columns)), np.nan, np.float32)
    place = {name: i for i, name in enumerate(columns)}
    kept = [name for name in table.names if name in place]
    if len(kept) == gathered.shape[1] and list(columns[: len(kept)]) == kept:
        out[:, : len(kept)] = gathered
    else:
        out[:, [place[name] for name in kept]] = gathered[:, table.positions(kept)]
    if "popularity" in place:
        out[:, place["popularity"]] = table.popularity[rows]
    if nearest is not None and wanted:
        for name, make in _between(table, rows, nearest).items():
            if name in place:
                out[:, place[name]] = make()
        _fill_gaps(out, place, table, gathered, nearest)
    return out


def _fill_gaps(
    out: Floats, place: dict[str, int], table: TrackTable, gathered: Floats, nearest: Nearest
) -> None:
    gaps = gathered[:, table.compared] - nearest.features[:, table.compared]
    names = [_GAP + name for name in COMPARED]
    if all(name in place for name in names):
        out[:, [place[name] for name in names]] = gaps
    else:
        for name, gap in zip(names, gaps.T, strict=True):
            if name in place:
                out[:, place[name]] = gap
    if GENRE in table.names and "same_genre" in place:
        code = list(table.names).index(GENRE)
        mine, theirs = gathered[:, code], nearest.features[:, code]
        same = np.where(np.isnan(mine) | np.isnan(theirs), np.nan, mine == theirs)
        out[:, place["same_genre"]] = same


def _between(table: TrackTable, rows: Rows, nearest: Nearest) -> dict[str, Callable[[], Floats]]:
    """Columns between a candidate and its seed, by name."""
    vectors = table.embedding[rows]
    block = table.artist_block
    content = block.start if block else vectors.shape[1]
    in_catalogue = nearest.rows >= 0

    def distance() -> Floats:
        gap = vectors[:, :content] - nearest.points[:, :content]
        found: Floats = np.sqrt(np.einsum("md,md->m", gap, gap))
        return found

    def artist_similarity() -> Floats:
        if block is None:
            return np.full(len(rows), np.nan, np.float32)
        mine, theirs = vectors[:, content:], nearest.points[:, content:]
        cosine = np.einsum("md,md->m", mine, theirs) / np.float32(block.weight**2)
        # vectors of length 0 are of artists that nothing is known of
        known = (mine != 0).any(axis=1) & (theirs != 0).any(axis=1)
        return np.where(known, cosine, np.float32(np.nan)).astype(np.float32)

    def same_artist() -> Floats:
        same = table.artist[rows] == table.artist[nearest.rows]
        return np.where(in_catalogue, same, np.nan).astype(np.float32)

    def gap_popularity() -> Floats:
        theirs = np.where(in_catalogue, table.popularity[nearest.rows], np.float32(np.nan))
        return np.asarray(table.popularity[rows] - theirs, np.float32)

    return {
        "distance": distance,
        "artist_similarity": artist_similarity,
        "same_artist": same_artist,
        "gap_popularity": gap_popularity,
    }


def booster_positions(booster: Booster, columns: Sequence[str]) -> list[int] | None:
    """Positions of a booster's columns in the ranking matrix; None where they are the matrix as it is."""
    missing = [column for column in booster.columns if column not in columns]
    if missing:
        raise BundleError(f"booster {booster.name} reads {missing}, which is not in ranking_columns")
    positions = [list(columns).index(column) for column in booster.columns]
    return None if positions == list(range(len(columns))) else positions
