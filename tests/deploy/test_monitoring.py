"""Monitors find the metrics, and what lies in dashboards/ is deployed as it is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.chart import CHART, render

ON: dict[str, Any] = {"monitoring": {"enabled": True, "labels": {"prometheus": "main"}, "interval": "30s"}}
RULES = {
    "groups": [
        {
            "name": "segue",
            "rules": [
                {
                    "alert": "SegueDown",
                    "expr": "up == 0",
                    "for": "5m",
                    "annotations": {"summary": "{{ $labels.release }} does not answer"},
                }
            ],
        }
    ]
}
DASHBOARD = '{"title": "Serving", "panels": [{"legendFormat": "{{release}}"}]}\n'


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """The chart with one file of rules, one of their tests, and one dashboard."""
    made = tmp_path / "segue"
    shutil.copytree(CHART, made, ignore=shutil.ignore_patterns("dashboards"))
    (made / "dashboards" / "rules").mkdir(parents=True)
    (made / "dashboards" / "rules" / "serving_alerts.yaml").write_text(yaml.safe_dump(RULES))
    (made / "dashboards" / "rules" / "serving_test.yaml").write_text(
        "rule_files: [serving.yaml]\ntests: []\n"
    )
    (made / "dashboards" / "Serving.json").write_text(DASHBOARD)
    return made


def test_it_deploys_rules_as_they_are_and_not_their_tests(chart: Path) -> None:
    rendered = render(ON, chart=chart)
    rule = rendered.one("PrometheusRule")
    assert rule["spec"] == RULES
    assert rule["metadata"]["name"] == "segue-serving-alerts"
    assert rule["metadata"]["labels"]["prometheus"] == "main"


def test_it_deploys_a_dashboard_byte_by_byte(chart: Path) -> None:
    config = render(ON, chart=chart).one("ConfigMap")
    assert config["data"] == {"Serving.json": DASHBOARD}
    assert config["metadata"]["labels"]["grafana_dashboard"] == "1"


def test_it_leaves_rules_and_dashboards_to_another_release(chart: Path) -> None:
    off = {"monitoring": {**ON["monitoring"], "rules": False, "dashboards": False}}
    rendered = render(off, chart=chart)
    assert rendered.of("PrometheusRule") == rendered.of("ConfigMap") == []
    assert len(rendered.of("PodMonitor")) == 2


def test_it_deploys_all_that_lies_in_dashboards() -> None:
    rendered = render(ON)
    folder = CHART / "dashboards"
    shown = {name: text for config in rendered.of("ConfigMap") for name, text in config["data"].items()}
    files = {path.name: path.read_text(encoding="utf-8").strip() for path in folder.glob("*.json")}
    assert {name: json.loads(text) for name, text in shown.items()} == {
        n: json.loads(t) for n, t in files.items()
    }
    texts = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in folder.glob("rules/*.yaml")]
    groups = [group["name"] for text in texts for group in text.get("groups", [])]
    deployed = [group["name"] for rule in rendered.of("PrometheusRule") for group in rule["spec"]["groups"]]
    assert sorted(groups) == sorted(deployed)


def test_it_has_no_monitor_where_it_is_off() -> None:
    rendered = render()
    assert [m for m in rendered if m["apiVersion"].startswith("monitoring.coreos.com")] == []


def test_it_reads_metrics_at_ports_that_pods_have() -> None:
    rendered = render(ON)
    for monitor in rendered.of("PodMonitor"):
        wanted = monitor["spec"]["selector"]["matchLabels"]
        (pod,) = [p for _, p in rendered.pods() if wanted.items() <= p["metadata"]["labels"].items()]
        ports = {port["name"] for port in pod["spec"]["containers"][0]["ports"]}
        assert monitor["spec"]["podMetricsEndpoints"][0]["port"] in ports
    monitor = rendered.one("ServiceMonitor")
    service = rendered.one("Service", "-gateway")
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["spec"]["endpoints"][0]["port"] in {port["name"] for port in service["spec"]["ports"]}


def test_it_tells_releases_channels_and_components_apart() -> None:
    rendered = render({**ON, "store": {"channel": "challenger"}}, name="jazz")
    endpoints = [m["spec"]["podMetricsEndpoints"][0] for m in rendered.of("PodMonitor")]
    endpoints.append(rendered.one("ServiceMonitor")["spec"]["endpoints"][0])
    labels = [{r["targetLabel"]: r["replacement"] for r in e["relabelings"]} for e in endpoints]
    assert {label["component"] for label in labels} == {"predictor", "transformer", "gateway"}
    assert all((label["release"], label["channel"]) == ("jazz", "challenger") for label in labels)
    assert {endpoint["interval"] for endpoint in endpoints} == {"30s"}
