"""The nightly job that deletes what is old from the log: its words are the command's, and they delete."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import helm_python

from segue.database import migrate, open_engine
from segue.database.tables import RECOMMEND_LOGS
from segue.log.insert import insert_records
from tests.deploy.chart import CHART, MINIMAL, Manifest, deep_merge, environment_of, render
from tests.deploy.matrix import DATABASE, MATRIX
from tests.log.records import feedback, impression, rows

KEPT: dict[str, Any] = MATRIX["log that is kept for a while"]
BY_DEFAULT: dict[str, Any] = {**DATABASE, "retention": {"enabled": True}}


def container(values: dict[str, Any]) -> Manifest:
    (found,) = render(values).pod("-retention")["spec"]["containers"]
    return found


def run(prune: Manifest, url: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the container's words with its variables and no other."""
    words = [*prune["command"], *prune["args"]]
    assert words[0] == "segue"
    return subprocess.run(
        [sys.executable, "-m", "segue.cli", *words[1:]],
        env=dict.fromkeys(environment_of(prune), url),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_deletes_nothing_unless_it_is_asked_to() -> None:
    for values in ({}, DATABASE):
        rendered = render(values)
        assert rendered.of("CronJob") == []
        assert [m for m in rendered if m["metadata"]["name"].endswith("-retention")] == []


def test_it_runs_every_night_by_utc_and_never_twice_at_once() -> None:
    spec = render(BY_DEFAULT).one("CronJob")["spec"]
    assert (spec["schedule"], spec["timeZone"], spec["concurrencyPolicy"]) == (
        "30 2 * * *",
        "Etc/UTC",
        "Forbid",
    )
    # the controller gives up on a job that missed a hundred times and has no such deadline
    assert spec["startingDeadlineSeconds"] > 0
    assert render(KEPT).one("CronJob")["spec"]["schedule"] == "15 1 * * 0"


def test_it_is_the_gateway_s_image_and_database_and_knows_no_other_secret() -> None:
    rendered = render(KEPT)
    gateway = rendered.pod("-gateway")["spec"]["containers"][0]
    prune = container(KEPT)
    assert prune["image"] == gateway["image"]
    address = environment_of(gateway)["SEGUE_DATABASE_URL"]
    assert environment_of(prune) == {"SEGUE_DATABASE_URL": address}
    assert address == {"secretKeyRef": {"name": "segue-database", "key": "url"}}


def test_it_has_an_account_of_its_own_without_the_store_s_role() -> None:
    values = deep_merge(KEPT, {"store": {"roleAnnotations": {"eks.amazonaws.com/role-arn": "arn"}}})
    rendered = render(values)
    account = rendered.one("ServiceAccount", "-retention")
    assert rendered.pod("-retention")["spec"]["serviceAccountName"] == account["metadata"]["name"]
    assert "annotations" not in account["metadata"]


def test_it_deletes_what_is_too_old_with_the_words_and_variables_of_the_chart(tmp_path: Path) -> None:
    # as the secret's `url` holds it, for a database that is here
    url = f"sqlite:///{tmp_path / 'segue.db'}"
    migrate(url)
    engine = open_engine(url)
    now = datetime.now(UTC)
    old, new = (impression(n, at=now - timedelta(days=days)) for n, days in enumerate((91, 89)))
    insert_records(engine, [old, new, feedback(old.impression_id, at=old.at)])

    done = run(container(BY_DEFAULT), url, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "deleted 1 lists, 3 tracks in them, 1 feedback\n"
    assert [row.impression_id for row in rows(engine, RECOMMEND_LOGS)] == [new.impression_id]
    engine.dispose()
    # no spool, no cache: its root is read-only
    assert {path.name.partition("-")[0] for path in tmp_path.iterdir()} == {"segue.db"}


def test_it_fails_and_says_why_where_the_database_is_not_as_it_should_be(tmp_path: Path) -> None:
    done = run(container(BY_DEFAULT), f"sqlite:///{tmp_path / 'segue.db'}", tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("segue: ")
    assert "segue database migrate" in done.stderr


def test_it_tells_after_an_install_how_the_log_is_cleared() -> None:
    told = {
        name: helm_python.Chart.load(str(CHART)).render(
            deep_merge(MINIMAL, values), name="segue", namespace="jazz"
        )
        for name, values in {"sqlite": {}, "server": DATABASE, "on": KEPT}.items()
    }
    notes = {
        name: next(text for path, text in files.items() if path.endswith("NOTES.txt"))
        for name, files in told.items()
    }
    assert (
        "kubectl -n jazz exec segue-gateway-0 -c gateway -- segue log prune --older-than 90d"
        in notes["sqlite"]
    )
    assert "every night: --set retention.enabled=true" in notes["server"]
    assert "The log keeps" not in notes["on"]
