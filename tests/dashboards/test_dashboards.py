"""Dashboards: fresh, importable, readable, and reading only what exists."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.models import dashboard as models

from scripts.dashboards.__main__ import FOLDER, generated_files
from tests.dashboards.test_rules import ALERTS, RECORDED, exported, named

FILES = sorted(FOLDER.glob("*.json"))
BOARDS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in FILES}
# prometheus_client's own
PROCESS = {"process_resident_memory_bytes", "up"}


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


ALL = [pytest.param(p, id=f"{n}: {p['title']}") for n, board in BOARDS.items() for p in panels(board)]


def test_it_has_the_panels_that_the_runbook_sends_to() -> None:
    text = (FOLDER / "RUNBOOK.md").read_text(encoding="utf-8")
    sent = re.findall(r'\*(\w+)\*: ((?:[^"*.?]*"[^"]+")+)', text)
    assert len(sent) >= 12
    for board, named_there in sent:
        titles = {panel["title"] for panel in panels(BOARDS[board.lower()])}
        assert set(re.findall(r'"([^"]+)"', named_there)) <= titles, (board, named_there)


def test_it_is_what_the_code_makes() -> None:
    assert generated_files() == {path: path.read_text(encoding="utf-8") for path in FILES}


def test_it_is_four_with_ids_of_their_own() -> None:
    assert {board["uid"] for board in BOARDS.values()} == {
        f"segue-{name}" for name in ("drift", "quality", "serving", "training")
    }


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_it_has_no_panel_twice_and_none_over_another(board: dict[str, Any]) -> None:
    numbers = [panel["id"] for panel in board["panels"]]
    assert len(numbers) == len(set(numbers))
    titles = [panel["title"] for panel in panels(board)]
    assert len(titles) == len(set(titles))
    places = [panel["gridPos"] for panel in board["panels"]]
    assert all(at["x"] >= 0 and at["x"] + at["w"] <= 24 for at in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_it_offers_namespace_release_channel_and_source(board: dict[str, Any]) -> None:
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    assert {"datasource", "namespace", "release", "channel", "docs", "page"} <= variables.keys()
    assert variables["datasource"]["query"] == "prometheus"
    for name in variables.keys() - {"datasource", "docs", "page"}:
        assert variables[name]["includeAll"]
        assert variables[name]["allValue"] == ".*"
        assert named(variables[name]["query"]) <= exported() | RECORDED
    assert {link["url"] for link in board["links"]} < {f"/d/{other['uid']}" for other in BOARDS.values()}


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_it_is_taken_by_grafanas_own_model(board: dict[str, Any]) -> None:
    known = {name.lower() for name in models.Dashboard.from_json(board).to_json()}
    assert {name.lower() for name in board} <= known
    assert board["schemaVersion"] >= 36


@pytest.mark.parametrize("panel", ALL)
def test_it_says_what_a_panel_shows_and_where_to_read_on(panel: dict[str, Any]) -> None:
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    urls = [link["url"] for link in panel["links"]]
    assert "${page}/models" in urls
    anchors = {f"${{docs}}/dashboards/RUNBOOK.md#{alert['alert'].lower()}" for alert in ALERTS}
    assert {url for url in urls if "RUNBOOK" in url} <= anchors


@pytest.mark.parametrize("panel", ALL)
def test_it_asks_the_chosen_source_for_metrics_that_exist(panel: dict[str, Any]) -> None:
    for part in (panel, *panel["targets"]):
        assert part["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    for target in panel["targets"]:
        expression = target["expr"]
        # what the variables put in is no name of a metric
        assert named(re.sub(r"\$\w+", "", expression)) <= exported() | RECORDED, expression
        assert named(expression) or any(name in expression for name in PROCESS)
        for selector in re.findall(r"segue[\w:]*\{([^}]*)\}", expression):
            assert all(f'{name}=~"${name}"' in selector for name in ("namespace", "release", "channel"))


def test_it_shows_each_metric_that_a_panel_is_said_to_show() -> None:
    source = (Path(__file__).resolve().parents[2] / "serving" / "metrics.py").read_text(encoding="utf-8")
    shown = {panel["title"] for board in BOARDS.values() for panel in panels(board)}
    said = set(re.findall(r'[Pp]anels? "([^"]+)"', source)) | set(re.findall(r'and "([^"]+)"', source))
    assert said <= shown, said - shown
