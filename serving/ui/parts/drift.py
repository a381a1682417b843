"""Drift of the seeds: the population stability index of each feature."""

from __future__ import annotations

import streamlit as st

from serving.gateway import schemas
from serving.ui.parts.charts import bars
from serving.ui.sound import feature_name
from serving.ui.words import say

__all__ = ["drift"]

# With fewer seeds the index is chance.
_MIN_ROWS = 100


def drift(found: schemas.QueryDrift | None) -> None:
    """Draw it, with an explanation."""
    st.header(say("monitoring.drift"), anchor=False)
    st.caption(say("monitoring.drift_lead"))
    if found is None or not found.psi:
        st.caption(say("monitoring.drift_none"))
        return
    if not found.is_enough:
        st.info(say("monitoring.drift_few", rows=found.rows), icon=":material/info:")
    if found.rows < _MIN_ROWS:
        return
    moved = sorted(found.psi.items(), key=lambda pair: -pair[1])
    bars(say("column.psi"), {feature_name(name): psi for name, psi in moved}, key="drift", shown_as=".2f")
