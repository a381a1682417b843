"""The report's charts of the findings; each function returns None without data."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from segue.evaluate.findings import Findings
from segue.evaluate.plots import IntervalRow, Mark, Series, interval_chart, line_chart
from segue.evaluate.popularity import CalibrationBin
from segue.evaluate.wording import number
from segue.index.tune import IndexPoint

__all__ = [
    "calibration_chart",
    "index_chart",
    "leading_chart",
    "learning_chart",
    "popularity_curve",
    "variety_chart",
    "weight_curve",
]


def leading_chart(findings: Findings) -> Markup | None:
    """The leading metric of every method, with its interval."""
    if findings.leading is None:
        return None
    rows = []
    for name, method in sorted(findings.methods.items(), key=lambda item: item[0] != "segue"):
        figure = method.figures.get(findings.leading)
        if figure and figure.mean is not None:
            low, high = figure.low, figure.high
            rows.append(
                IntervalRow(
                    name=method.title,
                    mean=figure.mean,
                    low=figure.mean if low is None else low,
                    high=figure.mean if high is None else high,
                    leading=name == "segue",
                )
            )
    if not rows:
        return None
    values = ", ".join(f"{row.name} {number(row.mean)}" for row in rows)
    return interval_chart(rows, alt=f"{findings.labels[findings.leading]}: {values}", x_format="{:g}".format)


def weight_curve(findings: Findings) -> Markup | None:
    """The leading metric over popularity_weight, with a mark at the chosen weight."""
    points = [point for point in findings.curve if point.leading is not None]
    if not points or findings.leading is None:
        return None
    has_band = all(point.low is not None and point.high is not None for point in points)
    line = Series(
        x=[point.popularity_weight for point in points],
        y=[point.leading or 0.0 for point in points],
        low=[point.low or 0.0 for point in points] if has_band else (),
        high=[point.high or 0.0 for point in points] if has_band else (),
        dots=True,
    )
    label = findings.labels[findings.leading]
    ends = f"{number(points[0].leading)} at 0, {number(points[-1].leading)} at 1"
    return line_chart(
        [line],
        alt=f"{label} over popularity_weight: {ends}",
        x_title="popularity_weight",
        y_title=label,
        marks=[_default(findings)],
    )


def popularity_curve(findings: Findings) -> Markup | None:
    """Mean popularity of the lists over popularity_weight."""
    points = [point for point in findings.curve if point.popularity is not None]
    if not points:
        return None
    means = [point.popularity or 0.0 for point in points]
    line = Series(x=[point.popularity_weight for point in points], y=means, dots=True)
    return line_chart(
        [line],
        alt=f"Mean popularity over popularity_weight: {means[0]:.1f} at 0, {means[-1]:.1f} at 1",
        x_title="popularity_weight",
        y_title="mean popularity",
        marks=[_default(findings)],
    )


def variety_chart(findings: Findings) -> Markup | None:
    """The leading metric over the artists per list, a line for each setting."""
    lines = []
    for setting in dict.fromkeys(point.setting for point in findings.tradeoffs):
        pairs = sorted(
            (point.figures.get("artists_per_list") or 0.0, point.leading.mean)
            for point in findings.tradeoffs
            if point.setting == setting and point.leading.mean is not None
        )
        if len(pairs) > 1:
            lines.append(Series(x=[x for x, _ in pairs], y=[y for _, y in pairs], name=setting, dots=True))
    if not lines or findings.leading is None:
        return None
    label = findings.labels[findings.leading]
    ends = "; ".join(
        f"{line.name} from {number(line.y[0])} at {line.x[0]:.1f} artists to {number(line.y[-1])} at "
        f"{line.x[-1]:.1f}"
        for line in lines
    )
    return line_chart(
        lines, alt=f"{label} over artists per list: {ends}", x_title="artists per list", y_title=label
    )


def index_chart(curve: Sequence[IndexPoint]) -> Markup | None:
    """Recall over vectors scanned, a line for each factory string; None for a single point."""
    if len(curve) < 2:
        return None
    kinds = list(dict.fromkeys(point.factory for point in curve))
    lines = []
    for kind in kinds:
        points = sorted((p for p in curve if p.factory == kind), key=lambda p: p.scanned)
        lines.append(
            Series(
                x=[max(point.scanned, 1.0) for point in points],
                y=[point.recall for point in points],
                name=kind.removesuffix(",Flat"),
                dots=True,
            )
        )
    best = max(curve, key=lambda point: point.recall)
    return line_chart(
        lines,
        alt=f"Recall over vectors scanned; the best is {best.recall:.4f} with {best.factory}",
        x_title="vectors scanned per query (logarithmic)",
        y_title="recall",
        x_format="{:,.0f}".format,
        log_x=True,
    )


def calibration_chart(bins: Sequence[CalibrationBin]) -> Markup | None:
    """True popularity over predicted popularity, by decile of the prediction."""
    if not bins:
        return None
    ends = [min(min(b.predicted, b.actual) for b in bins), max(max(b.predicted, b.actual) for b in bins)]
    worst = max(bins, key=lambda one: abs(one.predicted - one.actual))
    return line_chart(
        [
            Series(x=ends, y=ends, faint=True),
            Series(x=[one.predicted for one in bins], y=[one.actual for one in bins], dots=True),
        ],
        alt=f"Calibration: the worst decile is predicted {worst.predicted:.1f} and is {worst.actual:.1f}",
        x_title="predicted popularity",
        y_title="true popularity",
    )


def learning_chart(curve: Sequence[float], trees: int | None) -> Markup | None:
    """Validation error by number of trees, with a mark at the number kept."""
    if len(curve) < 2:
        return None
    line = Series(x=list(range(1, len(curve) + 1)), y=curve)
    kept = trees if trees and trees <= len(curve) else None
    return line_chart(
        [line],
        alt=f"Validation error: {curve[0]:.2f} with one tree, {min(curve):.2f} at best",
        x_title="trees",
        y_title="RMSE, points of popularity",
        marks=[Mark(at=kept, text=f"{kept} kept")] if kept else [],
    )


def _default(findings: Findings) -> Mark:
    weight = findings.defaults.popularity_weight
    return Mark(at=weight, text=f"default {weight:g}")
