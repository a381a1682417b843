"""Alertmanager's webhook, and the training runs that it starts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from segue.errors import SettingsError
from segue.store.base import Store
from segue.store.open import open_store
from serving.gateway.retrain import CommandRetrainer, claim_start, release_start
from serving.gateway.routes.alerts import _EXAMPLE
from tests.gateway.conftest import Inside, start_inside
from tests.serving.conftest import BundleStore
from tests.serving.processes import wait_for

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


def claim(store: Store, now: datetime, **limits: Any) -> str | None:
    given = {"cooldown_seconds": 3600.0, "most_a_day": 2, **limits}
    return claim_start(store, "champion", now=now, **given)


def test_it_starts_once_in_a_cooldown_and_so_often_a_day(store: Store) -> None:
    assert claim(store, NOW) is None
    assert "cooling down" in (claim(store, NOW + timedelta(minutes=59)) or "")
    assert claim(store, NOW + timedelta(minutes=60)) is None
    assert "the maximum is 2" in (claim(store, NOW + timedelta(hours=5)) or "")
    assert claim(store, NOW + timedelta(hours=25)) is None


def test_it_keeps_channels_apart(store: Store) -> None:
    assert claim(store, NOW) is None
    assert claim_start(store, "second", cooldown_seconds=3600, most_a_day=2, now=NOW) is None


def test_it_gives_back_a_start_that_was_none(store: Store) -> None:
    assert claim(store, NOW) is None
    release_start(store, "champion")
    assert claim(store, NOW + timedelta(seconds=1)) is None


def test_it_replaces_a_record_that_is_broken(store: Store) -> None:
    store.write("retraining/champion.json", b'{"starts": "yesterday"}')
    assert claim(store, NOW) is None
    assert "cooling down" in (claim(store, NOW) or "")


def test_it_lets_one_of_many_replicas_start(store: Store) -> None:
    answers: list[str | None] = []
    gate = threading.Barrier(8)

    def ask() -> None:
        gate.wait()
        answers.append(claim(store, NOW))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(None) == 1


def test_it_refuses_a_command_that_can_not_be_split() -> None:
    with pytest.raises(SettingsError, match="SEGUE_RETRAIN_COMMAND: No closing quotation"):
        CommandRetrainer("echo 'a")


@pytest.fixture
def own(gateway_shelf: BundleStore, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Inside]:
    command = request.param.format(folder=tmp_path)
    with start_inside(tmp_path, gateway_shelf.channel_url, retrain_command=command) as inside:
        yield inside


def test_it_says_that_nothing_is_configured(inside: Inside) -> None:
    reply = inside.post("/api/alerts", json=_EXAMPLE)
    assert reply.status_code == 200
    assert reply.json() == {"started": False, "reason": "not configured: SEGUE_RETRAIN_COMMAND is empty"}


@pytest.mark.parametrize("own", ["sh -c 'echo \"$SEGUE_RETRAIN_REASON\" >> {folder}/runs'"], indirect=True)
def test_it_runs_the_command_once(
    own: Inside, gateway_shelf: BundleStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "serving.gateway.routes.alerts")
    resolved = {**_EXAMPLE, "status": "resolved", "alerts": [{**_EXAMPLE["alerts"][0], "status": "resolved"}]}
    assert own.post("/api/alerts", json=resolved).json() == {"started": False, "reason": "no alert fires"}
    first = own.post("/api/alerts", json=_EXAMPLE)
    assert first.json() == {"started": True, "reason": "started for SegueCatalogDrift"}
    runs = tmp_path / "runs"
    wait_for(runs.exists, "the run")
    again = own.post("/api/alerts", json=_EXAMPLE).json()
    assert (again["started"], "cooling down" in again["reason"]) == (False, True)
    assert "no run for alert SegueCatalogDrift: cooling down" in caplog.text
    assert runs.read_text(encoding="utf-8") == "alert SegueCatalogDrift\n"
    # a restart forgets nothing: it stands in the store, beside the channel
    fresh = open_store(str(gateway_shelf.root))
    refused = claim_start(fresh, "champion", cooldown_seconds=3600, most_a_day=2)
    assert "cooling down" in (refused or "")


@pytest.mark.parametrize("own", ["/no/such/program"], indirect=True)
def test_it_says_when_the_command_can_not_be_started(own: Inside) -> None:
    for _ in range(2):  # and no cooldown follows
        reply = own.post("/api/alerts", json=_EXAMPLE)
        assert reply.status_code == 503
        assert "can't be started" in reply.json()["detail"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"version": "3"}, "version"),
        ({"status": "burning"}, "status"),
        ({"alerts": []}, "alerts"),
        ({"alerts": [{"status": "firing"}]}, "alerts.0.labels"),
    ],
)
def test_it_refuses_what_alertmanager_would_not_send(
    inside: Inside, change: dict[str, Any], field: str
) -> None:
    reply = inside.post("/api/alerts", json={**_EXAMPLE, **change})
    assert (reply.status_code, reply.json()["field"]) == (400, field)
