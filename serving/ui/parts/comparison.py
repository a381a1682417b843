"""Champion and challenger side by side, by the figures of their evaluations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from serving.gateway import schemas
from serving.ui.parts.bundle_card import bundle_name
from serving.ui.words import say

__all__ = ["Measure", "comparison", "measures", "number"]


@dataclass(frozen=True)
class Measure:
    """One figure of a bundle, with the bounds of its 95 % interval where it has one."""

    name: str
    label: str
    value: float
    low: float | None = None
    high: float | None = None

    @property
    def words(self) -> str:
        """The value with its interval."""
        if self.low is None or self.high is None or self.low == self.high:
            return number(self.value)
        return f"{number(self.value)} ({number(self.low)}–{number(self.high)})"


def measures(metrics: Mapping[str, Any] | None) -> dict[str, Measure]:
    """Figures of Segue's own lists by name, the leading one first; empty without an evaluation."""
    if not metrics:
        return {}
    own = metrics.get("methods", {}).get("segue", {})
    labels: Mapping[str, str] = metrics.get("labels", {})
    leading = metrics.get("leading")
    found: dict[str, Measure] = {}
    for name in sorted(labels, key=lambda name: (name != leading, labels[name].lower())):
        figure = own.get("figures", {}).get(name)
        overall = own.get("overall", {}).get(name)
        if isinstance(figure, Mapping) and figure.get("mean") is not None:
            found[name] = Measure(name, labels[name], figure["mean"], figure.get("low"), figure.get("high"))
        elif isinstance(overall, int | float):
            found[name] = Measure(name, labels[name], overall)
    return found


def number(value: float) -> str:
    """A figure with three decimals, a large one with one, a count with none."""
    if value == int(value) and abs(value) >= 10:
        return f"{value:,.0f}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.3f}"


def comparison(champion: schemas.BundleItem, others: list[schemas.BundleItem]) -> None:
    """Draw it, with a choice of the challenger where there are several."""
    st.header(say("models.side_by_side"), anchor=False)
    challenger = None
    if others:
        challenger = st.selectbox(
            say("models.choose"), others, format_func=bundle_name, key="challenger", width=420
        )
    else:
        st.caption(say("models.no_challenger"))
    ours = measures(champion.metrics)
    theirs = measures(challenger.metrics) if challenger else {}
    if not ours and not theirs:
        st.caption(say("models.no_metrics"))
        return
    st.table(
        [
            _row(name, ours.get(name), theirs.get(name), has_challenger=challenger is not None)
            for name in ours | theirs
        ],
        hide_index=True,
    )


def _row(name: str, ours: Measure | None, theirs: Measure | None, *, has_challenger: bool) -> dict[str, str]:
    known = ours or theirs
    row = {
        say("models.metric"): known.label if known else name,
        say("models.champion"): ours.words if ours else "–",
    }
    if has_challenger:
        row[say("models.challenger")] = theirs.words if theirs else "–"
        row[say("models.change")] = _change(ours, theirs)
    return row


def _change(ours: Measure | None, theirs: Measure | None) -> str:
    if ours is None or theirs is None:
        return "–"
    difference = theirs.value - ours.value
    if number(difference) == number(0):
        return "0"
    sign = "+" if difference > 0 else "\N{MINUS SIGN}"
    return f"{sign}{number(abs(difference))}"
