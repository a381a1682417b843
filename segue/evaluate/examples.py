"""Example lists for well-known seeds: the most popular track of each of the largest genres."""

from __future__ import annotations

import numpy as np

from segue.bundle.definition import RequestDefaults
from segue.evaluate.findings import Example, ExampleTrack
from segue.evaluate.measure import Subject
from segue.evaluate.metrics import Rows
from segue.recommend.finish import Rules, finish
from segue.recommend.model import Bundle
from segue.recommend.recommender import Recommender
from segue.recommend.request import Request, Seed

__all__ = ["example_lists"]


def example_lists(subject: Subject, defaults: RequestDefaults) -> list[Example]:
    """Lists with the defaults of the bundle, as a listener would get them."""
    bundle = subject.bundle
    seeds = _well_known(subject)
    if not len(seeds):
        return []
    recommender = Recommender(bundle)
    requests = [Request(seeds=[Seed(track_id=bundle.value("track_id", int(row)))]) for row in seeds]
    pools = recommender.prepare(requests)
    rules = Rules(
        k=subject.settings.k,
        popularity_weight=defaults.popularity_weight,
        diversity=defaults.diversity,
        max_per_artist=defaults.max_per_artist,
    )
    examples = []
    for row, pool, prediction in zip(seeds, pools, recommender.rank(pools, subject.ranker), strict=True):
        picks = finish(bundle, pool, prediction, rules).positions
        items = [
            _track(bundle, int(pool.rows[position]), float(pool.similarity[position])) for position in picks
        ]
        code = int(bundle.genre[row])
        genre = bundle.transform.genres[code] if code >= 0 else None
        examples.append(Example(seed=_track(bundle, int(row), 1.0), genre=genre, items=items))
    return examples


def _well_known(subject: Subject) -> Rows:
    """The most popular track of each genre, largest genres first, then of the whole catalogue."""
    bundle, limit = subject.bundle, subject.settings.examples
    popularity = np.nan_to_num(bundle.popularity, nan=-1)
    codes, counts = np.unique(bundle.genre[bundle.genre >= 0], return_counts=True)
    chosen: list[int] = []
    for code in codes[np.argsort(-counts, kind="stable")][:limit]:
        rows = np.flatnonzero(bundle.genre == code)
        chosen.append(int(rows[popularity[rows].argmax()]))
    for row in np.argsort(-popularity, kind="stable")[: 2 * limit].tolist():
        if row not in chosen and len(chosen) < limit:
            chosen.append(row)
    return np.array(chosen[:limit], np.int32)


def _track(bundle: Bundle, row: int, similarity: float) -> ExampleTrack:
    popularity = float(bundle.popularity[row])
    return ExampleTrack(
        track_id=bundle.value("track_id", row),
        track_name=bundle.value("track_name", row),
        artist_name=bundle.value("artist_name", row),
        similarity=round(similarity, 4),
        popularity=None if np.isnan(popularity) else popularity,
    )
