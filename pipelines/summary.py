"""The summary at the end of a run: what was published, what happened to the channel, and next commands."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from pipelines.local import TRACKING_VARIABLE, Outcome, RunFailed

__all__ = ["show_failure", "show_next", "show_outcome"]


def show_outcome(outcome: Outcome, console: Console) -> None:
    """Print the summary of a run that succeeded, also if the gate refused its bundle."""
    published = outcome.published
    overhead = outcome.seconds - outcome.step_seconds
    console.print(
        f"\n{outcome.seconds:.0f} s in all, {overhead:.0f} s of it starting processes and importing",
        style="dim",
    )
    colour = {"promoted": "green", "unchanged": "green"}.get(published["outcome"], "yellow")
    console.print(f"[bold {colour}]{published['outcome']}[/]: {escape(published['text'])}", soft_wrap=True)
    for reason in published["reasons"]:
        console.print(f"  - {escape(reason)}", soft_wrap=True)


def show_next(outcome: Outcome, arguments: Mapping[str, Any], console: Console, *, workdir: Path) -> None:
    """Print what to type next."""
    console.print("\nNext:", style="bold")
    for what, command in _next(outcome, arguments, workdir):
        console.print(f"  {what:<24} {escape(command)}", highlight=False, soft_wrap=True)


def show_failure(error: RunFailed, console: Console) -> None:
    """Print which step failed, why, and where the log is."""
    console.print(
        f"[bold red]{error.step} failed:[/] {escape(error.reason)}", highlight=False, soft_wrap=True
    )
    console.print(f"everything that was printed: {_short(error.log)}", style="dim", soft_wrap=True)


def _next(outcome: Outcome, arguments: Mapping[str, Any], workdir: Path) -> list[tuple[str, str]]:
    published, store = outcome.published, str(arguments["store"]).rstrip("/")
    channel = arguments.get("channel", "champion")
    served = published["outcome"] in ("promoted", "unchanged")
    bundle = f"{store}/channels/{channel}" if served else f"{store}/bundles/{published['digest'][:12]}"
    lines = [
        ("a recommendation", f"segue recommend {bundle} --seed {published['example_seed']}"),
        ("the report, a page", _short(outcome.report)),
        ("bundles and channels", f"segue bundle list {store}"),
    ]
    if not served:
        promote = f"segue bundle promote {store} {published['digest'][:12]} --channel {channel} --reason …"
        lines.append(("promote it anyway", promote))
    tracking = os.environ.get(TRACKING_VARIABLE, "")
    if tracking.startswith("sqlite:"):
        lines.append(
            (
                "runs and models",
                f"mlflow ui --workers 1 --backend-store-uri sqlite:///{_short(workdir)}/mlflow.db",
            )
        )
    elif tracking:
        lines.append(("runs and models", "in MLflow, experiment segue"))
    return lines


def _short(path: Path) -> str:
    """A path relative to the current folder if possible."""
    path = path.absolute()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
