"""Metrics over diversity and the artist cap, the other two settings of a list besides popularity_weight."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from segue.evaluate.findings import Tradeoff
from segue.evaluate.judge import Judge
from segue.evaluate.lists import SeedPools
from segue.evaluate.measure import Subject
from segue.evaluate.metrics import Rows
from segue.recommend.finish import Rules

__all__ = ["tradeoffs"]

_DIVERSITY = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7)
_CAPS = (1, 2, 3, 5)
# Diverse lists are slow: each candidate is compared with each pick.
_MAX_SEEDS = 400
_METRICS = ("intra_list_distance", "artists_per_list", "popularity")


def tradeoffs(subject: Subject) -> list[Tradeoff]:
    """Metrics of the lists over `diversity` and over `max_per_artist`, on validation seeds.

    One setting varies, the others have their defaults. Empty without a leading metric.
    """
    if subject.leading is None:
        return []
    subject.progress("measuring what diversity costs")
    judge, pools = _sample(subject)
    default = subject.rules(subject.weight)
    values = {"diversity": _DIVERSITY, "max_per_artist": (*_CAPS, default.k)}
    return [
        _measure(judge, pools.lists(_rules(default, setting, value)), subject.leading, (setting, value))
        for setting, tried in values.items()
        for value in tried
    ]


def _rules(rules: Rules, setting: str, value: float) -> Rules:
    """The default rules with one setting changed."""
    if setting == "diversity":
        return replace(rules, diversity=value)
    return replace(rules, max_per_artist=int(value))


def _sample(subject: Subject) -> tuple[Judge, SeedPools]:
    """A sample of the validation seeds, with their candidates."""
    validation = subject.validation
    which = np.zeros(len(validation.judge.seeds), np.bool_)
    which[np.random.default_rng(subject.settings.seed).permutation(len(which))[:_MAX_SEEDS]] = True
    return subject.judge(validation.relevance.take(which)), validation.pools.take(which)


def _measure(judge: Judge, lists: Rows, leading: str, at: tuple[str, float]) -> Tradeoff:
    per_seed, overall = judge.per_seed(lists), judge.overall(lists)
    setting, value = at
    return Tradeoff(
        setting=setting,
        value=value,
        leading=judge.draws.mean(judge.leading(lists, leading)),
        figures={
            **{name: judge.draws.mean(per_seed[name]).mean for name in _METRICS},
            "popularity_lift": overall["popularity_lift"],
            "hubness": overall["hubness"],
        },
    )
