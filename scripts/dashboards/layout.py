"""Short declarations of dashboards, and their JSON: rows, a grid of 24 columns, variables, links, ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from grafana_foundation_sdk.builders import bargauge, dashboard, prometheus, timeseries
from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models

__all__ = ["Board", "Panel", "Row", "to_json"]

_COLUMNS, _HEIGHT = 24, 8
_SOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
_SELECTOR = 'namespace=~"$namespace", release=~"$release", channel=~"$channel"'
_DASHBOARDS = ("serving", "drift", "quality", "training")


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel.

    Attributes
    ----------
    title, description
        What it shows, and how to read it.
    queries
        PromQL and legend; ``$S`` is replaced by the selector of namespace, release and channel.
    unit
        Grafana's name of the unit.
    kind
        ``series`` over time, or ``bars`` for what is now.
    width
        Number of the 24 columns.
    alert
        The alert whose section of the runbook is linked.
    top
        Maximum of the axis.
    stacked
        Whether the series are stacked.
    """

    title: str
    description: str
    queries: Sequence[tuple[str, str]]
    unit: str = "short"
    kind: Literal["series", "bars"] = "series"
    width: int = 8
    alert: str = ""
    top: float | None = None
    stacked: bool = False


@dataclass(frozen=True)
class Row:
    """Panels under a title."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, kw_only=True)
class Board:
    """One dashboard. Its own `variables` are (name, metric, label); a variable's values are the label's."""

    name: str
    title: str
    description: str
    rows: Sequence[Row]
    variables: Sequence[tuple[str, str, str]] = ()


def to_json(board: Board) -> str:
    """JSON for Grafana, keys sorted."""
    builder = (
        dashboard.Dashboard(f"Segue / {board.title}")
        .uid(f"segue-{board.name}")
        .description(board.description)
        .tags(["segue"])
        .refresh("30s")
        .time("now-6h", "now")
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .editable()
    )
    builder = _with_variables(builder, board)
    for name in _DASHBOARDS:
        if name != board.name:
            link = dashboard.DashboardLink(name.capitalize()).url(f"/d/segue-{name}")
            builder = builder.link(
                link.type(models.DashboardLinkType.LINK).keep_time(True).include_vars(True)
            )
    number, top = 1, 0
    for row in board.rows:
        builder = builder.with_row(dashboard.Row(row.title).id(number).grid_pos(_at(0, top, _COLUMNS, 1)))
        number, top, left = number + 1, top + 1, 0
        for panel in row.panels:
            if left + panel.width > _COLUMNS:
                top, left = top + _HEIGHT, 0
            place = _at(left, top, panel.width, _HEIGHT)
            builder = builder.with_panel(_panel(panel).id(number).grid_pos(place))
            number, left = number + 1, left + panel.width
        top += _HEIGHT
    return JSONEncoder(sort_keys=True, indent=1).encode(builder.build()) + "\n"


def _at(x: int, y: int, width: int, height: int) -> models.GridPos:
    return models.GridPos(x=x, y=y, w=width, h=height)


def _with_variables(builder: dashboard.Dashboard, board: Board) -> dashboard.Dashboard:
    builder = builder.with_variable(
        dashboard.DatasourceVariable("datasource").type("prometheus").label("Prometheus")
    )
    cascade = (
        ("namespace", "segue_bundle_info", "namespace"),
        ("release", 'segue_bundle_info{namespace=~"$namespace"}', "release"),
        ("channel", 'segue_bundle_info{namespace=~"$namespace", release=~"$release"}', "channel"),
    )
    for name, metric, label in (*cascade, *board.variables):
        variable = (
            dashboard.QueryVariable(name)
            .label(name.capitalize())
            .datasource(_SOURCE)
            .query(f"label_values({metric.replace('$S', _SELECTOR)}, {label})")
            .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
            .multi(True)
            .include_all(True)
            .all_value(".*")
        )
        builder = builder.with_variable(variable)
    for name, label in (("docs", "Address of Segue's sources"), ("page", "Address of Segue's page")):
        builder = builder.with_variable(dashboard.TextBoxVariable(name).label(label).default_value(""))
    return builder


def _panel(panel: Panel) -> timeseries.Panel | bargauge.Panel:
    builder = _series(panel) if panel.kind == "series" else _bars()
    builder = builder.title(panel.title).description(panel.description).datasource(_SOURCE).unit(panel.unit)
    builder = builder.links(_links(panel)).min(0)
    if panel.top is not None:
        builder = builder.max(panel.top)
    for number, (expression, legend) in enumerate(panel.queries):
        query = (
            prometheus.Dataquery()
            .expr(expression.replace("$S", _SELECTOR))
            .legend_format(legend)
            .ref_id(chr(ord("A") + number))
            .datasource(_SOURCE)
        )
        builder = builder.with_target(query if panel.kind == "series" else query.instant())
    return builder


def _links(panel: Panel) -> list[dashboard.DashboardLink]:
    places = [("Reports of the bundles", "${page}/models")]
    if panel.alert:
        places.insert(0, ("Runbook", f"${{docs}}/dashboards/RUNBOOK.md#{panel.alert.lower()}"))
    return [
        dashboard.DashboardLink(title).url(url).type(models.DashboardLinkType.LINK).target_blank(True)
        for title, url in places
    ]


def _series(panel: Panel) -> timeseries.Panel:
    builder = timeseries.Panel().fill_opacity(30 if panel.stacked else 5).line_width(1)
    builder = builder.show_points(common.VisibilityMode.NEVER)
    builder = builder.tooltip(common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI))
    if panel.stacked:
        builder = builder.stacking(
            common_builders.StackingConfig().mode(common.StackingMode.NORMAL).group("A")
        )
    return builder


def _bars() -> bargauge.Panel:
    return bargauge.Panel().orientation(common.VizOrientation.HORIZONTAL)
