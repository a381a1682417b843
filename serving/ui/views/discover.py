"""Discover: choose seeds or a sound, get the list, see why."""

from __future__ import annotations

import streamlit as st

from serving.ui import gateway, state
from serving.ui.link import from_params, to_params
from serving.ui.parts.controls import controls, read_controls, set_controls
from serving.ui.parts.fault import faults_shown, plain
from serving.ui.parts.heading import heading
from serving.ui.parts.markup import show_html
from serving.ui.parts.search import genre_seeds, search
from serving.ui.parts.seeds import seed_list
from serving.ui.parts.sound_form import read_sound, set_sound, sound_form
from serving.ui.parts.track_list import track_list
from serving.ui.query import PageQuery
from serving.ui.words import say

__all__ = ["discover"]

_MODES = ("songs", "sound")
# two sounds and what they share
_MARK = (
    '<svg class="segue-mark" viewBox="0 0 120 80" aria-hidden="true" fill="none" stroke-width="3">'
    '<circle cx="46" cy="40" r="32" stroke="var(--segue-accent)"/>'
    '<circle cx="74" cy="40" r="32" stroke="var(--segue-warm)"/></svg>'
)


def discover() -> None:
    """Draw the page."""
    ignored = _open_link()
    heading(say("discover.title"), say("discover.lead"))
    if ignored:
        st.info(plain(say("list.ignored", names=", ".join(ignored))), icon=":material/link_off:")
    left, right = st.columns([5, 8], gap="large")
    with left:
        _compose()
    with right:
        _answer()


@st.fragment
def _compose() -> None:
    """What is asked for. A fragment: typing and sliding leave the list as it is."""
    if st.session_state.pop("found", False):
        # the whole page is drawn next: to draw this part before would be for nothing
        st.rerun()
    mode = st.segmented_control(
        say("discover.mode"),
        _MODES,
        format_func=lambda name: say(f"discover.from_{name}"),
        key="mode",
        label_visibility="collapsed",
        required=True,
        persist_state="session",
        default=st.session_state.get("mode", "songs"),
    )
    if mode == "sound":
        sound_form()
    else:
        search()
        seed_list()
        if not state.seeds():
            genre_seeds()
    controls()
    st.button(
        say("list.find"),
        key="find",
        type="primary",
        icon=":material/music_note:",
        width="stretch",
        disabled=not _query().asks_for_something,
        on_click=_find,
    )


def _answer() -> None:
    """What came of it."""
    st.header(say("list.title"), anchor=False)
    asked: PageQuery | None = st.session_state.pop("asked", None)
    with faults_shown("list"):
        if asked is not None:
            _ask(asked)
        current = state.shown()
        if current is None:
            _nothing_yet()
        else:
            track_list(current)


def _ask(query: PageQuery) -> None:
    # what went before is no answer to this, even if this one gets none
    state.show_list(None)
    # whoever presses "try again" asks for the same
    st.session_state["asked"] = query
    with st.spinner(say("list.finding")):
        answer = gateway.client().recommend(query.to_instance(), session=state.session_id())
    del st.session_state["asked"]
    state.show_list(state.Shown(query, answer))
    _put_address(query)


def _nothing_yet() -> None:
    with st.container(border=True, key="nothing-yet"):
        show_html(_MARK)
        st.markdown(f"**{say('list.nothing_yet')}**", text_alignment="center")
        st.markdown(f":gray[{say('list.nothing_yet_more')}]", text_alignment="center")


def _find() -> None:
    st.session_state["asked"] = _query()
    st.session_state["found"] = True
    # what a link could not say is no matter of what is asked for now
    st.session_state["link"] = ()


def _query() -> PageQuery:
    if st.session_state.get("mode") == "sound":
        return PageQuery(sound=read_sound(), **read_controls())
    return PageQuery(seeds=state.seeds(), **read_controls())


def _open_link() -> tuple[str, ...]:
    """Take seeds and settings from the address where it is new: at first, and when the browser goes back.

    Returns
    -------
    The names of the parameters that were not understood.
    """
    params = _address()
    current = state.shown()
    if state.comes_back() and current is not None and not params:
        # the menu leads to the bare address: whoever loads it anew would have lost the list
        _put_address(current.query)
        params = _address()
    is_first = "link" not in st.session_state
    # whoever has just asked sees that, though the browser may not have heard of its address yet
    is_other = bool(params) and params != st.session_state.get("address") and "asked" not in st.session_state
    if is_first or is_other:
        query, ignored = from_params(params)
        st.session_state["link"] = ignored
        st.session_state["address"] = params
        if params:
            state.set_seeds(query.seeds)
            set_controls(query)
            set_sound(query.sound)
            st.session_state["mode"] = "sound" if query.sound else "songs"
            if query.asks_for_something:
                st.session_state["asked"] = query
    ignored_names: tuple[str, ...] = st.session_state["link"]
    return ignored_names


def _put_address(query: PageQuery) -> None:
    """Let the address say what was asked for, unless it does: a step of the browser's history each."""
    if from_params(_address())[0] != query:
        st.query_params.from_dict(to_params(query))
        st.session_state["address"] = _address()


def _address() -> dict[str, list[str]]:
    return {name: st.query_params.get_all(name) for name in st.query_params}
