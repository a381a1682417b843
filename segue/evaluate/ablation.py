"""What each part gives: the same training without it, judged on the same held-out playlists."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from segue.bundle.definition import BundleDefinition
from segue.errors import InteractionsError
from segue.evaluate.findings import Figure
from segue.evaluate.judge import Judge
from segue.evaluate.measure import Subject
from segue.evaluate.metrics import Floats
from segue.evaluate.settings import EvaluationSettings
from segue.recommend.model import Bundle
from segue.recommend.rerank import LocalRanker

__all__ = ["FIGURES", "Ablation", "PerSeed", "compare", "measure"]

# What is told of each training, and how it is called.
FIGURES = {
    "precision": "P@10",
    "artist_filtered_precision": "P@10, other artists",
    "recall_at_500": "recall@500 in retrieval",
}
_DEPTH = 500

PerSeed = dict[str, Floats]


class Ablation(BaseModel):
    """One training's figures.

    Attributes
    ----------
    left_out
        What it did without, joined by ``+``; empty for the whole.
    figures
        By name of `FIGURES`.
    gain
        This minus the whole, paired by seed; empty for the whole itself.
    popularity_weight
        The default that its own validation playlists chose.
    """

    model_config = ConfigDict(frozen=True)

    left_out: str
    figures: dict[str, Figure]
    gain: dict[str, Figure]
    popularity_weight: float


def measure(
    definition: BundleDefinition,
    parts: Mapping[str, Path],
    preprocessed: Path,
    *,
    settings: EvaluationSettings,
) -> tuple[Judge, PerSeed, float]:
    """Judge one training as `evaluate` does.

    Parameters
    ----------
    definition, parts
        The training as a bundle: its definition, and where each of its files lies.
    preprocessed
        Folder of the preprocess step.
    settings
        How it is judged.

    Returns
    -------
    The judge, whose seeds are the same for every training on one preprocessed folder; each of `FIGURES` by
    seed, float64 [q]; and the default ``popularity_weight`` that was chosen for it.

    Raises
    ------
    InteractionsError
        There are too few test playlists to judge by.
    """
    subject = Subject(
        bundle=Bundle(definition, parts.__getitem__),
        ranker=LocalRanker(definition, parts.__getitem__, threads=2),
        preprocessed=preprocessed,
        settings=settings,
    )
    judge = subject.test.judge
    found = len(np.unique(judge.relevance.clusters)) if judge.relevance.playlists else 0
    if found < settings.min_playlists:
        raise InteractionsError(
            f"an ablation is judged on playlists: {found} of the test part have tracks to judge by, and at "
            f"least {settings.min_playlists} are needed; give more playlists with --interactions"
        )
    figures = judge.per_seed(subject.test.pools.lists(subject.rules(subject.weight)))
    figures["recall_at_500"] = judge.recall(subject.neighbours(_DEPTH), _DEPTH)
    return judge, {name: figures[name] for name in FIGURES}, subject.weight


def compare(judge: Judge, left_out: str, tried: PerSeed, whole: PerSeed, weight: float) -> Ablation:
    """One training's figures, and what it gains on the whole."""
    return Ablation(
        left_out=left_out,
        figures=Figure.of_each(judge.intervals(tried)),
        gain=Figure.of_each(judge.differences(tried, whole)) if left_out else {},
        popularity_weight=weight,
    )
