"""What training left in the store, as metrics: runs, verdicts, figures, the catalogue's size and drift.

A training run ends before Prometheus could read it, so whoever follows its channel tells of it. Every replica
says the same; dashboards and alerts take the maximum.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from segue.bundle.channel import read_channel
from segue.bundle.location import EVALUATIONS
from segue.errors import SegueError
from segue.store.base import Store
from serving import metrics
from serving.gateway.store_view import read_object

__all__ = ["OUTCOMES", "Training", "TrainingWatch", "read_training"]

logger = logging.getLogger(__name__)

OUTCOMES = ("passed", "refused", "failed")
# Figures of so many bundles are exported: a series each would else grow with every night.
BUNDLES_SHOWN = 5
_FAILED = "failed"


@dataclass
class Training:
    """What is known of the runs of a store.

    Attributes
    ----------
    runs
        Number of runs by outcome: ``passed`` and ``refused`` by the gate, ``failed`` before it.
    last
        When the newest run of each outcome ended, Unix seconds.
    champion_evaluated, champion_updated
        When a run last ended with the champion's bundle, and when the channel was moved last.
    figures
        Segue's own figures by digest and name, of the newest bundles.
    checks
        The gate's checks of the newest run, name to outcome.
    catalog_rows
        Rows kept and rejected by the newest run.
    catalog_psi
        PSI by column, of the newest run's catalogue against its champion's.
    """

    runs: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    last: dict[str, float] = field(default_factory=dict)
    champion_evaluated: float | None = None
    champion_updated: float | None = None
    figures: dict[tuple[str, str], float] = field(default_factory=dict)
    checks: dict[str, str] = field(default_factory=dict)
    catalog_rows: dict[str, int] = field(default_factory=dict)
    catalog_psi: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Run:
    digest: str
    run_id: str
    ended: float
    names: frozenset[str]


class TrainingWatch:
    """Reads the store now and then, and exports what it finds.

    Parameters
    ----------
    store, channel
        Whose training is watched.
    seconds
        How often.
    """

    def __init__(self, store: Store, channel: str, *, seconds: float) -> None:
        self._store, self._channel, self._seconds = store, channel, seconds
        self._cache: dict[str, dict[str, Any]] = {}
        self._task: asyncio.Task[None] | None = None
        self._trouble = ""

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(), name="training")

    async def stop(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def look(self) -> None:
        """Read and export once; while the store is away the figures stay as they are."""
        try:
            found = read_training(self._store, self._channel, self._cache)
        except (SegueError, OSError) as error:
            if str(error) != self._trouble:
                logger.warning("what training did can't be read: %s", error)
            self._trouble = str(error)
            return
        self._trouble = ""
        _export(found)

    async def _run(self) -> None:
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(self._seconds)


def read_training(store: Store, channel: str, cache: dict[str, dict[str, Any]] | None = None) -> Training:
    """Read what the runs left in ``evaluations/``.

    Parameters
    ----------
    store, channel
        Where, and whose champion.
    cache
        JSON by key, from the reading before: what a run wrote never changes.

    Raises
    ------
    StoreError, ChannelError
        The store failed, or what stands at the channel is none.
    """
    cache = {} if cache is None else cache
    state, found = read_channel(store, channel), Training()
    runs = sorted(_runs(store, found), key=lambda run: run.ended, reverse=True)
    found.champion_updated = state.updated.timestamp() if state.updated else None
    found.champion_evaluated = max((run.ended for run in runs if run.digest == state.digest), default=None)
    for run in runs:
        outcome = "passed" if _read(store, run, "verdict.json", cache).get("passed") else "refused"
        found.runs[outcome] += 1
        found.last[outcome] = max(found.last.get(outcome, 0.0), run.ended)
    for digest in list(dict.fromkeys(run.digest for run in runs))[:BUNDLES_SHOWN]:
        newest = next(run for run in runs if run.digest == digest)
        for name, value in _figures(_read(store, newest, "metrics.json", cache)):
            found.figures[digest, name] = value
    if runs:
        _describe_newest(store, runs[0], cache, found)
    return found


def _runs(store: Store, found: Training) -> Iterator[_Run]:
    """Runs that were evaluated; those that failed before are counted at once."""
    ended: dict[tuple[str, str], float] = {}
    names: dict[tuple[str, str], set[str]] = {}
    for entry in store.entries(f"{EVALUATIONS}/"):
        folder, _, rest = entry.key.removeprefix(f"{EVALUATIONS}/").partition("/")
        moment = entry.modified.timestamp()
        if folder == _FAILED:
            found.runs["failed"] += 1
            found.last["failed"] = max(found.last.get("failed", 0.0), moment)
        elif "/" in rest:
            run = (folder, rest.partition("/")[0])
            ended[run] = max(ended.get(run, 0.0), moment)
            names.setdefault(run, set()).add(rest.partition("/")[2])
    for (digest, run_id), moment in ended.items():
        if "verdict.json" in names[digest, run_id]:
            yield _Run(digest, run_id, moment, frozenset(names[digest, run_id]))


def _read(store: Store, run: _Run, name: str, cache: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """One file of a run; empty where it is missing or no JSON object."""
    key = f"{EVALUATIONS}/{run.digest}/{run.run_id}/{name}"
    if key not in cache:
        cache[key] = _slim((read_object(store, key) if name in run.names else None) or {})
    return cache[key]


def _slim(value: dict[str, Any]) -> dict[str, Any]:
    """What is exported of a file: a report's curves and examples need not stay in memory."""
    kept = ("passed", "checks", "methods", "change", "tracks", "rows_kept", "rows_rejected")
    return {name: value[name] for name in kept if name in value}


def _figures(found: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Segue's own figures, which stand first among the methods."""
    own: dict[str, Any] = next(iter((found.get("methods") or {}).values()), {})
    for name, figure in own.get("figures", {}).items():
        if figure.get("mean") is not None:
            yield name, float(figure["mean"])
    for name, value in own.get("overall", {}).items():
        if value is not None:
            yield name, float(value)


def _describe_newest(store: Store, run: _Run, cache: dict[str, dict[str, Any]], found: Training) -> None:
    checks = _read(store, run, "verdict.json", cache).get("checks", [])
    found.checks = {check["name"]: check["outcome"].replace(" ", "_") for check in checks}
    profile = _read(store, run, "profile.json", cache)
    for state in ("kept", "rejected"):
        if f"rows_{state}" in profile:
            found.catalog_rows[state] = int(profile[f"rows_{state}"])
    change = _read(store, run, "metrics.json", cache).get("change") or {}
    found.catalog_psi = {name: value for name, value in change.get("psi", {}).items() if value is not None}


def _export(found: Training) -> None:
    for gauge in (
        metrics.TRAINING_FIGURE,
        metrics.GATE_CHECK,
        metrics.CATALOG_ROWS,
        metrics.CATALOG_PSI,
        metrics.TRAINING_LAST,
    ):
        gauge.clear()
    for outcome, count in found.runs.items():
        metrics.TRAINING_RUNS.labels(outcome).set(count)
    for outcome, moment in found.last.items():
        metrics.TRAINING_LAST.labels(outcome).set(moment)
    if found.champion_evaluated is not None:
        metrics.CHAMPION_EVALUATED.set(found.champion_evaluated)
    if found.champion_updated is not None:
        metrics.CHAMPION_UPDATED.set(found.champion_updated)
    for (digest, figure), value in found.figures.items():
        metrics.TRAINING_FIGURE.labels(digest, figure).set(value)
    for check, outcome in found.checks.items():
        metrics.GATE_CHECK.labels(check, outcome).set(1)
    for state, rows in found.catalog_rows.items():
        metrics.CATALOG_ROWS.labels(state).set(rows)
    for column, psi in found.catalog_psi.items():
        metrics.CATALOG_PSI.labels(column).set(psi)
