"""The publish step."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from segue.journal import Journal
from segue.steps.judge import JUDGED_AGAINST, figures
from segue.steps.result import Folders, StepResult, table

if TYPE_CHECKING:
    from segue.bundle.definition import BundleDefinition
    from segue.bundle.publish import Published
    from segue.evaluate.gate import Verdict

__all__ = ["Target", "publish"]

_EVALUATION = ("report.html", "metrics.json", "verdict.json")


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where and how a bundle is published.

    Attributes
    ----------
    store, channel
        The store, and the channel in it.
    run_id
        Identifies the run among the bundle's evaluations, and in MLflow.
    promote
        Promote the bundle if the gate passed.
    reason
        Recorded in the channel.
    """

    store: str
    channel: str = "champion"
    run_id: str
    promote: bool = True
    reason: str = "training pipeline"


def publish(
    folders: Folders, evaluated: Path, out: Path, *, target: Target, log: Journal | None = None
) -> StepResult:
    """Publish the bundle, promote it if the gate passed, and record the run.

    The run is recorded in the store's training status and in MLflow. Neither can fail the step: by then the
    channel has moved.

    Parameters
    ----------
    evaluated
        Folder of `evaluate`.
    out
        JSON to write: digest, url, outcome, text, reasons, channel, example_seed.

    Raises
    ------
    ChannelConflict
        The channel changed after the evaluation; the bundle is published but not promoted.
    StoreError
        The store failed; the channel is unchanged, and publishing can be repeated.
    """
    from segue.bundle.channel import read_channel
    from segue.bundle.publish import publish as run
    from segue.catalog.profile import PROFILE
    from segue.evaluate.gate import Verdict
    from segue.files import write_json
    from segue.steps.status import evaluation_of, record_status
    from segue.store.open import open_store

    log = log or Journal("publish")
    log.start()
    # read before publishing, so that afterwards only the store can make writing the status fail
    evaluation = evaluation_of(evaluated, folders.tracks)
    verdict = Verdict.model_validate_json((evaluated / "verdict.json").read_bytes())
    judged = orjson.loads((evaluated / JUDGED_AGAINST).read_bytes())
    store = open_store(target.store)
    before = read_channel(store, target.channel)
    with tempfile.TemporaryDirectory(prefix="segue-publish-") as folder:
        definition, parts = _assemble(folders, evaluated, Path(folder), log.say)
        published = run(
            definition,
            parts,
            store,
            channel=target.channel,
            run_id=target.run_id,
            by=f"pipeline {target.run_id}",
            reason=target.reason,
            promote=target.promote and verdict.passed,
            expected_generation=judged["generation"] if judged["channel"] == target.channel else None,
            evaluation={
                **{name: evaluated / name for name in _EVALUATION},
                PROFILE: folders.tracks / PROFILE,
            },
            progress=log.say,
        )
    outcome, text = _outcome(published, verdict, target, unchanged=published.digest == before.digest)
    report = {
        "digest": published.digest,
        "url": published.url,
        "outcome": outcome,
        "text": text,
        "reasons": verdict.reasons,
        "channel": target.channel,
    }
    write_json(out, {**report, "example_seed": _most_popular(folders.features / "tracks.parquet")})
    record_status(
        store,
        target.run_id,
        "passed" if verdict.passed else "refused",
        digest=published.digest,
        evaluation=evaluation,
        log=log,
    )
    _track(folders, evaluated, target, published.digest, log)
    return _result(published, report)


def _assemble(
    folders: Folders, evaluated: Path, out: Path, say: Callable[[str], None]
) -> tuple[BundleDefinition, dict[str, Path]]:
    """Definition and files of the bundle, including those that only serving needs."""
    from segue.bundle.definition import RequestDefaults
    from segue.catalog.profile import PROFILE, Profile
    from segue.search import build_search
    from segue.steps.assemble import collect

    definition, parts = collect(
        preprocessed=folders.features,
        trained=folders.model,
        indexed=folders.index,
        catalog_profile=Profile.load(folders.tracks / PROFILE).digest,
        defaults=RequestDefaults.model_validate_json((evaluated / "defaults.json").read_bytes()),
    )
    say("building the search index")
    build_search(folders.features / "tracks.parquet", out / "search.sqlite")
    return definition, {
        **parts,
        "search.sqlite": out / "search.sqlite",
        "reference.json": evaluated / "reference.json",
    }


def _outcome(published: Published, verdict: Verdict, target: Target, *, unchanged: bool) -> tuple[str, str]:
    """What happened to the channel: in one word, and in one sentence."""
    name, state = target.channel, published.channel
    if unchanged:
        return "unchanged", f"{name} already points at this bundle: same data, same settings"
    if not verdict.passed:
        return "refused", f"the gate refused it, {name} stays as it was"
    if not target.promote:
        return "published", f"not promoted, as asked; {name} stays as it was"
    if published.refused:
        return "refused", published.refused
    return "promoted", f"{name} points at it, generation {state.generation}"


def _track(folders: Folders, evaluated: Path, target: Target, digest: str, log: Journal) -> None:
    """Record the run in MLflow, if configured. If MLflow is unavailable, the next publish catches up."""
    from segue.evaluate.findings import Findings
    from segue.evaluate.gate import Verdict
    from segue.store.open import open_store
    from segue.tracking import Tracker

    tracker = Tracker(warn=log.say)
    if not tracker.on:
        return
    log.say("recording the run in MLflow")
    training: dict[str, Any] = orjson.loads((folders.model / "training.json").read_bytes())
    index: dict[str, Any] = orjson.loads((folders.index / "index.json").read_bytes())["index"]
    settings = {**training.pop("parameters", {}), **training.pop("settings", {})}
    tracker.log_training(target.run_id, {**settings, "index": index["factory"]}, training)
    tracker.log_trials(target.run_id, training.get("learning", {}).get("trials", []))
    findings = Findings.model_validate_json((evaluated / "metrics.json").read_bytes())
    verdict = Verdict.model_validate_json((evaluated / "verdict.json").read_bytes())
    files = {name: evaluated / name for name in _EVALUATION}
    tracker.log_evaluation(target.run_id, figures(findings, verdict), files)
    tracker.register(target.run_id, open_store(target.store), digest, target.channel)


def _most_popular(tracks: Path) -> str:
    """Id of the most popular track, as a seed for a first try."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(tracks, columns=["track_id", "popularity"])
    first = pc.sort_indices(table, sort_keys=[("popularity", "descending"), ("track_id", "ascending")])[0]
    return str(table["track_id"][first.as_py()].as_py())


def _result(published: Published, report: dict[str, Any]) -> StepResult:
    size = sum(entry.bytes for entry in published.definition.files.values())
    rows = [
        ("digest", published.digest),
        ("address", published.url),
        (report["channel"], report["text"]),
        ("uploaded", f"{len(published.uploaded)} files, {published.bytes_uploaded / 1e6:.1f} MB"),
        *(("refused because", reason) for reason in report["reasons"]),
    ]
    return StepResult(
        line=f"bundle {published.digest[:12]}, {size / 1e6:.1f} MB: {report['text']}",
        metrics={"bytes": size, "bytes_per_track": published.definition.bytes_per_track},
        summary=table("Published", ("what", ""), rows),
    )
