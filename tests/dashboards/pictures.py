"""The dashboards' main panels as pictures, drawn from what a Prometheus answers to their own queries.

`make pictures` writes them to docs/images, from the live test.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from tests.dashboards.scaled import scaled
from tests.dashboards.servers import Monitor
from tests.dashboards.test_dashboards import BOARDS, panels

__all__ = ["MAIN", "draw"]

MAIN = {
    "serving": ("Requests", "Degraded lists", "Latency by stage", "API latency", "Errors", "Rollouts"),
    "drift": (
        "Query drift by feature",
        "Rows of the last hour",
        "Query distribution: last hour",
        "Query distribution: week before",
        "Output drift",
        "Distances: last hour",
    ),
    "quality": (
        "List diversity",
        "Coverage",
        "Popularity lift",
        "Genre precision",
        "Live recall",
        "Feedback rate by popularity",
    ),
    "training": ("Runs", "Age of the newest run", "Champion", "Figures by bundle", "Gate", "Catalogue"),
}
_MAX_LEGEND = 8
_UNITS = {"reqps": "a second", "s": "seconds", "percentunit": "share", "bytes": "bytes", "short": ""}


def draw(monitor: Monitor, folder: Path, begun: float, ended: float) -> list[Path]:
    """Draw each dashboard's main panels to ``watched-NAME.png``."""
    written = []
    for name, titles in MAIN.items():
        found = {panel["title"]: panel for panel in panels(BOARDS[name])}
        figure, places = plt.subplots(2, 3, figsize=(15, 7.5), layout="constrained")
        for axes, title in zip(places.flat, titles, strict=True):
            _draw_panel(axes, found[title], monitor, begun, ended)
        figure.suptitle(BOARDS[name]["title"], fontsize=14)
        written.append(folder / f"watched-{name}.png")
        figure.savefig(written[-1], dpi=80)
        plt.close(figure)
    return written


def _draw_panel(axes: Axes, panel: dict[str, Any], monitor: Monitor, begun: float, ended: float) -> None:
    unit = panel["fieldConfig"]["defaults"]["unit"]
    axes.set_title(panel["title"], fontsize=11, loc="left")
    axes.grid(visible=True, alpha=0.25)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if panel["type"] == "bargauge":
        _draw_bars(axes, panel, monitor)
        axes.set_xlabel(_UNITS[unit], fontsize=9)
        return
    shown = 0
    for target in panel["targets"]:
        for labels, points in _range(monitor, target["expr"], begun, ended):
            legend = _legend(target["legendFormat"], labels) if shown < _MAX_LEGEND else None
            axes.plot([at - begun for at, _ in points], [value for _, value in points], label=legend, lw=1.4)
            shown += 1
    axes.set_ylim(bottom=0)
    axes.set_xlabel("seconds since the test began", fontsize=9)
    axes.set_ylabel(_UNITS[unit], fontsize=9)
    axes.legend(fontsize=7, frameon=False)


def _draw_bars(axes: Axes, panel: dict[str, Any], monitor: Monitor) -> None:
    names, values = [], []
    for target in panel["targets"]:
        found = monitor.ask("/api/v1/query", query=_filled(target["expr"], feature="energy"))["result"]
        for one in found:
            names.append(_legend(target["legendFormat"], one["metric"]))
            values.append(float(one["value"][1]))
    order = sorted(range(len(names)), key=lambda i: _lower_end(names[i]), reverse=True)
    axes.barh([names[i] for i in order], [values[i] for i in order], color="#4c78a8")
    axes.tick_params(axis="y", labelsize=7)


def _lower_end(name: str) -> float:
    """Where a bin begins, by its name: ``<0.2``, ``0.2..0.4``, ``>=0.4``, or one that is no number."""
    found = re.search(r"(<)?(?:>=)?(-?[0-9.]+?)(?:\.\.|$)", name)
    if found is None:
        return float("inf")
    return -float("inf") if found[1] else float(found[2])


def _range(
    monitor: Monitor, expression: str, begun: float, ended: float
) -> list[tuple[dict[str, str], list[tuple[float, float]]]]:
    found = monitor.ask("/api/v1/query_range", query=_filled(expression), start=begun, end=ended, step=1)[
        "result"
    ]
    return [(one["metric"], [(float(at), float(value)) for at, value in one["values"]]) for one in found]


def _filled(expression: str, *, feature: str = ".*") -> str:
    for name in ("namespace", "release", "channel"):
        expression = expression.replace(f"${name}", ".*")
    return scaled(expression.replace("$feature", feature))


def _legend(form: str, labels: dict[str, str]) -> str:
    text = re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], "")[:28], form)
    return re.sub(r"\b([0-9a-f]{8})[0-9a-f]{10,}", r"\1", text).strip() or "all"
