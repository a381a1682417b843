"""Cold start: metrics for new artists, for seeds and recommended tracks in no training playlist, and for
tracks that are not in the catalogue.
"""

from __future__ import annotations

import numpy as np

from segue.evaluate.bootstrap import Figure
from segue.evaluate.findings import PartFindings
from segue.evaluate.judge import Judge
from segue.evaluate.lists import padded
from segue.evaluate.measure import NEAREST, SEGUE, STANDARDISED, TITLES, Subject
from segue.evaluate.metrics import Flags, Rows, compact
from segue.recommend.request import Filters, Request

__all__ = ["candidate_recall", "parts"]

# Numbers of candidates at which recall is measured.
_DEPTHS = (200, 500)
# Limits requests by raw features: each has its own filter, so they can't share a search.
_MAX_UNKNOWN = 300
_METRICS = ("precision", "artist_filtered_precision", "artist_filtered_ndcg")


def parts(subject: Subject) -> dict[str, PartFindings]:
    """Metrics of subsets of the test seeds; empty without playlists."""
    if subject.entries is None or not subject.test.relevance.playlists:
        return {}
    track = subject.entries.track
    seeds, artist = subject.test.judge.seeds, subject.bundle.artist
    known_artist = np.isin(artist[seeds], np.unique(artist[track]))
    warm = np.isin(seeds, track)
    found = {
        "all": _part(subject, "All seeds", np.ones(len(seeds), np.bool_)),
        "known_artist": _part(subject, "Seeds of artists in training playlists", known_artist),
        "new_artist": _part(subject, "Seeds of artists in no training playlist", ~known_artist),
        "warm": _part(subject, "Seeds in a training playlist", warm),
        "cold": _part(subject, "Seeds in no training playlist", ~warm),
    }
    found["cold_tracks"] = _of_cold_tracks(subject)
    found["no_catalogue"] = _of_no_catalogue(subject)
    return {name: part for name, part in found.items() if part.seeds}


def _part(subject: Subject, title: str, which: Flags) -> PartFindings:
    judge = subject.judge(subject.test.relevance.take(which))
    methods = [name for name in (SEGUE, NEAREST, STANDARDISED) if name in subject.lists]
    return PartFindings(
        title=title,
        seeds=int(which.sum()),
        figures={TITLES[name]: _figures(judge, subject.lists[name][which]) for name in methods},
    )


def _of_cold_tracks(subject: Subject) -> PartFindings:
    """Metrics of recommending tracks in no training playlist.

    All other tracks are removed from the lists and from the relevant tracks.
    """
    known = np.zeros(subject.bundle.size, np.bool_)
    if subject.entries is not None:
        known[subject.entries.track] = True
    relevance = subject.test.relevance.among(~known)
    which = relevance.counts > 0
    judge = subject.judge(relevance.take(which))
    lists = {
        name: compact(subject.lists[name][which], known[subject.lists[name][which]])
        for name in (SEGUE, NEAREST, STANDARDISED)
        if name in subject.lists
    }
    return PartFindings(
        title="Only tracks in no training playlist are recommended",
        seeds=int(which.sum()),
        figures={TITLES[name]: _figures(judge, found) for name, found in lists.items()},
    )


def _figures(judge: Judge, lists: Rows) -> dict[str, Figure]:
    if not len(lists):
        return {}
    per_seed = judge.per_seed(lists)
    return judge.intervals({name: per_seed[name] for name in _METRICS if name in per_seed})


def _of_no_catalogue(subject: Subject) -> PartFindings:
    """Metrics of test seeds requested by their raw features, like tracks that are not in the catalogue.

    The seed's own recording is excluded, since it would come first.
    """
    bundle, seeds = subject.bundle, subject.test.judge.seeds
    at = np.sort(
        np.random.default_rng(subject.settings.seed).choice(
            len(seeds), min(_MAX_UNKNOWN, len(seeds)), replace=False
        )
    )
    recommender = subject.test.pools.recommender
    rules = subject.rules(subject.weight)
    overrides = {
        "k": rules.k,
        "popularity_weight": rules.popularity_weight,
        "max_per_artist": rules.max_per_artist,
    }
    requests, pools = [], []
    for row in seeds[at].tolist():
        own = [bundle.value("track_id", int(other)) for other in bundle.lookup.same_recordings(row)]
        request = Request(
            features=_features(subject, row),
            filters=Filters(exclude_tracks=own[:1000]),
            candidates=subject.settings.neighbours,
        )
        pools.extend(recommender.prepare([request]))
        requests.append(request.model_copy(update=overrides))
    predictions = recommender.rank(pools, subject.ranker)
    lists = [
        pool.rows[recommender.choose(request, pool, prediction).positions]
        for request, pool, prediction in zip(requests, pools, predictions, strict=True)
    ]
    which = np.zeros(len(seeds), np.bool_)
    which[at] = True
    judge = subject.judge(subject.test.relevance.take(which))
    return PartFindings(
        title="Seeds given by their features alone, like tracks outside the catalogue",
        seeds=len(at),
        figures={TITLES[SEGUE]: _figures(judge, padded(lists, rules.k))},
    )


def _features(subject: Subject, row: int) -> dict[str, bool | float | str | None]:
    """A track's known features by name."""
    transform = subject.bundle.transform
    values = dict(zip(transform.features, subject.bundle.features[row].tolist(), strict=True))
    genre = values.pop("genre", float("nan"))
    known: dict[str, bool | float | str | None] = {k: v for k, v in values.items() if np.isfinite(v)}
    return known | ({"genre": transform.genres[int(genre)]} if np.isfinite(genre) else {})


def candidate_recall(subject: Subject) -> dict[int, Figure]:
    """Share of the relevant tracks that are among a seed's candidates; empty without playlists."""
    judge = subject.test.judge
    if not subject.test.relevance.playlists:
        return {}
    near = subject.neighbours(max(_DEPTHS))
    return {depth: judge.draws.mean(judge.recall(near, depth)) for depth in _DEPTHS}
