"""Champion and challenger side by side, figure by figure."""

from __future__ import annotations

import streamlit as st

from serving.gateway import schemas
from serving.ui.measures import Measure, measures, number
from serving.ui.parts.bundle_card import bundle_name
from serving.ui.words import say

__all__ = ["comparison"]


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
