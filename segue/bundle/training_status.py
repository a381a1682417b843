"""The training status: one small object of the store that says how the last training runs ended.

Each run writes it at its end. The gateway computes its training metrics from it, and need not list all
evaluations. It belongs to the store, not to one channel, as the evaluations do.
"""

from __future__ import annotations

import random
import time
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from segue.bundle.location import EVALUATIONS
from segue.errors import StatusError
from segue.store.base import Store
from segue.store.checksum import Sha256

__all__ = [
    "MAX_FIGURES",
    "OUTCOMES",
    "STATUS_KEY",
    "Evaluation",
    "Outcome",
    "Run",
    "TrainingStatus",
    "read_status",
    "record_run",
]

STATUS_KEY = f"{EVALUATIONS}/status.json"
Outcome = Literal["passed", "refused", "failed"]
OUTCOMES: tuple[Outcome, ...] = ("passed", "refused", "failed")

# Figures are kept for this many bundles; each adds a set of time series.
MAX_FIGURES = 5
_MAX_EVALUATED = 200
_MAX_RECENT = 50
_ATTEMPTS = 12


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Evaluation(_Frozen):
    """What a run measured.

    Attributes
    ----------
    figures
        Segue's own figures by name.
    checks
        Outcome of each of the gate's checks.
    catalog_rows
        Rows of the catalogue, ``kept`` and ``rejected``.
    catalog_psi
        PSI by column, of the catalogue against the champion's; empty without a champion.
    """

    figures: dict[str, float] = {}
    checks: dict[str, str] = {}
    catalog_rows: dict[str, int] = {}
    catalog_psi: dict[str, float] = {}


class Run(_Frozen):
    """The end of a run: ``passed`` or ``refused`` by the gate, or ``failed`` before it published a bundle."""

    run_id: str
    outcome: Outcome
    ended: AwareDatetime
    digest: Sha256 | None = None


class TrainingStatus(_Frozen):
    """How the runs of a store ended.

    Attributes
    ----------
    runs
        Number of runs by outcome.
    last
        End of the newest run of each outcome.
    evaluated
        End of the newest run with each bundle, by digest, the newest 200.
    figures
        Segue's own figures of the newest five bundles, by digest and name.
    newest
        What the newest run that was evaluated measured.
    recent
        The newest 50 runs; a repeated step is recognised by them and counted once.
    """

    schema_version: Literal[1] = 1
    runs: dict[Outcome, int] = {}
    last: dict[Outcome, AwareDatetime] = {}
    evaluated: dict[Sha256, AwareDatetime] = {}
    figures: dict[Sha256, dict[str, float]] = {}
    newest: Evaluation = Evaluation()
    recent: tuple[Run, ...] = ()

    def with_run(self, run: Run, evaluation: Evaluation | None = None) -> TrainingStatus:
        """Add a run. What a run that ended later has written stays."""
        key = (run.run_id, run.outcome, run.digest)
        others = [old for old in self.recent if (old.run_id, old.outcome, old.digest) != key]
        is_new = len(others) == len(self.recent)
        changed: dict[str, object] = {
            "runs": {**self.runs, run.outcome: self.runs.get(run.outcome, 0) + is_new},
            "last": {**self.last, run.outcome: max(run.ended, self.last.get(run.outcome, run.ended))},
            "recent": sorted((run, *others), key=lambda one: one.ended, reverse=True)[:_MAX_RECENT],
        }
        if run.digest is not None and evaluation is not None:
            before = self.evaluated.get(run.digest, run.ended)
            evaluated = _newest({**self.evaluated, run.digest: max(run.ended, before)}, _MAX_EVALUATED)
            figures = {**self.figures}
            if run.ended >= before:
                figures[run.digest] = evaluation.figures
            shown = [digest for digest in evaluated if digest in figures][:MAX_FIGURES]
            changed["evaluated"] = evaluated
            changed["figures"] = {digest: figures[digest] for digest in shown}
            if run.ended >= max(self.evaluated.values(), default=run.ended):
                changed["newest"] = evaluation
        return TrainingStatus.model_validate({**dict(self), **changed})


def read_status(store: Store) -> TrainingStatus | None:
    """Read the status; None before the first run that writes it.

    Raises
    ------
    StatusError
        The object is no training status, or one of a later version.
    """
    return _read(store)[0]


def record_run(store: Store, run: Run, evaluation: Evaluation | None = None) -> TrainingStatus:
    """Add a run, and what it measured unless it failed before, whoever else writes at the same time.

    Raises
    ------
    StatusError
        The object there is no training status, or others kept writing it first.
    StoreError
        The store failed.
    """
    for attempt in range(_ATTEMPTS):
        status, version = _read(store)
        changed = (status or TrainingStatus()).with_run(run, evaluation)
        data = changed.model_dump_json(indent=2).encode()  # indented, because people read it
        if store.replace(STATUS_KEY, data, version):
            return changed
        time.sleep(random.uniform(0, 0.02 * 2 ** min(attempt, 6)))  # noqa: S311 - no secret, only spread
    raise StatusError(f"{store.url}/{STATUS_KEY}: others wrote it first, {_ATTEMPTS} times in a row")


def _read(store: Store) -> tuple[TrainingStatus | None, str | None]:
    found = store.read_with_version(STATUS_KEY)
    if found is None:
        return None, None
    try:
        return TrainingStatus.model_validate_json(found[0]), found[1]
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StatusError(f"{store.url}/{STATUS_KEY} is no training status: {where} {first['msg']}") from None


def _newest(moments: dict[str, datetime], count: int) -> dict[str, datetime]:
    return dict(sorted(moments.items(), key=lambda pair: pair[1], reverse=True)[:count])
