"""The input matrix of the boosters: one row per candidate, the columns that ``bundle.json`` names.

A column is a feature of the candidate, its known popularity, or a comparison of the candidate with its
nearest seed. Unknown values are NaN, which LightGBM treats as missing.
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
# The columns of the relevance model.
RELEVANCE_COLUMNS: tuple[str, ...] = (*PAIR_COLUMNS, *COMPARED)


@dataclass(frozen=True)
class TrackTable:
    """The n tracks that ranking columns are computed from.

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
        """The artist block, always the last one; None if the embedding has none."""
        return next((block for block in self.blocks if block.name == ARTIST), None)

    def positions(self, names: Sequence[str]) -> list[int]:
        """Positions of features by name."""
        return [list(self.names).index(name) for name in names]

    @cached_property
    def compared_names(self) -> list[str]:
        """The features of `COMPARED` that the catalogue has; an older bundle may lack the newest."""
        return [name for name in COMPARED if name in self.names]

    @cached_property
    def compared(self) -> list[int]:
        """Positions of those features."""
        return self.positions(self.compared_names)


@dataclass(frozen=True)
class Nearest:
    """The nearest seed of each of m candidates.

    Attributes
    ----------
    rows
        int64 [m], the seed's row in the catalogue; -1 for raw features.
    points
        float32 [m, d], the seed's point in the embedding.
    features
        float32 [m, f], the seed's features.
    """

    rows: Rows
    points: Floats
    features: Floats


def ranking_matrix(
    table: TrackTable, columns: Sequence[str], rows: Rows, nearest: Nearest | None = None
) -> Floats:
    """Compute the ranking matrix of some candidates.

    Parameters
    ----------
    table
        The catalogue.
    columns
        Columns wanted, in order.
    rows
        int64 [m], the candidates.
    nearest
        Their nearest seeds; None without seeds: comparisons are then NaN.

    Returns
    -------
    float32 [m, len(columns)]

    Raises
    ------
    BundleError
        The bundle names a column that this version of Segue can't compute.
    """
    gathered = table.features[rows]
    if tuple(columns) == tuple(table.names):
        return gathered
    wanted = [column for column in columns if column not in table.names]
    missing = [column for column in wanted if column not in PAIR_COLUMNS]
    if missing:
        raise BundleError(f"the bundle ranks by {missing}, which this version of Segue can't compute")
    out = np.full((len(rows), len(columns)), np.nan, np.float32)
    position = {name: i for i, name in enumerate(columns)}
    kept = [name for name in table.names if name in position]
    if len(kept) == gathered.shape[1] and list(columns[: len(kept)]) == kept:
        out[:, : len(kept)] = gathered
    else:
        out[:, [position[name] for name in kept]] = gathered[:, table.positions(kept)]
    if "popularity" in position:
        out[:, position["popularity"]] = table.popularity[rows]
    if nearest is not None and wanted:
        for name, compute in _comparisons(table, rows, nearest).items():
            if name in position:
                out[:, position[name]] = compute()
        _fill_gaps(out, position, table, gathered, nearest)
    return out


def _fill_gaps(
    out: Floats, position: dict[str, int], table: TrackTable, gathered: Floats, nearest: Nearest
) -> None:
    """Fill in the differences of features, and whether the genres are the same."""
    gaps = gathered[:, table.compared] - nearest.features[:, table.compared]
    names = [_GAP + name for name in table.compared_names]
    if all(name in position for name in names):
        out[:, [position[name] for name in names]] = gaps
    else:
        for name, gap in zip(names, gaps.T, strict=True):
            if name in position:
                out[:, position[name]] = gap
    if GENRE in table.names and "same_genre" in position:
        code = list(table.names).index(GENRE)
        genre, seed_genre = gathered[:, code], nearest.features[:, code]
        same = np.where(np.isnan(genre) | np.isnan(seed_genre), np.nan, genre == seed_genre)
        out[:, position["same_genre"]] = same


def _comparisons(table: TrackTable, rows: Rows, nearest: Nearest) -> dict[str, Callable[[], Floats]]:
    """Functions that compute the columns that compare a candidate with its seed, by column name."""
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
        own, seed = vectors[:, content:], nearest.points[:, content:]
        cosine = np.einsum("md,md->m", own, seed) / np.float32(block.weight**2)
        # artists in no training playlist have a vector of zeros
        known = (own != 0).any(axis=1) & (seed != 0).any(axis=1)
        return np.where(known, cosine, np.float32(np.nan)).astype(np.float32)

    def same_artist() -> Floats:
        same = table.artist[rows] == table.artist[nearest.rows]
        return np.where(in_catalogue, same, np.nan).astype(np.float32)

    def gap_popularity() -> Floats:
        seed = np.where(in_catalogue, table.popularity[nearest.rows], np.float32(np.nan))
        return np.asarray(table.popularity[rows] - seed, np.float32)

    return {
        "distance": distance,
        "artist_similarity": artist_similarity,
        "same_artist": same_artist,
        "gap_popularity": gap_popularity,
    }


def booster_positions(booster: Booster, columns: Sequence[str]) -> list[int] | None:
    """Positions of a booster's columns in the ranking matrix; None if it takes the whole matrix as it is.

    Raises
    ------
    BundleError
        The ranking matrix lacks one of the columns.
    """
    missing = [column for column in booster.columns if column not in columns]
    if missing:
        raise BundleError(f"booster {booster.name} reads {missing}, which is not in ranking_columns")
    positions = [list(columns).index(column) for column in booster.columns]
    return None if positions == list(range(len(columns))) else positions
