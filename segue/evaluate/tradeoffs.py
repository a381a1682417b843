"""What diversity and the artist cap cost and give: the other two knobs of a list beside popularity_weight."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from segue.evaluate.findings import Figure, Tradeoff
from segue.evaluate.judge import Judge
from segue.evaluate.lists import SeedPools
from segue.evaluate.measure import Subject
from segue.evaluate.metrics import Rows
from segue.recommend.finish import Rules

__all__ = ["tradeoffs"]

_DIVERSITY = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7)
_CAPS = (1, 2, 3, 5)
# Choosing diverse lists compares each candidate with each pick.
_MAX_SEEDS = 400
_TOLD = ("intra_list_distance", "artists_per_list", "popularity")


def tradeoffs(subject: Subject) -> list[Tradeoff]:
    """Figures of the lists over `diversity` and over `max_per_artist`, on validation seeds.

    One knob moves, the others stand at their defaults. Empty where no figure leads.
    """
    if subject.leading is None:
        return []
    subject.progress("measuring what diversity costs")
    judge, pools = _sample(subject)
    default = subject.rules(subject.weight)
    values = {"diversity": _DIVERSITY, "max_per_artist": (*_CAPS, default.k)}
    return [
        _measure(judge, pools.lists(_rules(default, setting, value)), subject.leading, (setting, value))
        for setting, given in values.items()
        for value in given
    ]


def _rules(rules: Rules, setting: str, value: float) -> Rules:
    """The default rules with one of them moved."""
    if setting == "diversity":
        return replace(rules, diversity=value)
    return replace(rules, max_per_artist=int(value))


def _sample(subject: Subject) -> tuple[Judge, SeedPools]:
    """Some of the validation seeds, with their candidates."""
    part = subject.validation
    which = np.zeros(len(part.judge.seeds), np.bool_)
    which[np.random.default_rng(subject.settings.seed).permutation(len(which))[:_MAX_SEEDS]] = True
    return subject.judge(part.relevance.take(which)), part.pools.take(which)


def _measure(judge: Judge, lists: Rows, leading: str, at: tuple[str, float]) -> Tradeoff:
    per_seed, overall = judge.per_seed(lists), judge.overall(lists)
    setting, value = at
    return Tradeoff(
        setting=setting,
        value=value,
        leading=Figure.of(judge.draws.mean(judge.leading(lists, leading))),
        figures={
            **{name: judge.draws.mean(per_seed[name]).as_dict()["mean"] for name in _TOLD},
            "popularity_lift": overall["popularity_lift"],
            "hubness": overall["hubness"],
        },
    )
