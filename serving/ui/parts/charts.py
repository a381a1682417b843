"""Charts of the Monitoring page, and the colours of all charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import streamlit as st

from serving.ui.words import say

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["GRID", "accent", "bars", "lines", "pair_of_colours", "translucent"]

# Visible on light and dark, and weaker than the data.
GRID = "rgba(128,140,134,0.35)"
_LIGHT, _DARK = ("#B85C1E", "#1F5C4D"), ("#E9A066", "#7CCBB2")
_HEIGHT = 240
_CONFIG = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False, "showTips": False}

Points = Sequence[float | None]


def pair_of_colours() -> tuple[str, str]:
    """Colours of the reference and of the subject of a chart."""
    return _DARK if st.context.theme.type == "dark" else _LIGHT


def accent() -> str:
    """The page's own colour."""
    return pair_of_colours()[1]


def translucent(colour: str) -> str:
    """A colour such as ``#1F5C4D``, translucent."""
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.22)"


def lines(
    title: str,
    times: Sequence[datetime],
    series: Mapping[str, Points],
    *,
    since: datetime,
    unit: str,
    key: str,
) -> None:
    """Draw values from `since` until now; None is a gap."""
    import plotly.graph_objects as go

    if not any(value is not None for points in series.values() for value in points):
        _nothing(title)
        return
    figure = go.Figure()
    colours = [accent()] if len(series) == 1 else list(reversed(pair_of_colours()))
    for (name, points), colour in zip(series.items(), colours, strict=True):
        figure.add_scatter(
            x=list(times),
            y=list(points),
            name=name,
            mode="lines+markers",
            line={"color": colour, "width": 2, "shape": "linear"},
            marker={"size": 5},
            hovertemplate=f"%{{x|%d %b %H:%M}}<br>%{{y:.3~f}}{unit}<extra>{name}</extra>",
        )
    figure.update_layout(showlegend=len(series) > 1, hovermode="closest")
    figure.update_yaxes(rangemode="tozero", ticksuffix=unit)
    figure.update_xaxes(range=[since, datetime.now(UTC)], nticks=6)
    last = "; ".join(f"{name} {_last(points):.3g}{unit}" for name, points in series.items() if _known(points))
    _draw(title, figure, key=key, alt=f"{title}: {last}")


def bars(title: str, shares: Mapping[str, float], *, key: str, shown_as: str = ".0%") -> None:
    """Draw a bar for each share with its value, the first on top."""
    import plotly.graph_objects as go

    if not shares:
        _nothing(title)
        return
    names, values = list(shares), list(shares.values())
    texts = [format(value, shown_as) for value in values]
    figure = go.Figure()
    figure.add_bar(
        x=values,
        y=names,
        orientation="h",
        text=texts,
        textposition="outside",
        cliponaxis=False,
        width=0.62,
        marker={"color": accent(), "cornerradius": 3},
        hoverinfo="skip",
    )
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category", ticklabelstandoff=6)
    figure.update_xaxes(visible=False, range=[0, max(values) * 1.15])
    words = "; ".join(f"{name} {text}" for name, text in zip(names, texts, strict=True))
    _draw(title, figure, key=key, alt=f"{title}: {words}", height=34 * len(names) + 24)


def _draw(title: str, figure: go.Figure, *, key: str, alt: str, height: int = _HEIGHT) -> None:
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 16, "t": 8, "b": 8},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        dragmode=False,
    )
    figure.update_xaxes(gridcolor=GRID, automargin=True)
    figure.update_yaxes(gridcolor=GRID, automargin=True)
    st.markdown(f"**{title}**")
    st.plotly_chart(figure, key=key, config=_CONFIG, alt=alt)


def _nothing(title: str) -> None:
    st.markdown(f"**{title}**")
    st.caption(say("monitoring.no_data"))


def _known(points: Points) -> bool:
    return any(value is not None for value in points)


def _last(points: Points) -> float:
    return next(value for value in reversed(points) if value is not None)
