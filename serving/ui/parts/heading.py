"""The top of a page: title, description, and the choice of a language."""

from __future__ import annotations

import streamlit as st

from serving.ui.words import LANGUAGES, language, say, say_in

__all__ = ["heading"]


def heading(title: str, lead: str) -> None:
    """Draw it, and set the document's language for screen readers and hyphenation."""
    names, choice = st.columns([5, 2], vertical_alignment="center")
    with names:
        st.title(title, anchor=False)
    with choice, st.container(horizontal=True, horizontal_alignment="right", key="language-choice"):
        st.segmented_control(
            say("language.label"),
            LANGUAGES,
            format_func=lambda code: say_in(code, "language.name"),
            default=language(),
            key="language",
            label_visibility="collapsed",
            required=True,
            persist_state="session",
        )
    st.markdown(f":gray[{lead}]")
    st.html(f"<script>document.documentElement.lang = '{language()}'</script>", unsafe_allow_javascript=True)
