"""Colours of charts, as in ``.streamlit/config.toml``; each reads on light and on dark."""

from __future__ import annotations

import streamlit as st

__all__ = ["GRID", "accent", "pair_of_colours", "translucent"]

# Visible on light and dark, and weaker than the data.
GRID = "rgba(128,140,134,0.35)"
_LIGHT, _DARK = ("#B85C1E", "#1F5C4D"), ("#E9A066", "#7CCBB2")


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
