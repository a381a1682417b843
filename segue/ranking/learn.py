"""Learning from playlists: the embedding that is indexed, and the relevance model; each only if it helps.

Both are tried on validation playlists. What does not find more, or order better, than what is there without
it is left out, and `Lesson.told` says so.
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
from segue.ranking.columns import TrackTable
from segue.ranking.examples import Examples, embedded, folds_of, make_examples
from segue.ranking.relevance import fit_relevance, relevance_columns
from segue.ranking.search import search
from segue.ranking.settings import TrainSettings
from segue.ranking.trial import Trial

__all__ = ["Lesson", "Material", "learn"]

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int32]

# Factors on the artist block, whose vectors have length 1 while random tracks lie 1 apart in the taste block.
ARTIST_WEIGHTS = (0.0, 0.35, 0.5, 0.7)
# Fewer training playlists teach nothing that holds for others.
MIN_PLAYLISTS = 12


@dataclass
class Lesson:
    """What was learned.

    Attributes
    ----------
    transform, embedding
        float32 [n, d]; standardised columns where nothing was learned.
    booster, columns
        The relevance model and what it reads; None where there is none.
    told
        For training.json and the report: what was tried, what it gave, and what was chosen.
    """

    transform: FeatureTransform
    embedding: Floats
    booster: lgb.Booster | None
    columns: list[str]
    told: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Material:
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
    trial
        Validation playlists; None where there are none.
    """

    table: TrackTable
    transform: FeatureTransform
    recording: Rows
    training: npt.NDArray[np.bool_]
    entries: Entries | None
    trial: Trial | None


@dataclass(frozen=True)
class Validation:
    """Validation seeds, with the catalogue in the embedding that was chosen, and what it retrieves for them.

    Attributes
    ----------
    trial
        The seeds and their judge.
    table
        The catalogue.
    candidates
        int32 [q, candidates].
    """

    trial: Trial
    table: TrackTable
    candidates: Rows


def learn(material: Material, *, settings: TrainSettings, progress: Callable[[str], None]) -> Lesson:
    """Learn from the training playlists; `progress` is told how far it is."""
    table, transform, trial = material.table, material.transform, material.trial
    lesson = Lesson(transform, table.embedding, None, [], {"outcome": "no playlists were given"})
    if material.entries is None or trial is None:
        return lesson
    entries = material.entries.sample(settings.max_entries)
    playlists = len(entries.playlists)
    lesson.told = {"playlists": playlists, "entries": len(entries.track)}
    if playlists < MIN_PLAYLISTS or not trial.is_possible:
        lesson.told["outcome"] = "too few playlists to learn from: standardised features are kept"
        return lesson
    listening = CoListening(table.embedding, table.popularity, table.artist, material.training)
    progress(f"learning the embedding from {playlists:,} playlists")
    fit, candidates = _choose_embedding(lesson, listening, entries, trial, settings)
    if fit is None:
        return lesson
    lesson.transform = transform.model_copy(update={"learned": fit.learned})
    lesson.embedding = fit.embedding(listening.inputs, table.artist)
    if "reranker" in settings.leave_out or not settings.relevance_rounds:
        lesson.told["outcome"] = "the learned embedding is used; no relevance model was asked for"
        return lesson
    lesson.columns = relevance_columns(settings.leave_out)
    progress("retrieving for training queries")
    examples = _examples(material, listening, entries, lesson, settings)
    progress(f"learning relevance from {len(examples.sizes):,} queries")
    validation = Validation(trial, embedded(table, fit, listening.inputs), candidates)
    _choose_ranker(lesson, validation, examples, settings)
    return lesson


def _fit(listening: CoListening, entries: Entries, settings: TrainSettings) -> Fit | None:
    return listening.fit(
        entries,
        with_metric="metric" not in settings.leave_out,
        with_artists="artist" not in settings.leave_out,
    )


def _choose_embedding(
    lesson: Lesson, listening: CoListening, entries: Entries, trial: Trial, settings: TrainSettings
) -> tuple[Fit | None, Rows]:
    """The learned embedding with the artist weight that finds most, None where standardised columns do; and
    the validation candidates.
    """
    candidates = trial.retrieve(lesson.embedding)
    standard = trial.recall(candidates)
    lesson.told["recall"] = {"standardised": round(standard, 5)}
    fit = _fit(listening, entries, settings)
    if fit is None:
        lesson.told["outcome"] = "the playlists taught nothing: standardised features are kept"
        return None, candidates
    best, chosen = standard, None
    for weight in ARTIST_WEIGHTS if fit.vectors.shape[1] else (0.0,):
        weighted = fit.weighted(weight)
        retrieved = trial.retrieve(weighted.embedding(listening.inputs, listening.artist))
        found = trial.recall(retrieved)
        lesson.told["recall"][f"learned, artists at {weight:g}"] = round(found, 5)
        if found > best:
            best, chosen, candidates = found, weighted, retrieved
    if chosen is None:
        lesson.told["outcome"] = "the learned embedding finds no more: standardised features are kept"
        return None, candidates
    lesson.told["artist_weight"] = chosen.learned.artist_weight if chosen.learned.artist_width else 0.0
    return chosen, candidates


def _examples(
    material: Material, listening: CoListening, entries: Entries, lesson: Lesson, settings: TrainSettings
) -> Examples:
    """Examples of every fold, each in the embedding that the other folds taught."""
    parts = []
    for own in folds_of(entries, settings.folds, seed=settings.seed):
        taught = _fit(listening, entries.take(~own), settings)
        if taught is None:
            continue
        table = embedded(material.table, taught.weighted(lesson.told["artist_weight"]), listening.inputs)
        parts.append(
            make_examples(
                table,
                material.recording,
                lesson.columns,
                entries.take(own),
                queries=settings.max_queries // settings.folds,
                candidates=settings.candidates,
                seed=settings.seed,
            )
        )
    return Examples.join(parts)


def _choose_ranker(
    lesson: Lesson, validation: Validation, examples: Examples, settings: TrainSettings
) -> None:
    """Keep the relevance model if it orders validation candidates better than nearness does."""
    trial, candidates = validation.trial, validation.candidates
    nearest = trial.precision(candidates)

    def tried(with_these: TrainSettings) -> tuple[float, lgb.Booster]:
        booster = fit_relevance(examples, lesson.columns, with_these)
        scores = trial.scores(booster, lesson.columns, validation.table, candidates, settings.threads)
        return trial.precision(candidates, scores), booster

    if settings.trials:
        settings, lesson.told["trials"] = search(settings, lambda these: tried(these)[0])
    ranked, booster = tried(settings)
    lesson.told |= {
        "queries": len(examples.sizes),
        "rows": len(examples.labels),
        "precision": {"nearest": round(nearest, 5), "ranked": round(ranked, 5)},
    }
    if ranked > nearest:
        lesson.booster = booster
        lesson.told["outcome"] = "the learned embedding and the relevance model are used"
    else:
        lesson.told["outcome"] = "the learned embedding is used; the relevance model ordered no better"
