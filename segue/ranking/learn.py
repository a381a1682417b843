"""Learning from playlists: the indexed embedding and the relevance model, each kept only if it helps.

On validation playlists the learned embedding must find more relevant tracks than the standardised features,
and the relevance model must order them better than distance. `LearningResult.report` says what was kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from segue.features.colistening import CoListening, Entries, Fit
from segue.features.transform import FeatureTransform
from segue.ranking.examples import Examples, embedded, folds_of, make_examples
from segue.ranking.relevance import fit_relevance, relevance_columns
from segue.ranking.search import search
from segue.ranking.settings import TrainSettings
from segue.ranking.validation import Validation
from segue.recommend.ranking_matrix import TrackTable

__all__ = ["LearningData", "LearningResult", "learn"]

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int32]

# Factors on the artist block. Its vectors have length 1; random tracks are at a distance of 1 in the taste
# block.
ARTIST_WEIGHTS = (0.0, 0.35, 0.5, 0.7)
# What is learned from fewer training playlists does not generalise.
MIN_PLAYLISTS = 12


@dataclass
class LearningResult:
    """What was learned.

    Attributes
    ----------
    transform, embedding
        float32 [n, d]; the standardised columns if nothing was learned.
    booster, columns
        The relevance model, None if none was kept, and its columns.
    report
        For training.json and the report: what was tried, how it scored, and what was kept.
    """

    transform: FeatureTransform
    embedding: Floats
    booster: lgb.Booster | None
    columns: list[str]
    report: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class LearningData:
    """The training data.

    Attributes
    ----------
    table
        The catalogue, embedded by its standardised columns.
    transform
        The fitted transform, without anything learned.
    recording
        int32 [n].
    training
        bool [n], tracks of training artists.
    entries, validation
        Training and validation playlists; None without playlists.
    """

    table: TrackTable
    transform: FeatureTransform
    recording: Rows
    training: npt.NDArray[np.bool_]
    entries: Entries | None
    validation: Validation | None


def learn(data: LearningData, *, settings: TrainSettings, progress: Callable[[str], None]) -> LearningResult:
    """Learn from the training playlists; `progress` is called with a message at each stage."""
    table, transform, validation = data.table, data.transform, data.validation
    result = LearningResult(transform, table.embedding, None, [], {"outcome": "no playlists were given"})
    if data.entries is None or validation is None:
        return result
    entries = data.entries.sample(settings.max_entries)
    playlists = len(entries.playlists)
    result.report = {"playlists": playlists, "entries": len(entries.track)}
    if playlists < MIN_PLAYLISTS or not validation.is_possible:
        result.report["outcome"] = "too few playlists to learn from: standardised features are kept"
        return result
    listening = CoListening(table.embedding, table.popularity, table.artist, data.training)
    progress(f"learning the embedding from {playlists:,} playlists")
    fit, candidates = _choose_embedding(result, listening, entries, validation, settings)
    if fit is None:
        return result
    result.transform = transform.model_copy(update={"learned": fit.learned})
    result.embedding = fit.embedding(listening.inputs, table.artist)
    if "reranker" in settings.leave_out or not settings.relevance_rounds:
        result.report["outcome"] = "the learned embedding is used; no relevance model was asked for"
        return result
    result.columns = relevance_columns(settings.leave_out)
    progress("retrieving for training queries")
    examples = _examples(data, listening, entries, result, settings)
    if examples is None:
        result.report["outcome"] = "the learned embedding is used; too few playlists for a relevance model"
        return result
    progress(f"learning relevance from {len(examples.sizes):,} queries")
    chosen = embedded(table, fit, listening.inputs)
    _choose_ranker(result, validation, chosen, candidates, examples, settings=settings)
    return result


def _fit(listening: CoListening, entries: Entries, settings: TrainSettings) -> Fit | None:
    return listening.fit(
        entries,
        with_metric="metric" not in settings.leave_out,
        with_artists="artist" not in settings.leave_out,
    )


def _choose_embedding(
    result: LearningResult,
    listening: CoListening,
    entries: Entries,
    validation: Validation,
    settings: TrainSettings,
) -> tuple[Fit | None, Rows]:
    """The learned embedding with the artist weight of the best recall, and the validation candidates in it.

    The embedding is None if the standardised columns recall as much.
    """
    candidates = validation.retrieve(result.embedding)
    standard = validation.recall(candidates)
    result.report["recall"] = {"standardised": round(standard, 5)}
    fit = _fit(listening, entries, settings)
    if fit is None:
        result.report["outcome"] = "nothing was learned from the playlists: standardised features are kept"
        return None, candidates
    best, chosen = standard, None
    for weight in ARTIST_WEIGHTS if fit.vectors.shape[1] else (0.0,):
        weighted = fit.weighted(weight)
        retrieved = validation.retrieve(weighted.embedding(listening.inputs, listening.artist))
        recall = validation.recall(retrieved)
        result.report["recall"][f"learned, artists at {weight:g}"] = round(recall, 5)
        if recall > best:
            best, chosen, candidates = recall, weighted, retrieved
    if chosen is None:
        result.report["outcome"] = "the learned embedding finds no more: standardised features are kept"
        return None, candidates
    result.report["artist_weight"] = chosen.learned.artist_weight if chosen.learned.artist_width else 0.0
    return chosen, candidates


def _examples(
    data: LearningData,
    listening: CoListening,
    entries: Entries,
    result: LearningResult,
    settings: TrainSettings,
) -> Examples | None:
    """Examples of every fold, each in the embedding learned from the other folds; None if there are none."""
    parts = []
    for own in folds_of(entries, settings.folds, seed=settings.seed):
        # there may be more folds than playlists
        fit = _fit(listening, entries.take(~own), settings) if own.any() else None
        if fit is None:
            continue
        table = embedded(data.table, fit.weighted(result.report["artist_weight"]), listening.inputs)
        examples = make_examples(
            table,
            data.recording,
            result.columns,
            entries.take(own),
            queries=settings.max_queries // settings.folds,
            candidates=settings.candidates,
            seed=settings.seed,
        )
        if len(examples.sizes):
            parts.append(examples)
    return Examples.join(parts) if parts else None


def _choose_ranker(
    result: LearningResult,
    validation: Validation,
    table: TrackTable,
    candidates: Rows,
    examples: Examples,
    *,
    settings: TrainSettings,
) -> None:
    """Keep the relevance model if it orders validation candidates better than distance does."""
    nearest = validation.precision(candidates)

    def fit_and_score(trial: TrainSettings) -> tuple[float, lgb.Booster]:
        booster = fit_relevance(examples, result.columns, trial)
        scores = validation.scores(booster, result.columns, table, candidates, settings.threads)
        return validation.precision(candidates, scores), booster

    if settings.trials:
        settings, result.report["trials"] = search(settings, lambda trial: fit_and_score(trial)[0])
    ranked, booster = fit_and_score(settings)
    result.report |= {
        "queries": len(examples.sizes),
        "rows": len(examples.labels),
        "precision": {"nearest": round(nearest, 5), "ranked": round(ranked, 5)},
    }
    if ranked > nearest:
        result.booster = booster
        result.report["outcome"] = "the learned embedding and the relevance model are used"
    else:
        result.report["outcome"] = "the learned embedding is used; the relevance model ordered no better"
