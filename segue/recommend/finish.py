"""Blend and finish: the score, then at most so many by an artist, then as different as asked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.bundle.definition import RequestDefaults
from segue.recommend.model import Bundle
from segue.recommend.request import Request
from segue.recommend.rerank import Predictions
from segue.recommend.retrieve import Candidates

__all__ = ["Picks", "Rules", "blend", "finish", "take_capped"]

Floats = npt.NDArray[np.float32]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """A request's choices, with the bundle's defaults filled in."""

    k: int
    popularity_weight: float
    diversity: float
    max_per_artist: int
    target_popularity: float | None = None
    # the genres that are asked for, where nothing else is
    genres: tuple[str, ...] = ()

    @classmethod
    def of(cls, request: Request, defaults: RequestDefaults) -> Rules:
        """Fill in the defaults where a request says nothing."""

        def given(name: str) -> float:
            value = getattr(request, name)
            return float(getattr(defaults, name) if value is None else value)

        wanted = [seed.genre for seed in request.seeds if seed.weight > 0]
        is_all = request.features is None and None not in wanted
        return cls(
            k=int(given("k")),
            popularity_weight=given("popularity_weight"),
            diversity=given("diversity"),
            max_per_artist=int(given("max_per_artist")),
            target_popularity=request.target.get("popularity"),
            genres=tuple(genre for genre in wanted if genre) if is_all else (),
        )


@dataclass(frozen=True, slots=True)
class Picks:
    """The list: positions within the candidates, their scores, and how many each rule dropped."""

    positions: Positions
    scores: Floats
    dropped: dict[str, int]


def blend(candidates: Candidates, predictions: Predictions | None, rules: Rules, catalogue: Floats) -> Floats:
    """Score the candidates: ``(1 − w)·relevance-or-affinity + w·predicted popularity``.

    Each part is scaled to 0..1 within the request. Without predictions (degraded) the affinity decides. With
    a target of popularity nearness to it takes the place of predicted popularity.

    Parameters
    ----------
    catalogue
        float32 [n], popularity of all tracks, NaN missing: who asks for a target means this one.

    Returns
    -------
    float32 [m]
    """
    if predictions is None:
        return _scaled(candidates.affinity)
    near = _scaled(predictions.get("relevance", candidates.affinity))
    popularity = predictions["popularity"]
    if rules.target_popularity is not None:
        known = catalogue[candidates.rows]
        popularity = np.where(np.isnan(known), popularity, known)
        popularity = -np.abs(popularity - np.float32(rules.target_popularity))
        # a target says more than the bundle's default weight, which may be 0
        weight = np.float32(max(rules.popularity_weight, 0.5))
    else:
        weight = np.float32(rules.popularity_weight)
    return (1 - weight) * near + weight * _scaled(popularity)


def finish(bundle: Bundle, candidates: Candidates, predictions: Predictions | None, rules: Rules) -> Picks:
    """Choose the list.

    Candidates are one of each recording already, in the order of affinity. Ties go to the nearer track, so
    that equal scores do not depend on anything else.
    """
    scores = blend(candidates, predictions, rules, bundle.popularity)
    if rules.genres:
        codes = [bundle.transform.genre_code(genre) for genre in rules.genres]
        # who asks for genres and nothing else gets what is of them first, each half on the scale of 0..1
        inside = np.isin(bundle.genre[candidates.rows], codes)
        scores = np.float32(0.5) * (scores + inside.astype(np.float32))
    artist = bundle.artist[candidates.rows]
    order = np.argsort(-scores, kind="stable")
    if rules.diversity > 0:
        positions, capped = _diverse(bundle, candidates, scores, artist, rules)
    else:
        positions, capped = take_capped(order, artist, rules.k, rules.max_per_artist)
    return Picks(np.array(positions, np.int64), scores[positions], {"max_per_artist": capped})


def take_capped(
    order: Positions, artist: npt.NDArray[np.int32], k: int, max_per_artist: int
) -> tuple[list[int], int]:
    """The first k positions of an order with at most so many by an artist, and how many were passed over."""
    taken: Counter[int] = Counter()
    picked: list[int] = []
    capped = 0
    for position, number in zip(order.tolist(), artist[order].tolist(), strict=True):
        if taken[number] >= max_per_artist:
            capped += 1
            continue
        taken[number] += 1
        picked.append(position)
        if len(picked) == k:
            break
    return picked, capped


def _diverse(
    bundle: Bundle, candidates: Candidates, scores: Floats, artist: npt.NDArray[np.int32], rules: Rules
) -> tuple[list[int], int]:
    """Maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998): each pick maximises
    ``(1 − λ)·score − λ·similarity to the nearest pick``, λ = diversity.
    """
    vectors = bundle.embedding[candidates.rows]
    scale = max(float(np.median(candidates.distances)), 1e-6) if len(vectors) else 1.0
    trade = np.float32(rules.diversity)
    nearest = np.zeros(len(scores), np.float32)
    open_ = np.ones(len(scores), np.bool_)
    taken: Counter[int] = Counter()
    picked: list[int] = []
    capped = 0
    while len(picked) < rules.k and open_.any():
        value = np.where(open_, (1 - trade) * scores - trade * nearest, -np.inf)
        # candidates stand in the order of affinity, so argmax breaks ties by nearness
        best = int(value.argmax())
        picked.append(best)
        open_[best] = False
        taken[int(artist[best])] += 1
        if taken[int(artist[best])] >= rules.max_per_artist:
            same = open_ & (artist == artist[best])
            capped += int(same.sum())
            open_ &= ~same
        away = np.linalg.norm(vectors - vectors[best], axis=1)
        nearest = np.maximum(nearest, np.exp(-away / scale))
    return picked, capped


def _scaled(values: Floats) -> Floats:
    """Scale to 0..1 within the request; all alike: 0."""
    if not len(values):
        return values
    # what .min() and .max() end in
    low, high = np.minimum.reduce(values), np.maximum.reduce(values)
    return np.zeros_like(values) if high <= low else (values - low) / (high - low)
