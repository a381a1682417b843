"""The evaluate step: metrics, comparison, verdict and report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from segue.bundle.definition import RequestDefaults
from segue.catalog.profile import Profile
from segue.evaluate import cold
from segue.evaluate.champion import against_base_design, against_champion
from segue.evaluate.change import catalog_change
from segue.evaluate.eda import explore
from segue.evaluate.examples import example_lists
from segue.evaluate.findings import Findings
from segue.evaluate.gate import CatalogChange, Verdict, decide
from segue.evaluate.measure import Subject
from segue.evaluate.popularity_findings import popularity_findings
from segue.evaluate.report import render_html, render_markdown
from segue.evaluate.retrieval import index_recall
from segue.evaluate.settings import EvaluationSettings
from segue.evaluate.shown import shown_outputs
from segue.evaluate.tradeoffs import tradeoffs
from segue.features.reference import fit_reference
from segue.features.split import TEST
from segue.files import replacing, write_json
from segue.recommend.model import Bundle
from segue.recommend.rerank import LocalRanker

__all__ = ["Evaluation", "evaluate"]

# Numbers of neighbours at which the index's recall is measured; 200 is the default of candidates.
_DEPTHS = (10, 100, 200)


@dataclass(frozen=True)
class Evaluation:
    """Result of `evaluate`."""

    findings: Findings
    verdict: Verdict


def evaluate(
    bundle: Bundle,
    out: Path,
    *,
    preprocessed: Path,
    trained: Path,
    indexed: Path,
    profile: Profile,
    champion: tuple[str, Bundle] | None = None,
    champion_profile: Profile | None = None,
    settings: EvaluationSettings | None = None,
    progress: Callable[[str], None] | None = None,
) -> Evaluation:
    """Evaluate a bundle before it is published.

    Parameters
    ----------
    out
        Folder for ``metrics.json``, ``verdict.json``, ``defaults.json``, ``reference.json``,
        ``report.html`` and ``report.md``.
    preprocessed, trained, indexed
        Folders of those steps.
    profile, champion_profile
        Profiles of the catalogue, and of the champion's if known.
    champion
        Digest of the champion, and the bundle; None without a champion.
    """
    settings = settings or EvaluationSettings()
    subject = Subject(
        bundle=bundle,
        ranker=LocalRanker(bundle.definition, bundle.path, threads=2),
        preprocessed=preprocessed,
        settings=settings,
        progress=progress or (lambda _: None),
    )
    change = catalog_change(profile, champion_profile) if champion_profile else None
    training: Mapping[str, Any] = orjson.loads((trained / "training.json").read_bytes())
    findings = _findings(subject, indexed, change, training.get("learning", {}))
    digest, other = champion or (None, None)
    leading = against_base_design(subject) if other is None else against_champion(subject, other)
    verdict = decide(leading, change, champion=digest, settings=settings.gate)
    subject.progress("writing the report")
    page = render_html(
        findings,
        verdict,
        profile,
        eda=explore(bundle.features, bundle.definition.features, bundle.popularity),
        champion_profile=champion_profile,
        training=training,
    )
    write_json(out / "metrics.json", findings.model_dump(mode="json"))
    write_json(out / "verdict.json", verdict.model_dump(mode="json"))
    write_json(out / "defaults.json", findings.defaults.model_dump(mode="json"))
    reference = fit_reference(bundle.transform, bundle.features, shown_outputs(subject, findings.defaults))
    write_json(out / "reference.json", reference.model_dump(mode="json"))
    _write_text(out / "report.html", page)
    _write_text(out / "report.md", render_markdown(findings, verdict))
    return Evaluation(findings, verdict)


def _findings(
    subject: Subject, indexed: Path, change: CatalogChange | None, learning: dict[str, Any]
) -> Findings:
    settings = subject.settings
    curve = orjson.loads((indexed / "index.json").read_bytes())["curve"]
    defaults = RequestDefaults(
        candidates=settings.neighbours,
        popularity_weight=subject.weight,
        max_per_artist=settings.max_per_artist,
    )
    methods = subject.methods()
    subject.progress("judging the index and the popularity model")
    return Findings(
        tracks=subject.bundle.size,
        leading=subject.leading,
        labels=subject.labels,
        test_seeds=len(subject.test.relevance.seeds),
        validation_seeds=len(subject.validation.relevance.seeds),
        test_playlists=subject.test.relevance.playlists,
        validation_playlists=subject.validation.relevance.playlists,
        defaults=defaults,
        methods=methods,
        curve=subject.curve,
        tradeoffs=tradeoffs(subject),
        retrieval=index_recall(
            subject.bundle.index, subject.bundle.embedding, _held_out(subject), at=_DEPTHS
        ),
        index_curve=curve,
        popularity=popularity_findings(subject),
        change=change,
        examples=example_lists(subject, defaults),
        parts=cold.parts(subject),
        candidate_recall=cold.candidate_recall(subject),
        learning=learning,
    )


def _held_out(subject: Subject) -> npt.NDArray[np.int32]:
    rows = np.flatnonzero(subject.split == TEST).astype(np.int32)
    limit = subject.settings.recall_queries
    if len(rows) <= limit:
        return rows
    # another random seed than in tuning, so other queries
    return np.sort(np.random.default_rng(subject.settings.seed).choice(rows, limit, replace=False))


def _write_text(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
