"""Run the training pipeline on this machine: by kfp.local, one process per step, without containers."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from kfp import local
from rich.console import Console

from pipelines.display import Display
from pipelines.output import LOG, captured
from pipelines.training import STEPS, training_pipeline
from segue.errors import SegueError
from segue.files import replacing, write_json
from segue.steps import record_failure

__all__ = ["Outcome", "RunFailed", "run_here"]

TRACKING_VARIABLE = "SEGUE_MLFLOW_TRACKING_URI"
# In the working folder: result of the last run, for scripts, and its report, for people.
LAST = "last.json"
REPORT = "report.html"
_RUNS_KEPT = 3


class RunFailed(Exception):
    """A step failed, for a reason in one sentence; the log has everything that was printed."""

    def __init__(self, step: str, reason: str, log: Path) -> None:
        super().__init__(f"{step} failed: {reason}")
        self.step, self.reason, self.log = step, reason, log


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Result of a run.

    Attributes
    ----------
    run_id
        Its id in the store's evaluations and in MLflow.
    folder
        Its files: one folder per step, and run.log.
    published
        Output of the publish step: digest, outcome, reasons, example_seed.
    report
        The evaluation's report.
    seconds, step_seconds
        Wall time, and the part of it spent in steps; the rest is starting processes.
    """

    run_id: str
    folder: Path
    published: dict[str, Any]
    report: Path
    seconds: float
    step_seconds: float


def run_here(arguments: Mapping[str, Any], *, workdir: Path, console: Console) -> Outcome:
    """Run every step with the pipeline's arguments, and show the progress.

    The working folder gets the steps' files, the log and, unless another is configured, MLflow's database.
    The last three runs are kept.

    Raises
    ------
    RunFailed
        A step failed; the store's channel is unchanged.
    """
    started = time.monotonic()
    run_id = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    folder = (workdir / "runs" / run_id).absolute()
    folder.mkdir(parents=True)
    _drop_old_runs(folder.parent)
    os.environ.setdefault(TRACKING_VARIABLE, f"sqlite:///{workdir.absolute() / 'mlflow.db'}")
    display = Display(console, STEPS)
    pipeline = training_pipeline(lambda _name, _task: None, run_id=run_id)
    with (
        contextlib.closing(display),
        captured(folder / LOG, display.line),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # kfp warns that a local run does not use the image
        local.init(
            runner=local.SubprocessRunner(use_venv=False),
            pipeline_root=str(folder),
            workspace_root=str(folder / "workspace"),
            raise_on_error=True,
        )
        failed: tuple[str, str] | None = None
        try:
            pipeline(**arguments)
        except RuntimeError:
            failed = display.failure()
            # the exit handler has recorded the failure, but KFP does not pass it the step and the reason
            with contextlib.suppress(SegueError):
                record_failure("FAILED", ": ".join(failed), store=str(arguments["store"]), run_id=run_id)
        except KeyboardInterrupt:
            if not display.errors:
                raise
            failed = display.errors[0]  # Ctrl-C interrupted the exit handler, after the failure
    if failed:
        raise RunFailed(*failed, folder / LOG)
    published = orjson.loads(next(folder.rglob("publish/published")).read_bytes())
    write_json(workdir / LAST, {"run_id": run_id, **published})
    with replacing(workdir / REPORT) as page:
        shutil.copyfile(next(folder.rglob("report.html")), page)
    return Outcome(
        run_id=run_id,
        folder=folder,
        published=published,
        report=workdir / REPORT,
        seconds=time.monotonic() - started,
        step_seconds=display.step_seconds,
    )


def _drop_old_runs(runs: Path) -> None:
    """Delete all but the newest runs: each has several copies of the catalogue."""
    for old in sorted(path for path in runs.iterdir() if (path / LOG).exists())[: -_RUNS_KEPT + 1]:
        shutil.rmtree(old, ignore_errors=True)
