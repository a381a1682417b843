"""Learning from playlists: the embedding that is indexed, and the relevance model; each only if it helps.

Both are tried on validation playlists. What does not find more, or order better, than what is there without
it is left out, and `LearningResult.report` says so.
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

# Factors on the artist block, whose vectors have length 1 while random tracks lie 1 apart in the taste block.
ARTIST_WEIGHTS = (0.0, 0.35, 0.5, 0.7)
# Fewer training playlists teach nothing that holds for others.
MIN_PLAYLISTS = 12


@dataclass
class LearningResult:
    """What was learned.

    Attributes
    ----------
    transform, embedding
        float32 [n, d]; standardised columns where nothing was learned.
    booster, columns
        The relevance model and what it reads; None where there is none.
    report
        For training.json and the report: what was tried, what it gave, and what was chosen.
    """

    transform: FeatureTransform
    embedding: Floats
    booster: lgb.Booster | None
    columns: list[str]
    report: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class LearningData:
    """What there is to learn from.

    Attributes
    ----------
    table
        The catalogue in its standardised columns.
    transform
        The fitted transform, without anything learned.
    recording
        int32 [n].
    training
        bool [n], tracks of training artists.
    entries
        Training playlists; None where there are none.
    validation
        EmbeddedValidation playlists; None where there are none.
    """

    table: TrackTable
    transform: FeatureTransform
    recording: Rows
    training: npt.NDArray[np.bool_]
    entries: Entries | None
    validation: Validation | None


@dataclass(frozen=True)
class EmbeddedValidation:
    """Validation seeds, the catalogue in the chosen embedding, and the candidates it retrieves for them.

    Attributes
    ----------
    validation
        The seeds and their judge.
    table
        The catalogue.
    candidates
        int32 [q, candidates].
    """

    validation: Validation
    table: TrackTable
    candidates: Rows


def learn(data: LearningData, *, settings: TrainSettings, progress: Callable[[str], None]) -> LearningResult:
    """Learn from the training playlists; `progress` is told how far it is."""
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
    progress(f"learning relevance from {len(examples.sizes):,} queries")
    chosen = EmbeddedValidation(validation, embedded(table, fit, listening.inputs), candidates)
    _choose_ranker(result, chosen, examples, settings)
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
    """The learned embedding with the artist weight that finds most, None where standardised columns do; and
    the validation candidates.
    """
    candidates = validation.retrieve(result.embedding)
    standard = validation.recall(candidates)
    result.report["recall"] = {"standardised": round(standard, 5)}
    fit = _fit(listening, entries, settings)
    if fit is None:
        result.report["outcome"] = "the playlists taught nothing: standardised features are kept"
        return None, candidates
    best, chosen = standard, None
    for weight in ARTIST_WEIGHTS if fit.vectors.shape[1] else (0.0,):
        weighted = fit.weighted(weight)
        retrieved = validation.retrieve(weighted.embedding(listening.inputs, listening.artist))
        found = validation.recall(retrieved)
        result.report["recall"][f"learned, artists at {weight:g}"] = round(found, 5)
        if found > best:
            best, chosen, candidates = found, weighted, retrieved
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
) -> Examples:
    """Examples of every fold, each in the embedding that the other folds taught."""
    parts = []
    for own in folds_of(entries, settings.folds, seed=settings.seed):
        taught = _fit(listening, entries.take(~own), settings)
        if taught is None:
            continue
        table = embedded(data.table, taught.weighted(result.report["artist_weight"]), listening.inputs)
        parts.append(
            make_examples(
                table,
                data.recording,
                result.columns,
                entries.take(own),
                queries=settings.max_queries // settings.folds,
                candidates=settings.candidates,
                seed=settings.seed,
            )
        )
    return Examples.join(parts)


def _choose_ranker(
    result: LearningResult, embedded_seeds: EmbeddedValidation, examples: Examples, settings: TrainSettings
) -> None:
    """Keep the relevance model if it orders validation candidates better than nearness does."""
    validation, candidates = embedded_seeds.validation, embedded_seeds.candidates
    nearest = validation.precision(candidates)

    def tried(with_these: TrainSettings) -> tuple[float, lgb.Booster]:
        booster = fit_relevance(examples, result.columns, with_these)
        scores = validation.scores(
            booster, result.columns, embedded_seeds.table, candidates, settings.threads
        )
        return validation.precision(candidates, scores), booster

    if settings.trials:
        settings, result.report["trials"] = search(settings, lambda these: tried(these)[0])
    ranked, booster = tried(settings)
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
