"""Sliders and choices of a request. The session keeps their values while other pages are open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from serving.ui import gateway
from serving.ui.query import BOUNDS, MAX_K, PageQuery
from serving.ui.words import say

__all__ = ["controls", "read_controls", "reset_controls", "set_controls"]

_DEFAULT = PageQuery()
# Step and format of each range slider.
_RANGES: Mapping[str, tuple[float, str]] = {
    "energy": (0.05, "%.2f"),
    "valence": (0.05, "%.2f"),
    "tempo": (5.0, "%.0f"),
    "year": (1, "%d"),
    "known": (5.0, "%.0f"),
}
_EXPLAINED = ("popularity", "diversity", "valence", "known")


def controls() -> None:
    """Draw them, folded."""
    _fill_in()
    with st.expander(
        say("settings.title"), icon=":material/tune:", key="fine-tune", on_change="rerun"
    ) as opened:
        if not opened.open:
            return
        st.checkbox(say("settings.popularity_default"), **_kept("popularity_auto"))
        if not st.session_state["set_popularity_auto"]:
            _slider("popularity", 0.0, 1.0, 0.05)
        _slider("diversity", 0.0, 1.0, 0.05)
        for name, (low, high) in BOUNDS.items():
            step, shown_as = _RANGES[name]
            kind = type(step)
            _slider(name, kind(low), kind(high), step, shown_as)
        genres = gateway.genre_options(st.session_state["set_genres"])
        st.multiselect(
            say("settings.genres"), genres, placeholder=say("settings.genres_any"), **_kept("genres")
        )
        st.number_input(say("settings.per_artist"), 1, MAX_K, step=1, **_kept("per_artist"))
        _slider("k", 1, MAX_K, 1)
        st.checkbox(say("settings.explicit"), **_kept("clean"))
        st.button(say("settings.reset"), key="reset-controls", type="tertiary", on_click=reset_controls)


def _slider(name: str, low: float, high: float, step: float, shown_as: str | None = None) -> None:
    words = say(f"settings.{name}_help") if name in _EXPLAINED else None
    st.slider(say(f"settings.{name}"), low, high, step=step, format=shown_as, help=words, **_kept(name))


def read_controls() -> dict[str, Any]:
    """The values as arguments of `PageQuery`."""
    _fill_in()
    value = {name: st.session_state[f"set_{name}"] for name in _values(_DEFAULT)}
    ranges = {name: tuple(map(float, value[name])) for name in BOUNDS}
    return {
        "k": value["k"],
        "popularity_weight": None if value["popularity_auto"] else value["popularity"],
        "diversity": value["diversity"],
        "max_per_artist": value["per_artist"],
        "clean": value["clean"],
        "genres": tuple(value["genres"]),
        "ranges": {name: pair for name, pair in ranges.items() if pair != BOUNDS[name]},
    }


def set_controls(query: PageQuery) -> None:
    """Set them to the values of a query."""
    for name, value in _values(query).items():
        st.session_state[f"set_{name}"] = value


def reset_controls() -> None:
    """Set them to their defaults."""
    set_controls(_DEFAULT)


def _values(query: PageQuery) -> dict[str, Any]:
    weight = query.popularity_weight
    ranges: dict[str, Any] = {name: query.ranges.get(name, bounds) for name, bounds in BOUNDS.items()}
    low, high = ranges["year"]
    return {
        "k": query.k,
        "popularity_auto": weight is None,
        "popularity": 0.2 if weight is None else weight,
        "diversity": query.diversity,
        "per_artist": query.max_per_artist,
        "clean": query.clean,
        "genres": list(query.genres),
        **ranges,
        "year": (int(low), int(high)),
    }


def _fill_in() -> None:
    for name, value in _values(_DEFAULT).items():
        st.session_state.setdefault(f"set_{name}", value)


def _kept(name: str) -> dict[str, Any]:
    return {"key": f"set_{name}", "persist_state": "session"}
