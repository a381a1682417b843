"""Alerts: each is tested by promtool, described in the runbook, and reads only metrics that the code has."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import Counter, Gauge, Histogram, Summary

from serving import metrics
from tests.conftest import require

ROOT = Path(__file__).resolve().parents[2]
RULES = sorted((ROOT / "dashboards" / "rules").glob("*.yaml"))
TESTS = sorted(Path(__file__).parent.glob("*.test.yaml"))
SUFFIXES = {
    Counter: ("_total",),
    Gauge: ("",),
    Histogram: ("_bucket", "_sum", "_count"),
    Summary: ("_sum", "_count"),
}


def rules() -> list[dict[str, Any]]:
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text("utf-8"))["groups"]]
    return [rule for group in groups for rule in group["rules"]]


ALERTS = [rule for rule in rules() if "alert" in rule]
RECORDED = {rule["record"] for rule in rules() if "record" in rule}


def exported() -> set[str]:
    """Names of the series that the processes export."""
    names = {f"{metrics.QUERY_BIN}_total", f"{metrics.OUTPUT_BIN}_total", metrics.REFERENCE_RATIO}
    for name in metrics.__all__:
        metric = getattr(metrics, name)
        for kind, suffixes in SUFFIXES.items():
            if isinstance(metric, kind):
                names |= {f"{metric._name}{suffix}" for suffix in suffixes}
    return names


def named(expression: str) -> set[str]:
    """Names of Segue's series in an expression."""
    return set(re.findall(r"\bsegue[_:][a-zA-Z0-9_:]+", re.sub(r'"[^"]*"', '""', expression)))


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_it_fires_when_promtool_says_so(path: Path) -> None:
    require(shutil.which("promtool") is not None, "promtool", "apt-get install prometheus")
    command = ["promtool", "test", "rules", str(path)]
    # it has little to collect, and spends a quarter of its time on it
    environment = {**os.environ, "GOGC": "800"}
    tested = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_it_tests_every_alert() -> None:
    tested = [
        test["name"] for path in TESTS for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]
    ]
    assert sorted(name for name in tested if name.startswith("Segue")) == sorted(a["alert"] for a in ALERTS)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_it_says_how_urgent_it_is_and_what_to_do(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in ("page", "ticket")
    assert alert["annotations"]["summary"].strip().endswith(".")
    assert alert["annotations"]["runbook_url"] == f"RUNBOOK.md#{alert['alert'].lower()}"


def test_it_has_a_section_of_the_runbook_for_each_alert_and_no_other() -> None:
    text = (ROOT / "dashboards" / "RUNBOOK.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert [name for name, _ in sections] == list(dict.fromkeys(name for name, _ in sections))
    assert {name for name, _ in sections} == {alert["alert"] for alert in ALERTS}
    for name, section in sections:
        assert all(word in section.lower() for word in ("**means**", "**look at**", "**do")), name
        for link in re.findall(r"\]\(#(\w+)\)", section):
            assert link in {other.lower() for other, _ in sections}, (name, link)


def test_it_reads_only_metrics_that_exist() -> None:
    known = exported() | RECORDED
    for rule in rules():
        assert named(rule["expr"]) <= known, rule.get("alert") or rule.get("record")


def test_it_names_only_alerts_and_recording_rules_that_exist_in_the_code() -> None:
    source = Path(metrics.__file__).read_text(encoding="utf-8")
    assert set(re.findall(r"\bSegue[A-Z]\w+", source)) <= {alert["alert"] for alert in ALERTS}
    assert set(re.findall(r"\bsegue:\w+", source)) <= RECORDED
