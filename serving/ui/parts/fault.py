"""A fault of the gateway in words, with what to do about it and a button to try again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from html import escape

import streamlit as st

from serving.ui import faults
from serving.ui.words import say

__all__ = ["fault_words", "faults_shown", "plain", "show_fault"]


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
