"""Search while typing: tracks and their artists, each with a button that adds it as a seed."""

from __future__ import annotations

import streamlit as st

from serving.gateway import schemas
from serving.ui import gateway, state
from serving.ui.parts.markup import track_line
from serving.ui.parts.page import faults_shown, plain
from serving.ui.query import PageSeed
from serving.ui.words import say

__all__ = ["genre_seeds", "search"]

_SHOWN = 6
_MAX_LENGTH = 200
_ARTISTS = 2
_GENRES = 12


def search() -> None:
    """Draw the field and the results."""
    typed = st.text_input(
        say("search.label"),
        type="search",
        placeholder=say("search.placeholder"),
        live="200ms",
        key="search",
        persist_state="session",
    )
    text = (typed or "").strip()[:_MAX_LENGTH]
    if not text:
        return
    with faults_shown("search"):
        found = gateway.client().search(text, limit=_SHOWN).items
        if not found:
            st.markdown(plain(say("search.none", query=text)))
            return
        covers = gateway.covers(found)
        with st.container(key="found", gap="xsmall"):
            for track in found:
                _found(track, covers.get(track.track_id))
            _artists(found)


def genre_seeds() -> None:
    """Draw the largest genres, each a button that adds it as a seed."""
    with faults_shown("genres"):
        names = gateway.genres()[:_GENRES]
        if not names:
            return
        st.caption(say("search.genres"))
        with st.container(horizontal=True, gap="xsmall", key="genre-seeds"):
            for name in names:
                seed = PageSeed("genre", name)
                st.button(
                    plain(name),
                    key=f"genre-{name}",
                    on_click=state.add_seed,
                    args=(seed,),
                    disabled=state.has_seed(seed),
                )


def _found(track: schemas.TrackSummary, cover: str | None) -> None:
    seed = PageSeed("track", track.track_id)
    is_chosen = state.has_seed(seed)
    with st.container(
        horizontal=True, wrap=False, vertical_alignment="center", key=f"found-{track.track_id}"
    ):
        st.html(track_line(track, cover))
        st.button(
            say("search.added" if is_chosen else "search.add"),
            key=f"add-{track.track_id}",
            help=plain(say("search.add_help", title=track.track_name, artist=track.artist_name)),
            icon=":material/check:" if is_chosen else ":material/add:",
            disabled=is_chosen,
            on_click=_take,
            args=(seed,),
        )


def _take(seed: PageSeed) -> None:
    """Add a result as a seed, and clear the field."""
    state.add_seed(seed)
    st.session_state["search"] = ""


def _artists(found: list[schemas.TrackSummary]) -> None:
    names = list(dict.fromkeys(track.artist_name for track in found))[:_ARTISTS]
    with st.container(horizontal=True, gap="xsmall", key="found-artists"):
        for name in names:
            seed = PageSeed("artist", name)
            st.button(
                plain(say("search.artist", artist=name)),
                key=f"add-artist-{name}",
                help=plain(say("search.artist_help", artist=name)),
                icon=":material/artist:",
                disabled=state.has_seed(seed),
                on_click=_take,
                args=(seed,),
            )
