"""Parts of every page: its heading, and faults of the gateway in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from html import escape

import streamlit as st

from serving.ui import faults
from serving.ui.words import LANGUAGES, language, say, say_in

__all__ = ["fault_words", "faults_shown", "heading", "plain", "show_fault"]


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


def fault_words(fault: faults.GatewayFault) -> tuple[str, str]:
    """What happened, and what the reader can do."""
    happened, what_to_do = fault.words
    return say(happened, **fault.values), say(what_to_do, **fault.values)


def show_fault(fault: faults.GatewayFault, *, key: str) -> None:
    """Show a fault in place of the answer."""
    happened, what_to_do = fault_words(fault)
    with st.container(border=True, key=f"fault-{key}"):
        st.markdown(f"**{plain(happened)}**")
        # HTML, since Markdown would make links of addresses
        st.html(f'<p class="segue-advice">{escape(what_to_do)}</p>')
        if not isinstance(fault, faults.SeedsUnknown):
            # any button runs the page again, and so the call
            st.button(say("error.retry"), key=f"retry-{key}", icon=":material/refresh:")


@contextmanager
def faults_shown(key: str) -> Iterator[None]:
    """Show faults raised within, instead of failing the page."""
    try:
        yield
    except faults.GatewayFault as fault:
        show_fault(fault, key=key)


def plain(text: str) -> str:
    """Escape text for Markdown."""
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]()<>#+-.!|~$:" else sign for sign in text)
