"""Drift of what listeners ask for: each feature's stability index, and one of them bin by bin."""

from __future__ import annotations

import streamlit as st

from serving.gateway import schemas
from serving.ui.parts.charts import bars, grouped_bars
from serving.ui.sound import feature_name
from serving.ui.words import say

__all__ = ["drift"]

# Fewer rows pass 0.1 by chance in four windows of ten (DESIGN, 7).
_ENOUGH_ROWS = 500


def drift(found: schemas.Drift | None) -> None:
    """Draw it, with what a reader must know to read it."""
    st.header(say("monitoring.drift"), anchor=False)
    st.caption(say("monitoring.drift_lead"))
    if found is None or not found.features or not found.seeds:
        st.caption(say("monitoring.drift_none"))
        return
    if found.seeds < _ENOUGH_ROWS:
        st.info(say("monitoring.drift_few", rows=found.seeds), icon=":material/info:")
    ordered = sorted(found.features, key=lambda feature: -feature.psi)
    table, closer = st.columns(2, gap="large")
    with table:
        indices = {feature_name(each.feature): each.psi for each in ordered}
        bars(say("column.psi"), indices, key="drift-psi", shown_as=".2f")
    with closer:
        chosen = st.selectbox(
            say("monitoring.drift_feature"),
            ordered,
            format_func=lambda feature: feature_name(feature.feature),
            key="drift-feature",
        )
        if chosen is not None:
            grouped_bars(
                feature_name(chosen.feature),
                [each.label for each in chosen.bins],
                {
                    say("monitoring.drift_expected"): [each.expected for each in chosen.bins],
                    say("monitoring.drift_seen"): [each.seen for each in chosen.bins],
                },
                key="drift-bins",
            )
