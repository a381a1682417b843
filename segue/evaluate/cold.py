"""Cold start: seeds of artists never trained on, seeds in no training playlist and such tracks as what is
recommended, tracks of no catalogue.
"""

from __future__ import annotations

import numpy as np

from segue.evaluate.findings import Figure, PartFindings
from segue.evaluate.judge import Judge
from segue.evaluate.lists import padded
from segue.evaluate.measure import NEAREST, SEGUE, STANDARDISED, TITLES, Subject
from segue.evaluate.metrics import Flags, Rows, compact
from segue.recommend.request import Filters, Request

__all__ = ["candidate_recall", "parts"]

# Candidates that recall is told at.
_DEPTHS = (200, 500)
# Requests by raw features are searched one by one, because each leaves out another track.
_MAX_UNKNOWN = 300
_SHOWN = ("precision", "artist_filtered_precision", "artist_filtered_ndcg")


def parts(subject: Subject) -> dict[str, PartFindings]:
    """Figures of the seeds that are reported apart; empty without playlists."""
    if subject.entries is None or not subject.test.relevance.playlists:
        return {}
    _, track = subject.entries
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
    """Whether tracks that nobody listened to are found.

    All others are taken out of the lists, and do not count as relevant.
    """
    known = np.zeros(subject.bundle.size, np.bool_)
    if subject.entries is not None:
        known[subject.entries[1]] = True
    relevance = subject.test.relevance.among(~known)
    which = relevance.counts > 0
    judge = subject.judge(relevance.take(which))
    lists = {
        name: compact(subject.lists[name][which], known[subject.lists[name][which]])
        for name in (SEGUE, NEAREST, STANDARDISED)
        if name in subject.lists
    }
    return PartFindings(
        title="Only tracks in no training playlist, as what is recommended",
        seeds=int(which.sum()),
        figures={TITLES[name]: _figures(judge, found) for name, found in lists.items()},
    )


def _figures(judge: Judge, lists: Rows) -> dict[str, Figure]:
    if not len(lists):
        return {}
    per_seed = judge.per_seed(lists)
    return Figure.of_each(judge.intervals({name: per_seed[name] for name in _SHOWN if name in per_seed}))


def _of_no_catalogue(subject: Subject) -> PartFindings:
    """Test seeds asked for by their features alone, as tracks that are in no catalogue; their own recordings
    are left out, or each would come first.
    """
    bundle, seeds = subject.bundle, subject.test.judge.seeds
    at = np.sort(
        np.random.default_rng(subject.settings.seed).choice(
            len(seeds), min(_MAX_UNKNOWN, len(seeds)), replace=False
        )
    )
    recommender = subject.test.pools.recommender
    rules = subject.rules(subject.weight)
    wanted = {
        "k": rules.k,
        "popularity_weight": rules.popularity_weight,
        "max_per_artist": rules.max_per_artist,
    }
    asked, pools = [], []
    for row in seeds[at].tolist():
        own = [bundle.value("track_id", int(other)) for other in bundle.lookup.same_recordings(row)]
        request = Request(
            features=_features(subject, row),
            filters=Filters(exclude_tracks=own[:1000]),
            candidates=subject.settings.neighbours,
        )
        pools.extend(recommender.prepare([request]))
        asked.append(request.model_copy(update=wanted))
    predictions = recommender.rank(pools, subject.ranker)
    lists = [
        pool.rows[recommender.choose(request, pool, prediction).positions]
        for request, pool, prediction in zip(asked, pools, predictions, strict=True)
    ]
    which = np.zeros(len(seeds), np.bool_)
    which[at] = True
    judge = subject.judge(subject.test.relevance.take(which))
    return PartFindings(
        title="Seeds by their features alone, as tracks of no catalogue",
        seeds=len(at),
        figures={TITLES[SEGUE]: _figures(judge, padded(lists, rules.k))},
    )


def _features(subject: Subject, row: int) -> dict[str, bool | float | str | None]:
    """The known features of a track, by name."""
    transform = subject.bundle.transform
    values = dict(zip(transform.features, subject.bundle.features[row].tolist(), strict=True))
    genre = values.pop("genre", float("nan"))
    known: dict[str, bool | float | str | None] = {k: v for k, v in values.items() if np.isfinite(v)}
    return known | ({"genre": transform.genres[int(genre)]} if np.isfinite(genre) else {})


def candidate_recall(subject: Subject) -> dict[int, Figure]:
    """Share of the relevant tracks among the candidates of a seed; empty without playlists."""
    judge = subject.test.judge
    if not subject.test.relevance.playlists:
        return {}
    near = subject.neighbours(max(_DEPTHS))
    return {depth: Figure.of(judge.draws.mean(judge.recall(near, depth))) for depth in _DEPTHS}
