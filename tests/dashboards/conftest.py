"""A bundle made by the pipeline, and Segue's processes on it, each slow thing once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from segue.bundle.channel import read_channel
from segue.keys import Scope
from segue.store.open import open_store
from tests.gateway.conftest import Keys, make_keys
from tests.serving.processes import ROOT, Served, gateway, predictor, transformer

__all__ = ["Watched"]


@dataclass
class Watched:
    """Gateway, transformer, predictor on a store that the pipeline filled, and may fill again."""

    folder: Path
    store: Path
    keys: Keys
    predictor: Served
    transformer: Served
    gateway: Served

    @property
    def champion(self) -> str:
        """Digest that the channel names."""
        return read_channel(open_store(str(self.store)), "champion").digest or ""

    @property
    def runs(self) -> list[str]:
        """Ids of the training runs that ended."""
        return sorted(path.parent.name for path in self.store.glob("evaluations/*/*/verdict.json"))


def training_command(folder: Path) -> list[str]:
    """The pipeline as a run here: it stands in for the cluster."""
    settings = {"rounds": 20, "max_seeds": 100, "relevance_rounds": 0, "threads": 1}
    return [
        *(sys.executable, "-m", "pipelines", "run", "--catalog", f"{folder}/data/catalog.csv"),
        *("--store", f"{folder}/store", "--workdir", f"{folder}/work"),
        *(part for name, value in settings.items() for part in ("--set", f"{name}={value}")),
    ]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """The stack in service."""
    folder = tmp_path_factory.mktemp("watched")
    sample = [sys.executable, "-m", "segue.cli", "sample", "--rows", "2500", "--out", f"{folder}/data"]
    for command in (sample, training_command(folder)):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    bundle = f"{folder}/store/channels/champion"
    keys = make_keys(folder)
    keys.make("alerts", Scope.ADMIN)
    ranking = predictor(folder, bundle, poll_seconds="0.5").start()
    # of the machine that tests run on nothing is known: a deadline that it can keep
    serving = transformer(
        folder,
        bundle,
        ranking,
        predictor_deadline_seconds="2",
        poll_seconds="0.5",
        retry_refused_seconds="2",
        live_recall_share="0.2",
    ).start()
    front = gateway(
        folder,
        bundle,
        serving,
        poll_seconds="0.5",
        training_poll_seconds="1",
        # in a cluster a run has nodes of its own; here it must not take the CPUs that lists are made on
        retrain_command=" ".join(["nice", "-n", "19", *training_command(folder)]),
    ).start()
    try:
        for served in (ranking, serving, front):
            served.wait_ready()
        yield Watched(folder, folder / "store", keys, ranking, serving, front)
    finally:
        for served in (front, serving, ranking):
            served.stop()
        keys.engine.dispose()
