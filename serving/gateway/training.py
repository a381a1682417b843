"""Metrics of training, made from the store's training status and the channel that the gateway follows.

A training run ends before Prometheus could scrape it, so the gateways export what it left in the store. Each
replica exports the same; dashboards and alerts take the maximum.
"""

from __future__ import annotations

import asyncio
import logging

from segue.bundle.channel import Channel, read_channel
from segue.bundle.training_status import OUTCOMES, TrainingStatus, read_status
from segue.errors import SegueError
from segue.store.base import Store
from serving import metrics

__all__ = ["TrainingWatch"]

logger = logging.getLogger(__name__)


class TrainingWatch:
    """Reads the training status and the channel at intervals, and exports them: two small objects.

    In a store that no run has written a status to, no run is known until the next one ends.
    """

    def __init__(self, store: Store, channel: str, *, seconds: float) -> None:
        self._store, self._channel, self._seconds = store, channel, seconds
        self._trouble = ""

    async def run(self) -> None:
        """Read and export at intervals, until cancelled."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(self._seconds)

    def look(self) -> None:
        """Read and export once; while the store can't be read the metrics stay as they are."""
        try:
            status = read_status(self._store) or TrainingStatus()
            channel = read_channel(self._store, self._channel)
        except (SegueError, OSError) as error:
            if str(error) != self._trouble:
                logger.warning("the training status can't be read: %s", error)
            self._trouble = str(error)
            return
        self._trouble = ""
        _export(status, channel)


def _export(status: TrainingStatus, channel: Channel) -> None:
    for gauge in (
        metrics.TRAINING_FIGURE,
        metrics.GATE_CHECK,
        metrics.CATALOG_ROWS,
        metrics.CATALOG_PSI,
        metrics.TRAINING_LAST,
    ):
        gauge.clear()
    for outcome in OUTCOMES:
        metrics.TRAINING_RUNS.labels(outcome).set(status.runs.get(outcome, 0))
    for outcome, ended in status.last.items():
        metrics.TRAINING_LAST.labels(outcome).set(ended.timestamp())
    evaluated = status.evaluated.get(channel.digest or "")
    # 0: not known, which the alert of a stale champion leaves out
    metrics.CHAMPION_EVALUATED.set(evaluated.timestamp() if evaluated else 0)
    metrics.CHAMPION_UPDATED.set(channel.updated.timestamp() if channel.updated else 0)
    for digest, figures in status.figures.items():
        for figure, value in figures.items():
            metrics.TRAINING_FIGURE.labels(digest, figure).set(value)
    for check, found in status.newest.checks.items():
        metrics.GATE_CHECK.labels(check, found).set(1)
    for state, rows in status.newest.catalog_rows.items():
        metrics.CATALOG_ROWS.labels(state).set(rows)
    for column, psi in status.newest.catalog_psi.items():
        metrics.CATALOG_PSI.labels(column).set(psi)
