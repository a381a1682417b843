"""Discover: choose seeds or a sound, get a list with reasons."""

from __future__ import annotations

import streamlit as st

from serving.ui import gateway, state
from serving.ui.link import from_params, to_params
from serving.ui.parts.controls import controls, read_controls, set_controls
from serving.ui.parts.page import faults_shown, heading, plain
from serving.ui.parts.search import genre_seeds, search
from serving.ui.parts.seeds import seed_list
from serving.ui.parts.sound_form import read_sound, set_sound, sound_form
from serving.ui.parts.track_list import track_list
from serving.ui.query import PageQuery
from serving.ui.words import say

__all__ = ["discover"]

_MODES = ("songs", "sound")
# a picture of two overlapping circles
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
    """Draw the form. A fragment, so that typing and sliding do not draw the list again."""
    if st.session_state.pop("found", False):
        # the whole page is drawn again: skip this run of the fragment
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
    """Draw the list."""
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
    # the list before does not answer this query, even if it fails
    state.show_list(None)
    # kept until it is answered: "try again" repeats it
    st.session_state["asked"] = query
    with st.spinner(say("list.finding")):
        answer = gateway.client().recommend(query.to_instance(), session=state.session_id())
    del st.session_state["asked"]
    state.show_list(state.Shown(query, answer))
    _put_address(query)


def _nothing_yet() -> None:
    with st.container(border=True, key="nothing-yet"):
        st.html(_MARK)
        st.markdown(f"**{say('list.nothing_yet')}**", text_alignment="center")
        st.markdown(f":gray[{say('list.nothing_yet_more')}]", text_alignment="center")


def _find() -> None:
    st.session_state["asked"] = _query()
    st.session_state["found"] = True
    # the ignored parameters of a link do not concern this query
    st.session_state["link"] = ()


def _query() -> PageQuery:
    if st.session_state.get("mode") == "sound":
        return PageQuery(sound=read_sound(), **read_controls())
    return PageQuery(seeds=state.seeds(), **read_controls())


def _open_link() -> tuple[str, ...]:
    """Read seeds and settings from the address if it is new: at the first run, and after "back".

    Returns the names of the parameters that could not be read.
    """
    params = _address()
    current = state.shown()
    if state.comes_back() and current is not None and not params:
        # the menu leads to the address without parameters: a reload would lose the list
        _put_address(current.query)
        params = _address()
    is_first = "link" not in st.session_state
    # not right after a query: the browser may still have the address before
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
    """Write a query into the address if it is another one, as a new step of the browser's history."""
    if from_params(_address())[0] != query:
        st.query_params.from_dict(to_params(query))
        st.session_state["address"] = _address()


def _address() -> dict[str, list[str]]:
    return {name: st.query_params.get_all(name) for name in st.query_params}
