"""The evaluate step."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from segue.errors import BundleError
from segue.journal import Journal
from segue.steps.result import Folders, StepResult
from segue.steps.settings import read

if TYPE_CHECKING:
    from segue.catalog.profile import Profile
    from segue.evaluate.findings import Findings
    from segue.evaluate.gate import Verdict
    from segue.evaluate.popularity import Regression
    from segue.recommend.model import Bundle
    from segue.store.base import Store

__all__ = ["JUDGED_AGAINST", "evaluate", "figures"]

# Records the channel's generation at evaluation, so that publish can refuse if the champion has changed.
JUDGED_AGAINST = "judged_against.json"


def evaluate(
    folders: Folders,
    out: Path,
    *,
    page: Path,
    store: str,
    channel: str = "champion",
    settings: Mapping[str, Any] | None = None,
    log: Journal | None = None,
) -> StepResult:
    """Evaluate the new bundle, compare it with the champion, and decide by the gate.

    Parameters
    ----------
    out
        Folder for metrics, verdict, defaults and the report.
    page
        Path for a copy of the report.
    store, channel
        Store and channel of the champion.
    settings
        Fields of `segue.evaluate.settings.EvaluationSettings`.
    """
    from segue.bundle.channel import read_channel
    from segue.catalog.profile import PROFILE, Profile
    from segue.evaluate.run import evaluate as run
    from segue.evaluate.settings import EvaluationSettings
    from segue.files import write_json
    from segue.recommend.model import Bundle
    from segue.steps.assemble import collect
    from segue.store.open import open_store

    log = log or Journal("evaluate")
    log.start()
    opened = open_store(store)
    pointer = read_channel(opened, channel)
    champion, champion_profile = _champion(opened, channel, log)
    profile = Profile.load(folders.tracks / PROFILE)
    definition, parts = collect(
        preprocessed=folders.features,
        trained=folders.model,
        indexed=folders.index,
        catalog_profile=profile.digest,
    )
    evaluation = run(
        Bundle(definition, parts.__getitem__),
        out,
        preprocessed=folders.features,
        trained=folders.model,
        indexed=folders.index,
        profile=profile,
        champion=champion,
        champion_profile=champion_profile,
        settings=read(EvaluationSettings, settings or {}),
        progress=log.say,
    )
    write_json(out / JUDGED_AGAINST, {"channel": channel, "generation": pointer.generation})
    shutil.copyfile(out / "report.html", page)
    return StepResult(
        line=_line(evaluation.verdict),
        metrics=figures(evaluation.findings, evaluation.verdict),
        summary=(out / "report.md").read_text(encoding="utf-8"),
    )


def figures(findings: Findings, verdict: Verdict) -> dict[str, float]:
    """Metrics of the evaluation by flat name, for KFP and MLflow.

    Examples of names: ``leading.ours``, ``segue.precision``, ``base_design.coverage``, ``recall_at_200``,
    ``popularity.model.r2``.
    """
    values: dict[str, float | None] = {"gate_passed": float(verdict.passed)}
    if verdict.leading is not None:
        for name in ("ours", "theirs", "difference", "low", "high"):
            values[f"leading.{name}"] = getattr(verdict.leading, name)
    for method, found in findings.methods.items():
        values |= {f"{method}.{name}": figure.mean for name, figure in found.figures.items()}
        values |= {f"{method}.{name}": value for name, value in found.overall.items()}
    values |= {f"candidate_recall_at_{k}": value.mean for k, value in findings.candidate_recall.items()}
    values |= {
        f"part.{name}.{figure}": value.mean
        for name, part in findings.parts.items()
        for figure, value in part.figures.get("Segue", {}).items()
    }
    values |= {f"recall_at_{k}": value for k, value in findings.retrieval.recall.items()}
    if findings.popularity is not None:
        values |= _regression("popularity", findings.popularity.regression)
        if findings.popularity.young is not None:
            values |= _regression("popularity.young", findings.popularity.young.regression)
    values["default_popularity_weight"] = findings.defaults.popularity_weight
    return {name: value for name, value in values.items() if value is not None}


def _regression(prefix: str, judged: Mapping[str, Regression]) -> dict[str, float | None]:
    return {
        f"{prefix}.{method.replace(' ', '_')}.{name}": getattr(found, name)
        for method, found in judged.items()
        for name in ("r2", "mae", "spearman")
    }


def _champion(store: Store, channel: str, log: Journal) -> tuple[tuple[str, Bundle] | None, Profile | None]:
    """The champion with its digest, and the profile of its catalogue; None if missing or unreadable."""
    from segue.bundle.reader import open_bundle
    from segue.errors import ChannelError
    from segue.recommend.model import Bundle

    try:
        files = open_bundle(f"{store.url}/channels/{channel}", need=None)
        bundle = Bundle(files.definition, files.path)
    except ChannelError:
        return None, None
    except (BundleError, ValidationError) as error:  # broken, or of another version of Segue
        first = str(error).partition("\n")[0]
        log.say(f"the champion can't be read, so the base design is compared with: {first}")
        return None, None
    return (files.digest, bundle), _profile_of(store, files.digest, files.definition.catalog_profile)


def _profile_of(store: Store, digest: str, catalog_profile: str) -> Profile | None:
    """Profile of a published bundle's catalogue, which is stored with its evaluations."""
    from segue.bundle.inventory import list_evaluations
    from segue.catalog.profile import PROFILE, Profile

    for keys in list_evaluations(store, digest).values():
        for key in keys:
            if key.endswith(f"/{PROFILE}"):
                profile = Profile.model_validate_json(store.read(key))
                if profile.digest == catalog_profile:
                    return profile
    return None


def _line(verdict: Verdict) -> str:
    leading = verdict.leading
    decision = "the gate passed" if verdict.passed else "the gate refused it"
    if leading is None or leading.ours is None:
        return decision
    against = "" if leading.theirs is None else f", {leading.against} {leading.theirs:.4f}"
    return f"{leading.label} {leading.ours:.4f}{against}; {decision}"
