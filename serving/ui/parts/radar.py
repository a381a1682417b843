"""How a track and its seed sound, as a radar chart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from serving.ui.parts.charts import GRID, pair_of_colours, translucent
from serving.ui.sound import SHARES, feature_name, feature_value
from serving.ui.words import say

__all__ = ["radar"]

Features = Mapping[str, float | str | None]


def radar(track: tuple[str, Features], seed: tuple[str, Features], *, key: str) -> None:
    """Draw two tracks, each a name and raw features; nothing if they share fewer than three features."""
    import plotly.graph_objects as go

    axes = [name for name in SHARES if _both_known(name, track[1], seed[1])]
    if len(axes) < 3:
        return
    figure = go.Figure()
    dashes: tuple[Any, ...] = ("dot", "solid")
    for (name, features), dash, colour in zip((seed, track), dashes, pair_of_colours(), strict=True):
        values = [float(features[axis] or 0) for axis in axes]
        figure.add_scatterpolar(
            r=[*values, values[0]],
            theta=[_label(axis) for axis in (*axes, axes[0])],
            name=name if len(name) <= 28 else f"{name[:27]}…",
            fill="toself",
            fillcolor=translucent(colour),
            mode="lines",
            line={"color": colour, "dash": dash, "width": 2},
        )
    figure.update_layout(
        height=320,
        margin={"l": 70, "r": 70, "t": 24, "b": 8},
        polar={
            "bgcolor": "rgba(0,0,0,0)",
            "domain": {"y": [0.16, 1]},
            "radialaxis": {
                "range": [0, 1],
                "showticklabels": False,
                "showline": False,
                "ticks": "",
                "nticks": 4,
                "gridcolor": GRID,
            },
            "angularaxis": {"gridcolor": GRID, "linecolor": GRID, "rotation": 90},
        },
        legend={"orientation": "h", "y": 0, "x": 0.5, "xanchor": "center"},
    )
    words = "; ".join(
        f"{feature_name(axis)} {feature_value(axis, track[1][axis])} / {feature_value(axis, seed[1][axis])}"
        for axis in axes
    )
    st.plotly_chart(
        figure,
        key=key,
        config={"displayModeBar": False, "staticPlot": True},
        alt=say("why.radar_alt", track=track[0], seed=seed[0], values=words),
    )


def _label(axis: str) -> str:
    # two lines: a phone has no space beside the chart for a long name
    return "<br>".join(part for part in feature_name(axis).rpartition(" ") if part.strip())


def _both_known(name: str, track: Features, seed: Features) -> bool:
    return isinstance(track.get(name), int | float) and isinstance(seed.get(name), int | float)
