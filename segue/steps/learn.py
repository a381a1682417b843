"""The train and build_index steps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segue.journal import Journal
from segue.steps.result import StepResult, table
from segue.steps.settings import read

if TYPE_CHECKING:
    from segue.index.tune import IndexPoint

__all__ = ["build_index", "train"]


def train(
    preprocessed: Path, out: Path, *, settings: Mapping[str, Any] | None = None, log: Journal | None = None
) -> StepResult:
    """Embed the tracks, and train the popularity model and the relevance model.

    `settings` are fields of `segue.ranking.settings.TrainSettings`; see `segue.ranking.train.train`.
    """
    from segue.ranking.train import TrainSettings
    from segue.ranking.train import train as run

    log = log or Journal("train")
    log.start()

    trained = run(preprocessed, out, settings=read(TrainSettings, settings or {}), progress=log.tick)
    error = trained.validation_rmse
    rmse = "" if error is None else f", {error:.2f} points off on {trained.validation_rows:,} unseen tracks"
    figures = {
        "trees": trained.trees,
        "train_rows": trained.train_rows,
        "validation_rows": trained.validation_rows,
        "relevance_trees": trained.relevance_trees,
    }
    importance = sorted(trained.importance.items(), key=lambda item: -item[1])
    relevance = sorted(trained.relevance_importance.items(), key=lambda item: -item[1])
    summary = table("What popularity was learned from", ("feature", "gain"), importance)
    summary += table("What was learned from playlists", ("what", "found"), _flat(trained.learning))
    if relevance:
        summary += table("What relevance was learned from", ("column", "gain"), relevance)
    learned = f"; {trained.learning['outcome']}" if "entries" in trained.learning else ""
    return StepResult(
        line=f"{trained.trees} trees on {trained.train_rows:,} tracks{rmse}{learned}",
        metrics=figures if error is None else {**figures, "validation_rmse": error},
        summary=summary,
    )


def _flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Names and values of a nested mapping; lists are left out."""
    rows: list[tuple[str, Any]] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            rows.extend(_flat(value, f"{prefix}{name}: "))
        elif not isinstance(value, list):
            rows.append((f"{prefix}{name}", value))
    return rows


def build_index(
    trained: Path,
    preprocessed: Path,
    out: Path,
    *,
    settings: Mapping[str, Any] | None = None,
    log: Journal | None = None,
) -> StepResult:
    """Build the cheapest index that meets the recall target.

    `settings` are fields of `segue.index.settings.IndexSettings`; see `segue.index.build.build_index`.
    """
    from segue.index.build import build_index as run
    from segue.index.kinds import KINDS
    from segue.index.settings import IndexSettings

    log = log or Journal("build_index")
    log.start()
    points: list[IndexPoint] = []

    def progress(point: IndexPoint) -> None:
        points.append(point)
        log.tick(f"{point.factory}, parameter {point.parameter}: recall {point.recall:.4f}")

    chosen = read(IndexSettings, settings or {})
    spec = run(trained, preprocessed, out, settings=chosen, progress=progress)
    name = KINDS[spec.kind].parameter
    tuned = f", {name} {getattr(spec, name)}" if name else ""
    rows = [(p.factory, p.parameter, p.recall, p.recall_low, p.scanned, p.bytes) for p in points]
    columns = ("index", "parameter", "recall", "lower bound", "vectors scanned per query", "bytes")
    return StepResult(
        line=f"{spec.factory}{tuned}: recall@{spec.neighbours} {spec.recall:.4f}",
        metrics={"recall": spec.recall, "recall_target": spec.recall_target, "points_measured": len(points)},
        summary=table(f"recall@{spec.neighbours} against exact search", columns, rows),
    )
