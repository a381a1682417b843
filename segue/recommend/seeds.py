"""Seeds → query: the points of the embedding whose neighbours are searched."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.errors import RequestError, UnknownSeeds
from segue.recommend.model import Bundle
from segue.recommend.request import Request, Seed

__all__ = ["Query", "resolve"]

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

# An artist or a genre is represented by its most popular tracks: few enough that each contributes several
# candidates.
ARTIST_TRACKS = 5
GENRE_TRACKS = 8
# Each point costs a search: a hundred genres of eight tracks took seconds. With many seeds, artists and
# genres are represented by fewer tracks each.
_MAX_POINTS = 200


@dataclass(frozen=True, slots=True)
class Query:
    """The seeds of a request as points of the embedding.

    Attributes
    ----------
    rows
        int64 [q], catalogue row of each point, -1 for raw features.
    points
        float32 [q, d], points whose neighbours are searched, moved to the `target`.
    weights
        float32 [q], negative to ask for unlike tracks; the positive ones sum to 1.
    features
        float32 [q, f], features of each point.
    unknown
        Seeds that are not in the catalogue.
    """

    rows: Rows
    points: Floats
    weights: Floats
    features: Floats
    unknown: list[str]


def resolve(bundle: Bundle, request: Request) -> Query:
    """Resolve the seeds of a request.

    Raises
    ------
    UnknownSeeds
        No seed of positive weight is in the catalogue, and there are no raw features.
    RequestError
        A raw feature is wrong, or a target names a feature that the bundle lacks.
    """
    rows: list[int] = []
    weights: list[float] = []
    unknown: list[str] = []
    limit = max(1, _MAX_POINTS // max(1, len(request.seeds)))
    for seed in request.seeds:
        found = _rows_of(bundle, seed, limit)
        if not found:
            unknown.append(seed.label)
            continue
        rows.extend(found)
        weights.extend([seed.weight / len(found)] * len(found))
    known = np.array(rows, np.int64)
    features = np.array(bundle.features[known])
    points = np.array(bundle.embedding[known])
    if request.features is not None:
        row = bundle.transform.row(request.features)[None, :]
        if not np.isfinite(row).any():
            raise RequestError("features", "expected at least one known value, got none")
        rows, weights = [*rows, -1], [*weights, 1.0]
        features = np.concatenate((features, row))
        points = np.concatenate((points, bundle.transform.embed(row)))
    weight = np.array(weights, np.float32)
    positive = weight > 0
    if not positive.any():
        raise UnknownSeeds(unknown)
    weight /= weight[positive].sum()
    if request.target:
        points = _move_to_target(bundle, request.target, features, points, positive)
    return Query(np.array(rows, np.int64), points, weight, features, unknown)


def _rows_of(bundle: Bundle, seed: Seed, limit: int) -> list[int]:
    """Rows that represent a seed, at most `limit`."""
    if seed.track_id is not None:
        row = bundle.lookup.row_of(seed.track_id)
        return [] if row is None else [row]
    if seed.artist is not None:
        number = bundle.lookup.artist_number(seed.artist)
        if number is None:
            return []
        return _distinct(bundle, bundle.lookup.rows_of_artist_number(number), min(ARTIST_TRACKS, limit))
    code = bundle.transform.genre_code(seed.genre or "")
    if np.isnan(code):
        return []
    return _distinct(
        bundle, bundle.lookup.top_of_genre(int(code), 5 * GENRE_TRACKS), min(GENRE_TRACKS, limit)
    )


def _distinct(bundle: Bundle, rows: Rows, limit: int) -> list[int]:
    """The first rows, one per recording, at most `limit`."""
    first = np.sort(np.unique(bundle.recording[rows], return_index=True)[1])
    return [int(row) for row in rows[first[:limit]]]


def _move_to_target(
    bundle: Bundle,
    target: dict[str, float],
    features: Floats,
    points: Floats,
    positive: npt.NDArray[np.bool_],
) -> Floats:
    """Move the points of positive weight by the change from the seeds' feature values to the target's.

    The seed is not embedded again: that would lose the learned vector of its artist.
    """
    values = {name: value for name, value in target.items() if name != "popularity"}
    if not values:
        return points
    transform = bundle.transform
    row = transform.row(values, field="target")
    moved = np.where(np.isfinite(row), row, features).astype(np.float32)
    columns = np.array([name in values for name in transform.column_features()])
    change = np.where(columns, transform.standardise(moved) - transform.standardise(features), 0)
    out = points.copy()
    out[positive] += transform.move(change.astype(np.float32))[positive]
    return out
