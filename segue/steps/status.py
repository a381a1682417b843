"""What a run adds to the store's training status when it ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from segue.errors import SegueError
from segue.journal import Journal

if TYPE_CHECKING:
    from segue.bundle.training_status import Evaluation, Outcome
    from segue.store.base import Store

__all__ = ["evaluation_of", "record_status"]


def evaluation_of(evaluated: Path, tracks: Path) -> Evaluation:
    """Read what a run measured, from the folders of `evaluate` and `ingest`."""
    from segue.bundle.training_status import Evaluation
    from segue.catalog.profile import PROFILE, Profile
    from segue.evaluate.findings import Findings
    from segue.evaluate.gate import Verdict
    from segue.evaluate.measure import SEGUE

    findings = Findings.model_validate_json((evaluated / "metrics.json").read_bytes())
    verdict = Verdict.model_validate_json((evaluated / "verdict.json").read_bytes())
    profile = Profile.load(tracks / PROFILE)
    ours = findings.methods[SEGUE]
    return Evaluation(
        figures=_known({name: figure.mean for name, figure in ours.figures.items()} | ours.overall),
        checks={check.name: check.outcome.replace(" ", "_") for check in verdict.checks},
        catalog_rows={"kept": profile.rows_kept, "rejected": profile.rows_rejected},
        catalog_psi=_known(findings.change.psi if findings.change else {}),
    )


def record_status(
    store: Store,
    run_id: str,
    outcome: Outcome,
    *,
    log: Journal,
    digest: str | None = None,
    evaluation: Evaluation | None = None,
) -> None:
    """Add a run that ends now to the training status.

    A store that refuses gets a line in the log and raises no error: the run has done its work.
    """
    from segue.bundle.training_status import Run, record_run

    run = Run(run_id=run_id, outcome=outcome, ended=datetime.now(UTC), digest=digest)
    try:
        record_run(store, run, evaluation)
    except (SegueError, OSError) as error:
        log.say(f"warning: metrics and alerts of training will not know this run: {error}")


def _known(values: Mapping[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in values.items() if value is not None and isfinite(value)}
