"""The page's script, which Streamlit runs for each visitor: ``python -m serving.ui`` starts it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from serving.ui import state
from serving.ui.views.discover import discover
from serving.ui.views.models import models
from serving.ui.views.monitoring import monitoring
from serving.ui.words import say

_HERE = Path(__file__).parent


def main() -> None:
    """Set up the page, and draw the view that was chosen."""
    st.set_page_config(page_title="Segue", page_icon=str(_HERE / "icon.svg"), layout="wide")
    st.html(_HERE / "style.css")
    st.logo(str(_HERE / "logo.svg"), size="large")
    chosen = st.navigation(
        [
            st.Page(discover, title=say("nav.discover"), icon=":material/explore:", default=True),
            st.Page(
                monitoring, title=say("nav.monitoring"), icon=":material/monitoring:", url_path="monitoring"
            ),
            st.Page(models, title=say("nav.models"), icon=":material/deployed_code:", url_path="models"),
        ],
        position="top",
    )
    if chosen.url_path:
        state.note_other_page()
    chosen.run()


main()
