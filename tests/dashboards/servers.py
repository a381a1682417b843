"""A real Prometheus and a real Alertmanager on free ports, and questions to them."""

from __future__ import annotations

import json
import subprocess
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from tests.serving.processes import Served, call, free_port, wait_for

__all__ = ["LABELS", "Monitor", "start_monitor"]

# What the chart's monitors add to each series.
LABELS = {"namespace": "segue", "release": "segue", "channel": "champion"}


@dataclass
class Monitor:
    """Both servers."""

    port: int
    alerts_port: int
    processes: list[subprocess.Popen[bytes]]

    def ask(self, path: str, **parameters: object) -> Any:
        """One question to Prometheus's API."""
        reply = call(self.port, "GET", f"{path}?{urllib.parse.urlencode(parameters)}")
        assert reply.status == 200, reply.content
        return reply.json["data"]

    def query(self, expression: str) -> dict[str, float]:
        """An instant query: value by its labels, as JSON."""
        found = self.ask("/api/v1/query", query=expression)["result"]
        return {json.dumps(one["metric"], sort_keys=True): float(one["value"][1]) for one in found}

    def value(self, expression: str) -> float:
        """The sum of an instant query; 0 where it has nothing."""
        return sum(self.query(expression).values())

    def fired(self) -> set[str]:
        """Names of all alerts that fired at any time."""
        found = self.ask("/api/v1/query", query='max_over_time(ALERTS{alertstate="firing"}[1h])')["result"]
        return {one["metric"]["alertname"] for one in found}

    def firing(self) -> set[str]:
        """Names of the alerts that fire now."""
        alerts = self.ask("/api/v1/alerts")["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    def stop(self) -> None:
        """Stop both."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(timeout=30)


def start_monitor(
    folder: Path, rules: list[Path], targets: Mapping[str, Served], *, webhook: str, key: str
) -> Monitor:
    """Start both, scrape the targets every second, and send alerts marked `retrain` to the webhook."""
    port, alerts_port, cluster = free_port(), free_port(), free_port()
    _write(folder / "alertmanager.yml", _alertmanager(webhook, key))
    _write(folder / "prometheus.yml", _prometheus(rules, targets, alerts_port))
    commands = [
        [
            "prometheus-alertmanager",
            f"--config.file={folder}/alertmanager.yml",
            f"--storage.path={folder}/alertmanager",
            f"--web.listen-address=127.0.0.1:{alerts_port}",
            f"--cluster.listen-address=127.0.0.1:{cluster}",
        ],
        [
            "prometheus",
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/prometheus",
            f"--web.listen-address=127.0.0.1:{port}",
            # else an alert is sent again only after a minute
            "--rules.alert.resend-delay=1s",
            "--query.lookback-delta=5s",
        ],
    ]
    processes = []
    for command in commands:
        with (folder / f"{command[0]}.log").open("wb") as log:
            processes.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=folder))
    monitor = Monitor(port, alerts_port, processes)
    try:
        for where in (port, alerts_port):
            wait_for(partial(_is_ready, where), "Prometheus and Alertmanager")
    except BaseException:
        monitor.stop()
        raise
    return monitor


def _is_ready(port: int) -> bool:
    try:
        return call(port, "GET", "/-/ready", timeout=2).status == 200
    except OSError:
        return False


def _write(path: Path, content: object) -> None:
    path.write_text(yaml.safe_dump(content), encoding="utf-8")


def _prometheus(rules: list[Path], targets: Mapping[str, Served], alerts_port: int) -> dict[str, Any]:
    jobs = [
        {
            "job_name": name,
            "static_configs": [
                {
                    "targets": [f"127.0.0.1:{served.http_port}"],
                    "labels": {**LABELS, "component": served.program, "pod": f"{name}-0"},
                }
            ],
        }
        for name, served in targets.items()
    ]
    return {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(path) for path in rules],
        "scrape_configs": jobs,
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alerts_port}"]}]}]},
    }


def _alertmanager(webhook: str, key: str) -> dict[str, Any]:
    """The route of dashboards/README.md, with short waits, so that the webhook is called again and again."""
    return {
        "route": {
            "receiver": "nobody",
            "routes": [
                {
                    "matchers": ['retrain="true"'],
                    "receiver": "segue-retrain",
                    "group_wait": "1s",
                    "group_interval": "2s",
                    "repeat_interval": "2s",
                }
            ],
        },
        "receivers": [
            {"name": "nobody"},
            {
                "name": "segue-retrain",
                "webhook_configs": [
                    {
                        "url": webhook,
                        "send_resolved": False,
                        "http_config": {"authorization": {"credentials": key}},
                    }
                ],
            },
        ],
    }
