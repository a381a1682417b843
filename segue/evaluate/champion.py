"""Comparison of a bundle with the base design, or with the champion on the seeds of both catalogues."""

from __future__ import annotations

import numpy as np

from segue.evaluate.baselines import finish
from segue.evaluate.gate import Leading, compare
from segue.evaluate.lists import fetch_pools
from segue.evaluate.measure import BASE_DESIGN, SEGUE, Subject
from segue.evaluate.metrics import Rows
from segue.recommend.finish import Rules
from segue.recommend.model import Bundle
from segue.recommend.recommender import Recommender
from segue.recommend.rerank import LocalRanker

__all__ = ["against_base_design", "against_champion"]


def against_base_design(subject: Subject) -> Leading | None:
    """Compare Segue's leading metric with the base design's; None without a leading metric."""
    if subject.leading is None:
        return None
    judge, metric = subject.test.judge, subject.leading
    return compare(
        judge.leading(subject.lists[SEGUE], metric),
        judge.leading(subject.lists[BASE_DESIGN], metric),
        judge.draws,
        metric=metric,
        label=subject.labels[metric],
        against="the base design",
    )


def against_champion(subject: Subject, champion: Bundle) -> Leading | None:
    """Compare Segue's leading metric with the champion's, on the seeds that both catalogues have.

    The champion answers from its own catalogue with its own defaults. Tracks that the new catalogue lacks are
    removed from its lists, since their relevance is unknown. None without a leading metric.
    """
    if subject.leading is None:
        return None
    relevance = subject.test.relevance
    champion_rows = [
        champion.lookup.row_of(subject.bundle.value("track_id", int(row))) for row in relevance.seeds
    ]
    both = np.array([row is not None for row in champion_rows])
    judge = subject.judge(relevance.take(both))
    rows = np.array([row for row in champion_rows if row is not None], np.int32)
    metric = subject.leading
    return compare(
        judge.leading(subject.lists[SEGUE][both], metric),
        judge.leading(_translated(subject, champion, _lists(subject, champion, rows), judge.seeds), metric),
        judge.draws,
        metric=metric,
        label=subject.labels[metric],
        against="the champion",
    )


def _lists(subject: Subject, champion: Bundle, seeds: Rows) -> Rows:
    defaults = champion.definition.defaults
    ranker = LocalRanker(champion.definition, champion.path, threads=2)
    pools = fetch_pools(
        Recommender(champion),
        ranker,
        seeds,
        candidates=defaults.candidates,
        progress=lambda text: subject.progress(f"champion: {text}"),
    )
    return pools.lists(
        Rules(
            k=subject.settings.depth,
            popularity_weight=defaults.popularity_weight,
            diversity=defaults.diversity,
            max_per_artist=defaults.max_per_artist,
        )
    )


def _translated(subject: Subject, champion: Bundle, lists: Rows, seeds: Rows) -> Rows:
    """The champion's lists as rows of the new catalogue, without tracks that it lacks."""
    used = np.unique(lists[lists >= 0])
    table = np.full(champion.size, -1, np.int32)
    for row in used.tolist():
        new = subject.bundle.lookup.row_of(champion.value("track_id", row))
        table[row] = -1 if new is None else new
    # the new catalogue may group recordings differently
    return finish(np.where(lists >= 0, table[lists], -1), seeds, subject.bundle.recording, lists.shape[1])
