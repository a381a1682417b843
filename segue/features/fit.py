"""Fit the feature transform, on training artists only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import numpy.typing as npt

from segue.catalog.columns import EMBEDDED, column_named
from segue.features.transform import FEATURES, GENRE, FeatureTransform, Floats, GenreBlock, Term

__all__ = ["fit_transform", "genre_vocabulary"]

_TERMS: tuple[Term, ...] = tuple(
    Term(feature=name, **asdict(scaling)) for name in EMBEDDED for scaling in column_named(name).scalings
)
GENRE_AXES = 8
GENRE_WEIGHT = 2.0
# Tracks of a genre with fewer training tracks count as of unknown genre.
GENRE_SUPPORT = 20
_MAX_GENRES = 1_000


def genre_vocabulary(genres: Sequence[str | None], counts: Sequence[int]) -> tuple[str, ...]:
    """Genres with at least `GENRE_SUPPORT` training tracks, at most the thousand largest, sorted by name."""
    named = [(-count, name) for name, count in zip(genres, counts, strict=True) if name]
    kept = [name for negative, name in sorted(named) if -negative >= GENRE_SUPPORT]
    return tuple(sorted(kept[:_MAX_GENRES]))


def fit_transform(
    features: Floats, genres: tuple[str, ...], training: npt.NDArray[np.bool_]
) -> FeatureTransform:
    """Fit means, scales and genre points.

    Parameters
    ----------
    features
        float32 [n, f], columns as in `FEATURES`.
    genres
        The vocabulary of the codes in the last column.
    training
        bool [n], tracks of training artists; only these are used.

    Returns
    -------
    FeatureTransform
        A feature that is constant or missing in all training tracks gets scale 1, so it has no influence.
    """
    sample = _sample(np.flatnonzero(training))
    terms = tuple(_fit_term(term, features[sample, FEATURES.index(term.feature)]) for term in _TERMS)
    transform = FeatureTransform(features=FEATURES, genres=genres, terms=terms)
    sound = transform.standardise(features[sample])[:, : transform.blocks[0].width]
    block = _genre_block(sound, features[sample, FEATURES.index(GENRE)], len(genres))
    return transform.model_copy(update={"genre": block})


def _sample(rows: npt.NDArray[np.intp], limit: int = 300_000) -> npt.NDArray[np.intp]:
    """Evenly spaced rows, enough for means and scales; rows are sorted by id, so these are random tracks."""
    return rows if len(rows) <= limit else rows[np.linspace(0, len(rows) - 1, limit).astype(np.intp)]


def _fit_term(term: Term, values: Floats) -> Term:
    raw = term.raw(values[np.isfinite(values)])
    if not len(raw):
        return term.model_copy(update={"mean": (0.0,) * term.width, "scale": (1.0,) * term.width})
    scale = raw.std(axis=0)
    scale[scale < 1e-6] = 1.0
    return term.model_copy(update={"mean": tuple(raw.mean(axis=0).tolist()), "scale": tuple(scale.tolist())})


def _genre_block(sound: Floats, codes: Floats, count: int) -> GenreBlock | None:
    """Principal axes of the genres' mean sounds, scaled to an RMS distance of √2 between random tracks."""
    if count < 2:
        return None
    known = np.isfinite(codes)
    code = codes[known].astype(np.intp)
    size = np.bincount(code, minlength=count)
    total = np.column_stack([np.bincount(code, column, count) for column in sound[known].T])
    share = size / max(size.sum(), 1)
    centred = total / np.maximum(size, 1)[:, None]
    centred -= share @ centred
    # weighted by size, so that rare genres do not determine the axes
    _, _, axes = np.linalg.svd(centred * np.sqrt(share)[:, None], full_matrices=False)
    axes = axes[: min(GENRE_AXES, count - 1)]
    axes *= np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
    points = centred @ axes.T
    variance = float(share @ (points**2).sum(axis=1))
    if variance < 1e-9:
        return None
    points /= np.sqrt(variance)
    return GenreBlock(
        weight=GENRE_WEIGHT, points=tuple(tuple(row) for row in points.astype(np.float32).tolist())
    )
