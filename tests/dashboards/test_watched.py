"""The whole, watched: real processes, a real Prometheus on the rules, a real Alertmanager, a real run.

Steady traffic, then other listeners, then no predictor, then a corrupt bundle: who is alerted of what, and
whether every panel shows something.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from segue.bundle.channel import promote
from segue.bundle.definition import BundleDefinition
from segue.store.open import open_store
from tests.conftest import require
from tests.dashboards.conftest import Watched
from tests.dashboards.pictures import draw
from tests.dashboards.scaled import scaled, write_rules
from tests.dashboards.servers import Monitor, start_monitor
from tests.dashboards.test_dashboards import BOARDS, panels
from tests.dashboards.traffic import Listeners, seeds_of
from tests.serving.processes import wait_for

RULES = Path(__file__).resolve().parents[2] / "dashboards" / "rules"
# of the machine that tests run on nothing is known, and a training run takes one of its CPUs
OF_THE_MACHINE = {"SegueLatencyBudgetBurn", "SegueLatencyBudgetLeak"}
VARIABLES = dict.fromkeys(("namespace", "release", "channel", "feature"), ".*")


@pytest.fixture(scope="module")
def monitor(watched: Watched) -> Iterator[Monitor]:
    """Prometheus and Alertmanager on the stack."""
    for program, package in (
        ("prometheus", "prometheus"),
        ("prometheus-alertmanager", "prometheus-alertmanager"),
    ):
        require(shutil.which(program) is not None, program, f"apt-get install {package}")
    folder = watched.folder / "monitor"
    folder.mkdir()
    targets = {
        "predictor": watched.predictor,
        "transformer": watched.transformer,
        "gateway": watched.gateway,
    }
    webhook = f"http://127.0.0.1:{watched.gateway.http_port}/api/alerts"
    started = start_monitor(
        folder, write_rules(RULES, folder), targets, webhook=webhook, key=watched.keys.made["alerts"]
    )
    yield started
    started.stop()


@pytest.mark.live
def test_it_alerts_of_what_happens_and_of_nothing_else(watched: Watched, monitor: Monitor) -> None:
    begun = time.time()
    everyone, loud = seeds_of(watched.store, watched.champion)
    good = watched.champion

    def alerted(name: str) -> Callable[[], bool]:
        return lambda: name in monitor.firing()

    def fired() -> set[str]:
        return monitor.fired() - OF_THE_MACHINE

    def calm() -> bool:
        return not monitor.firing() - OF_THE_MACHINE

    def about() -> str:
        return f"firing {monitor.firing()}, fired {monitor.fired()}, answers {listeners.statuses}"

    def wait(condition: Callable[[], object], what: str, seconds: float = 90) -> None:
        wait_for(condition, what, seconds=seconds, about=about)

    port = watched.gateway.http_port
    with Listeners(port, watched.keys.made["all"], everyone) as listeners:
        # steady: long enough for a trailing window with rows enough, and a while after it
        enough = "min(segue:query_rows:increase1h offset 1h) >= 500"
        wait(lambda: monitor.query(scaled(enough)), "500 seeds in the window before this one")
        time.sleep(10)
        assert fired() == set(), monitor.query("segue:output_psi")

        listeners.seeds = loud
        wait(alerted("SegueQueryDrift"), "the alert of query drift")
        assert monitor.query('ALERTS{alertname="SegueQueryDrift", feature="energy"}')
        listeners.seeds = everyone
        wait(calm, "the alert of query drift to end")
        assert fired() == {"SegueQueryDrift"}

        watched.predictor.kill()
        wait(alerted("SegueDegraded"), "the alert of degraded lists")
        watched.predictor.start().wait_ready()
        wait(lambda: "SegueDegraded" not in monitor.firing(), "the alert of degraded lists to end")
        assert fired() == {"SegueQueryDrift", "SegueDegraded"}

        promote_twin(watched.store, good, "0", corrupt=True)
        wait(alerted("SegueBundleRefused"), "the alert of a refused bundle")
        wait(lambda: len(watched.runs) == 2, "the training run that the alert asked for", 240)
        # the same catalogue makes the same bundle, and publishing it mends the channel
        wait(lambda: watched.champion == good, "the good bundle to be champion again")
        wait(calm, "the alert of a refused bundle to end")

        promote_twin(watched.store, good, "1", corrupt=True)
        wait(alerted("SegueBundleRefused"), "the alert of a second refused bundle")
        wait(lambda: watched.gateway.lines("no run for alert SegueBundleRefused: cooling down"), "a refusal")
        whole = promote_twin(watched.store, good, "2")
        wait(
            lambda: monitor.query(f'segue_bundle_info{{digest="{whole}", component="transformer"}} == 1'),
            "a whole bundle in service",
        )
        wait(calm, "all alerts to end")

        assert missing_panels(monitor, begun) == []
        pictures = os.environ.get("SEGUE_PICTURES")
        draw(monitor, Path(pictures) if pictures else watched.folder, begun, time.time())
    assert listeners.statuses.keys() == {200, 202}
    assert fired() == {"SegueQueryDrift", "SegueDegraded", "SegueBundleRefused"}
    (started,) = watched.gateway.lines("retraining started")
    assert started["message"].endswith("alert SegueBundleRefused")
    assert len(watched.runs) == 2


def promote_twin(store: Path, good: str, mark: str, *, corrupt: bool = False) -> str:
    """Point the channel at a twin of the good bundle, one a mark; of a corrupt one, files differ from its
    definition. Returns its digest.
    """
    bundles = store / "bundles"
    definition = BundleDefinition.model_validate_json((bundles / good / "bundle.json").read_bytes())
    other = definition.model_copy(update={"catalog_profile": mark * 64})
    shutil.copytree(bundles / good, bundles / other.digest)
    (bundles / other.digest / "bundle.json").write_bytes(other.canonical_json())
    for name in ("tracks.parquet", "popularity.txt") if corrupt else ():
        path = bundles / other.digest / name
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.unlink()
        path.write_bytes(content)
    # quick: whoever promotes without reading the files
    promote(open_store(str(store)), "champion", other.digest, by="test", reason="a twin", quick=True)
    return other.digest


def missing_panels(monitor: Monitor, begun: float) -> list[str]:
    """Panels of which a query returned nothing all along."""
    window = {"start": begun, "end": time.time(), "step": 2}
    empty = []
    for board in BOARDS.values():
        for panel in panels(board):
            for target in panel["targets"]:
                expression = scaled(target["expr"])
                for name, value in VARIABLES.items():
                    expression = expression.replace(f"${name}", value)
                if not monitor.ask("/api/v1/query_range", query=expression, **window)["result"]:
                    empty.append(f"{board['title']}, {panel['title']}: {target['expr']}")
    return empty
