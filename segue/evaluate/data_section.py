"""Template context of the report's sections on the data and its drift."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from segue.catalog.profile import Histogram, NumericProfile, Profile
from segue.evaluate.eda import Eda
from segue.evaluate.gate import CatalogChange
from segue.evaluate.plots import Bars, Series, bar_chart, line_chart

__all__ = ["BarRow", "DriftRow", "HeatCell", "Tile", "data_section", "drift_rows"]

_MAX_GENRES = 20
_MAX_FILES = 20
_KEYS = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
# Siddiqi's limits of PSI, see segue.evaluate.drift.
_STABLE, _SHIFTED = 0.1, 0.25


@dataclass(frozen=True)
class BarRow:
    """A table row that ends in a bar; `width` is relative to the longest bar."""

    name: str
    count: int
    share: float
    width: float


@dataclass(frozen=True)
class Tile:
    """A small chart with its caption."""

    title: str
    text: str
    chart: Markup


@dataclass(frozen=True)
class HeatCell:
    """A cell of the heat map."""

    text: str
    colour: str


@dataclass(frozen=True)
class DriftRow:
    """A column's drift; `width` is None if PSI is undefined."""

    name: str
    value: str
    reading: str
    width: float | None
    tone: str
    rise: str


def data_section(profile: Profile, champion: Profile | None, eda: Eda) -> dict[str, Any]:
    """Context of data.html.j2."""
    kept = profile.rows_kept
    # columns without any value are listed in a sentence; many full bars would hide the others
    partly = {name: count for name, count in profile.missing.items() if 0 < count < kept}
    genres = _bars(profile.genres, kept)
    return {
        "files": profile.files[:_MAX_FILES],
        "more_files": max(len(profile.files) - _MAX_FILES, 0),
        "missing": [BarRow(row.name, row.count, row.share, row.share) for row in _bars(partly, kept)],
        "absent": [name for name, count in profile.missing.items() if kept and count == kept],
        "histograms": [
            _tile(name, column, champion.numeric.get(name) if champion else None)
            for name, column in profile.numeric.items()
            if sum(column.histogram.counts)
        ],
        "heat": _heat(eda) if len(eda.names) > 1 else [],
        "genres": genres[:_MAX_GENRES],
        "more_genres": len(genres) > _MAX_GENRES or profile.other_genres > 0,
        "genre_count": f"{len(genres)}{'+' if profile.other_genres else ''}",
        "years": _years(profile.years) if profile.years else None,
        "decades": _decades(eda),
    }


def drift_rows(change: CatalogChange | None) -> list[DriftRow]:
    """PSI and increase of missing values by column, the largest PSI first."""
    if change is None:
        return []
    names = sorted(
        change.psi.keys() | {name for name, rise in change.missing_rise.items() if rise},
        key=lambda name: (-(change.psi.get(name) or -1.0), name),
    )
    longest = max([2 * _SHIFTED, *(value for value in change.psi.values() if value is not None)])
    return [_drift(name, change, longest) for name in names]


def _drift(name: str, change: CatalogChange, longest: float) -> DriftRow:
    value, rise = change.psi.get(name), change.missing_rise.get(name)
    if value is None:
        reading, tone = "not defined", ""
    elif value > _SHIFTED:
        reading, tone = "shifted", "bad"
    else:
        reading, tone = ("stable", "") if value < _STABLE else ("changed slightly", "warn")
    return DriftRow(
        name=name,
        value="–" if value is None else f"{value:.3f}",
        reading=reading,
        width=None if value is None else max(value, 0.0) / longest,
        tone=tone,
        rise="–" if rise is None else f"{rise * 100:+.1f} points".replace("-", "−"),
    )


def _bars(counts: Mapping[str, int], total: int) -> list[BarRow]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    largest = ordered[0][1] if ordered else 1
    return [BarRow(name, count, count / max(total, 1), count / largest) for name, count in ordered]


def _tile(name: str, column: NumericProfile, champion: NumericProfile | None) -> Tile:
    histogram = column.histogram
    old = champion.histogram if champion and champion.histogram.edges == histogram.edges else None
    counts = [histogram.counts, old.counts if old else histogram.counts]
    filled = [place for place in range(len(histogram.counts)) if counts[0][place] or counts[1][place]]
    first, last = filled[0], filled[-1] + 1
    bars = Bars(
        values=_shares(histogram)[first:last],
        outline=_shares(old)[first:last] if old and sum(old.counts) else (),
        labels=_axis(name, histogram.edges[first : last + 1]),
    )
    write = _writer(name)
    text = ""
    if column.mean is not None and column.min is not None and column.max is not None and name != "key":
        text = f"mean {write(column.mean)}, {write(column.min)} to {write(column.max)}"
    return Tile(name, text, bar_chart(bars, alt=f"Distribution of {name}: {text or 'by pitch class'}"))


def _shares(histogram: Histogram) -> list[float]:
    total = sum(histogram.counts) or 1
    return [count / total for count in histogram.counts]


def _axis(name: str, edges: list[float]) -> list[tuple[float, str]]:
    write = _writer(name)
    bins = len(edges) - 1
    if name in ("key", "mode", "time_signature"):
        # whole numbers are at the centres of their bins
        words = {"key": _KEYS, "mode": ("minor", "major")}.get(name)
        centres = [int(edge + 0.5) for edge in edges[:-1]]
        return [(i + 0.5, words[value] if words else str(value)) for i, value in enumerate(centres)]
    step = max(1, -(-bins // 5))
    places = list(range(0, bins + 1, step))
    if bins - places[-1] < step / 2:
        places = places[:-1] if len(places) > 1 else places
    return [(place, write(edges[place])) for place in (*places, bins)]


def _writer(name: str) -> Callable[[float], str]:
    if name == "duration_ms":
        return lambda value: f"{int(value // 60_000)}:{int(value // 1000) % 60:02d}"
    if name == "year":
        return lambda value: f"{value:.0f}"
    if name in ("tempo", "popularity"):
        return "{:.0f}".format
    return _short


def _short(value: float) -> str:
    """At most two decimals, three below 0.01."""
    if abs(value) >= 10:
        return f"{value:.0f}".replace("-", "−")
    text = f"{value:.3f}" if 0 < abs(value) < 0.01 else f"{value:.2f}"
    return text.rstrip("0").rstrip(".").replace("-", "−") or "0"


def _heat(eda: Eda) -> list[tuple[str, list[HeatCell]]]:
    return [
        (name, [_heat_cell(value) for value in line])
        for name, line in zip(eda.names, eda.correlations, strict=True)
    ]


def _heat_cell(value: float | None) -> HeatCell:
    if value is None:
        return HeatCell("–", "transparent")
    # at most 60 % opaque, so that text is readable on light and dark backgrounds
    tint = "15, 118, 110" if value > 0 else "194, 96, 12"
    text = f"{value:.2f}".replace("-", "−")
    return HeatCell("0" if text in ("0.00", "−0.00") else text, f"rgba({tint}, {abs(value) * 0.6:.2f})")


def _years(years: Mapping[str, int]) -> Markup:
    found = {int(year): count for year, count in years.items()}
    first, last = min(found), max(found)
    total = sum(found.values())
    # a few very old tracks would stretch the axis over mostly empty decades
    while first < last and sum(count for year, count in found.items() if year <= first) < total / 1000:
        first += 1
    shown = list(range(first, last + 1))
    step = next(s for s in (1, 2, 5, 10, 20, 50) if len(shown) / s <= 8)
    labels = [(i + 0.5, str(year)) for i, year in enumerate(shown) if year % step == 0]
    hidden = sum(count for year, count in found.items() if year < first)
    alt = f"Tracks by year, {first} to {last}; {hidden} older ones are not drawn."
    bars = Bars(values=[found.get(year, 0) for year in shown], labels=labels)
    return bar_chart(bars, alt=alt, width=440, height=250)


def _decades(eda: Eda) -> Markup | None:
    known = [decade for decade in eda.decades if decade.popularity is not None and decade.tracks >= 10]
    if len(known) < 2:
        return None
    means = [decade.popularity or 0.0 for decade in known]
    line = Series(x=[decade.start for decade in known], y=means, dots=True)
    ends = f"{means[0]:.0f} in the {known[0].start}s, {means[-1]:.0f} in the {known[-1].start}s"
    return line_chart(
        [line],
        alt=f"Mean popularity by decade: {ends}",
        x_title="decade",
        y_title="popularity",
        x_format="{:.0f}s".format,
    )
