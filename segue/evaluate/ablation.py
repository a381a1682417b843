"""Ablation: the same training without a part, evaluated on the same held-out playlists."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from segue.bundle.definition import BundleDefinition
from segue.errors import InteractionsError
from segue.evaluate.bootstrap import Figure
from segue.evaluate.judge import Judge
from segue.evaluate.measure import Subject
from segue.evaluate.metrics import Floats
from segue.evaluate.settings import EvaluationSettings
from segue.recommend.model import Bundle
from segue.recommend.rerank import LocalRanker

__all__ = ["FIGURES", "Ablation", "PerSeed", "compare", "measure"]

# The metrics of each training, and their titles.
FIGURES = {
    "precision": "P@10",
    "artist_filtered_precision": "P@10, other artists",
    "recall_at_500": "recall@500 in retrieval",
}
_DEPTH = 500

PerSeed = dict[str, Floats]


class Ablation(BaseModel):
    """Metrics of one training.

    Attributes
    ----------
    left_out
        The parts left out, joined by ``+``; empty for the complete training.
    figures
        Metrics, by the names in `FIGURES`.
    gain
        This training minus the complete one, paired by seed; empty for the complete one.
    popularity_weight
        The default chosen on the validation playlists.
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
    """Evaluate one training as `evaluate` does.

    Returns
    -------
    The judge, whose seeds are the same for every training on one preprocessed folder; the metrics of
    `FIGURES` per seed, float64 [q] each; and the chosen default ``popularity_weight``.

    Raises
    ------
    InteractionsError
        There are too few test playlists.
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
            f"an ablation is judged on playlists: {found} of the test split have tracks to judge by, and at "
            f"least {settings.min_playlists} are needed; give more playlists with --interactions"
        )
    figures = judge.per_seed(subject.test.pools.lists(subject.rules(subject.weight)))
    figures["recall_at_500"] = judge.recall(subject.neighbours(_DEPTH), _DEPTH)
    return judge, {name: figures[name] for name in FIGURES}, subject.weight


def compare(judge: Judge, left_out: str, found: PerSeed, complete: PerSeed, weight: float) -> Ablation:
    """Metrics of one training with their intervals, and its differences to the complete training."""
    return Ablation(
        left_out=left_out,
        figures=judge.intervals(found),
        gain=judge.differences(found, complete) if left_out else {},
        popularity_weight=weight,
    )
