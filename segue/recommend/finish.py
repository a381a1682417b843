"""Blend and finish: score the candidates, then pick the list with the requested diversity."""

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

_BELOW_HALF = np.nextafter(np.float32(0.5), np.float32(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """A request's choices, with the bundle's defaults filled in."""

    k: int
    popularity_weight: float
    diversity: float
    max_per_artist: int
    target_popularity: float | None = None
    # set only if the request's positive seeds are all genres
    genres: tuple[str, ...] = ()

    @classmethod
    def of(cls, request: Request, defaults: RequestDefaults) -> Rules:
        """Take the request's choices, and the defaults for those it does not make."""

        def choice(name: str) -> float:
            value = getattr(request, name)
            return float(getattr(defaults, name) if value is None else value)

        genres = [seed.genre for seed in request.seeds if seed.weight > 0]
        only_genres = request.features is None and None not in genres
        return cls(
            k=int(choice("k")),
            popularity_weight=choice("popularity_weight"),
            diversity=choice("diversity"),
            max_per_artist=int(choice("max_per_artist")),
            target_popularity=request.target.get("popularity"),
            genres=tuple(genre for genre in genres if genre) if only_genres else (),
        )


@dataclass(frozen=True, slots=True)
class Picks:
    """The picked list: positions among the candidates, scores, and how many candidates each rule dropped."""

    positions: Positions
    scores: Floats
    dropped: dict[str, int]


def blend(candidates: Candidates, predictions: Predictions | None, rules: Rules, catalogue: Floats) -> Floats:
    """Score the candidates: ``(1 − w)·relevance-or-affinity + w·predicted popularity``.

    Each part is scaled to 0..1 within the request. Without predictions (degraded) the score is the affinity.
    With a target popularity, predicted popularity is replaced by nearness to the target.

    Parameters
    ----------
    catalogue
        float32 [n], popularity of all tracks, NaN missing; compared with a target, and the prediction only
        where it is missing.

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
        # the bundle's default weight may be 0, and the target would have no effect
        weight = np.float32(max(rules.popularity_weight, 0.5))
    else:
        weight = np.float32(rules.popularity_weight)
    return (1 - weight) * near + weight * _scaled(popularity)


def finish(bundle: Bundle, candidates: Candidates, predictions: Predictions | None, rules: Rules) -> Picks:
    """Pick the list from the candidates, which hold one track per recording, ordered by affinity.

    Equal scores are ordered by affinity, so that the list is deterministic.
    """
    scores = blend(candidates, predictions, rules, bundle.popularity)
    if rules.genres:
        codes = [bundle.transform.genre_code(genre) for genre in rules.genres]
        # tracks of the genres score 0.5..1 and come first, all others less than 0.5
        is_in_genres = np.isin(bundle.genre[candidates.rows], codes)
        halved = np.float32(0.5) * scores
        scores = np.where(is_in_genres, np.float32(0.5) + halved, np.minimum(halved, _BELOW_HALF))
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
    """The first k positions of `order`, at most `max_per_artist` per artist, and how many were skipped."""
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
    weight = np.float32(rules.diversity)
    nearest = np.zeros(len(scores), np.float32)
    remaining = np.ones(len(scores), np.bool_)
    taken: Counter[int] = Counter()
    picked: list[int] = []
    capped = 0
    while len(picked) < rules.k and remaining.any():
        value = np.where(remaining, (1 - weight) * scores - weight * nearest, -np.inf)
        # candidates are ordered by affinity, so argmax breaks ties by it
        best = int(value.argmax())
        picked.append(best)
        remaining[best] = False
        taken[int(artist[best])] += 1
        if taken[int(artist[best])] >= rules.max_per_artist:
            same = remaining & (artist == artist[best])
            capped += int(same.sum())
            remaining &= ~same
        distances = np.linalg.norm(vectors - vectors[best], axis=1)
        nearest = np.maximum(nearest, np.exp(-distances / scale))
    return picked, capped


def _scaled(values: Floats) -> Floats:
    """Scale to 0..1 within the request; 0 if all values are equal."""
    if not len(values):
        return values
    # .min() and .max() call these, and are slower
    low, high = np.minimum.reduce(values), np.maximum.reduce(values)
    return np.zeros_like(values) if high <= low else (values - low) / (high - low)
