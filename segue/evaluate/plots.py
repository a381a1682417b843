"""Charts as inline SVG, in the page's colours, light or dark.

All text is escaped. The same input gives the same bytes: there are no generated ids or times.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup, escape

__all__ = ["Bars", "IntervalRow", "Mark", "Series", "bar_chart", "interval_chart", "line_chart", "ticks"]

Formatter = Callable[[float], str]


@dataclass(frozen=True, kw_only=True)
class Series:
    """A line through points in order of x, perhaps with a band from `low` to `high` around it.

    A faint one is a reference line: dashed, and without colour.
    """

    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    name: str = ""
    dots: bool = False
    faint: bool = False


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A labelled vertical line at a value of x."""

    at: float
    text: str


@dataclass(frozen=True, kw_only=True)
class IntervalRow:
    """A row of an interval chart: a mean and its interval."""

    name: str
    mean: float
    low: float
    high: float
    leading: bool = False


@dataclass(frozen=True, kw_only=True)
class Bars:
    """Bars of equal width, and an outline of heights to compare with, drawn as a step line.

    The labels of the axis have positions: 0 is the left edge of the first bar, 1 its right edge.
    """

    values: Sequence[float]
    labels: Sequence[tuple[float, str]]
    outline: Sequence[float] = ()


def ticks(low: float, high: float, limit: int = 5) -> list[float]:
    """Round numbers between two bounds, at most about `limit` of them."""
    if not high > low:
        return [low]
    raw = (high - low) / limit
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [round(step * i, 10) for i in range(first, math.floor(high / step + 1e-9) + 1)]


@dataclass
class _Canvas:
    width: int
    height: int
    parts: list[str] = field(default_factory=list)

    def text(self, x: float, y: float, text: str, *, anchor: str = "middle", style: str = "") -> None:
        styled = f' class="{style}"' if style else ""
        self.parts.append(
            f'<text x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}"{styled}>{escape(text)}</text>'
        )

    def line(self, x1: float, y1: float, x2: float, y2: float, style: str) -> None:
        self.parts.append(f'<line class="{style}" x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}"/>')

    def path(self, points: Sequence[tuple[float, float]], style: str, *, closed: bool = False) -> None:
        steps = "L".join(f"{_n(x)} {_n(y)}" for x, y in points)
        self.parts.append(f'<path class="{style}" d="M{steps}{"Z" if closed else ""}"/>')

    def dot(self, x: float, y: float, style: str, radius: float = 3) -> None:
        self.parts.append(f'<circle class="{style}" cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}"/>')

    def done(self, alt: str) -> Markup:
        head = f'<svg role="img" viewBox="0 0 {self.width} {self.height}" aria-label="{escape(alt)}">'
        # all text was escaped when it was added
        return Markup(head + "".join(self.parts) + "</svg>")  # noqa: S704


def line_chart(
    series: Sequence[Series],
    *,
    alt: str,
    x_title: str,
    y_title: str,
    x_format: Formatter = "{:g}".format,
    marks: Sequence[Mark] = (),
    log_x: bool = False,
) -> Markup:
    """Lines over a common x axis, with at least one point in total; `alt` is the chart's text alternative.

    On a logarithmic axis all x must be above 0.
    """
    canvas = _Canvas(440, 290)
    left, right, top, bottom = 52, 428, 34, 242
    xs = [value for one in series for value in one.x] + [mark.at for mark in marks]
    ys = [value for one in series for value in (*one.y, *one.low, *one.high)]
    x_low, x_high = _span(xs, log=log_x)
    y_low, y_high = _span(ys)

    def at(x: float, y: float) -> tuple[float, float]:
        share = (math.log10(x) if log_x else x) - x_low
        return (
            left + share / (x_high - x_low) * (right - left),
            bottom - (y - y_low) / (y_high - y_low) * (bottom - top),
        )

    for value in ticks(y_low, y_high):
        _, y = at(10**x_low if log_x else x_low, value)
        canvas.line(left, y, right, y, "grid")
        canvas.text(left - 6, y + 4, f"{value:g}", anchor="end", style="tick")
    for value in _log_ticks(x_low, x_high) if log_x else ticks(x_low, x_high, 6):
        x, _ = at(value, y_low)
        canvas.line(x, bottom, x, bottom + 4, "axis")
        text = x_format(value)
        canvas.text(min(x, canvas.width - _width(text) / 2), bottom + 18, text, style="tick")
    canvas.line(left, bottom, right, bottom, "axis")
    canvas.text((left + right) / 2, bottom + 40, x_title, style="title")
    canvas.text(left - 46, 12, y_title, anchor="start", style="title")
    colours = itertools.cycle(("s1", "s2", "s3", "s4", "s5"))
    styled = [(one, "ref" if one.faint else next(colours)) for one in series]
    _legend(canvas, styled, right)
    for one, style in styled:
        _draw(canvas, one, at, style)
    for mark in marks:
        x, _ = at(mark.at, y_low)
        canvas.line(x, top, x, bottom, "mark")
        beside, anchor = (x - 6, "end") if x > (left + right) / 2 else (x + 6, "start")
        canvas.text(beside, top + 4, mark.text, anchor=anchor, style="halo")
    return canvas.done(alt)


def interval_chart(rows: Sequence[IntervalRow], *, alt: str, x_format: Formatter) -> Markup:
    """Means with their intervals, one per row, on a common axis that includes 0."""
    step, right = 34, 424
    left = 24 + max((7 * len(row.name) for row in rows), default=0)
    height = 16 + step * len(rows)
    canvas = _Canvas(440, height + 30)
    low = min(0.0, *(row.low for row in rows))
    high = max(1e-9, *(row.high for row in rows)) * 1.04

    def at(value: float) -> float:
        return left + (value - low) / (high - low) * (right - left)

    for value in ticks(low, high):
        canvas.line(at(value), 8, at(value), height, "grid")
        canvas.text(at(value), height + 18, x_format(value), style="tick")
    for place, row in enumerate(rows):
        y, style = 8 + step * (place + 0.5), "s1" if row.leading else "other"
        canvas.text(left - 12, y + 4, row.name, anchor="end", style="strong" if row.leading else "")
        canvas.line(at(row.low), y, at(row.high), y, f"whisker {style}")
        canvas.dot(at(row.mean), y, f"dot {style}", 5.5)
    return canvas.done(alt)


def bar_chart(bars: Bars, *, alt: str, height: int = 120, width: int = 260) -> Markup:
    """Bars on a common baseline, without a y axis."""
    canvas = _Canvas(width, height)
    floor, top = height - 22, 6
    highest = max((*bars.values, *bars.outline), default=0.0) or 1.0
    each = (width - 12) / max(len(bars.values), 1)

    def y_of(value: float) -> float:
        return floor - value / highest * (floor - top)

    for place, value in enumerate(bars.values):
        if value > 0:
            x, y = 6 + place * each, min(y_of(value), floor - 0.8)
            box = f'x="{_n(x + 0.5)}" y="{_n(y)}" width="{_n(max(each - 1, 0.6))}" height="{_n(floor - y)}"'
            canvas.parts.append(f'<rect class="bars" {box}/>')
    if bars.outline:
        steps = [(6.0, float(floor))]
        for place, value in enumerate(bars.outline):
            steps += [(6 + place * each, y_of(value)), (6 + (place + 1) * each, y_of(value))]
        canvas.path([*steps, (6 + len(bars.outline) * each, float(floor))], "outline")
    canvas.line(6, floor, width - 6, floor, "axis")
    before = float(width)
    # the last label, at the end of the axis, is always drawn; others only if they do not overlap the next one
    for position, text in reversed(bars.labels):
        half = _width(text) / 2
        x = min(max(6 + position * each, half), width - half)
        if x + half <= before or before == width:
            canvas.text(x, floor + 16, text, style="tick")
            before = x - half - 3
    return canvas.done(alt)


def _draw(
    canvas: _Canvas, one: Series, at: Callable[[float, float], tuple[float, float]], style: str
) -> None:
    if one.low and one.high:
        upper = [at(x, y) for x, y in zip(one.x, one.high, strict=True)]
        lower = [at(x, y) for x, y in zip(one.x, one.low, strict=True)]
        canvas.path([*upper, *reversed(lower)], f"band {style}", closed=True)
    points = [at(x, y) for x, y in zip(one.x, one.y, strict=True)]
    if len(points) > 1:
        canvas.path(points, f"line {style}")
    if one.dots or len(points) == 1:
        for x, y in points:
            canvas.dot(x, y, f"dot {style}")


def _legend(canvas: _Canvas, styled: Sequence[tuple[Series, str]], right: float) -> None:
    named = [(one.name, style) for one, style in styled if one.name]
    x = right - sum(34 + 7.4 * len(name) for name, _ in named)
    for name, style in named:
        canvas.line(x, 8, x + 16, 8, f"line {style}")
        canvas.text(x + 21, 12, name, anchor="start")
        x += 34 + 7.4 * len(name)


def _span(values: Sequence[float], *, log: bool = False) -> tuple[float, float]:
    low, high = min(values), max(values)
    if log:
        return math.log10(low), max(math.log10(high), math.log10(low) + 0.1)
    room = (high - low) * 0.04 or abs(high) * 0.1 or 1.0
    return low if low == 0 else low - room, high + room


def _log_ticks(low: float, high: float) -> list[float]:
    steps = (1, 2, 5) if high - low < 2.5 else (1,)
    powers = range(math.floor(low), math.ceil(high) + 1)
    every = [factor * 10.0**power for power in powers for factor in steps]
    inside = [value for value in every if low - 1e-9 <= math.log10(value) <= high + 1e-9]
    return inside or [10**low]


def _width(text: str) -> float:
    """Approximate width of a tick's label, in pixels."""
    return 6.4 * len(text)


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
