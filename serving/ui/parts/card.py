"""One recommended track: its facts, similarity, reasons, and the buttons for it."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote

import streamlit as st

from serving.gateway import schemas
from serving.ui import gateway, state
from serving.ui.faults import GatewayFault
from serving.ui.parts.markup import about, bar, cover, explicit_mark, named
from serving.ui.parts.page import fault_words, plain
from serving.ui.parts.radar import Features, radar
from serving.ui.query import PageSeed
from serving.ui.why import reasons
from serving.ui.words import say

__all__ = ["TrackCard", "card"]

# FSI and PDI: in plain text what <bdi> is in HTML
_ISOLATE, _POP = "\u2068", "\u2069"


@dataclass(frozen=True, kw_only=True)
class TrackCard:
    """A track as the list and the catalogue describe it, with its cover and its entry of the explanation.

    The seed is the one that it is nearest to: its name, None for raw features, and its features.
    `is_chosen`: the listener chose that seed, and not its artist or genre.
    """

    impression: schemas.Recommendations
    item: schemas.Item
    track: schemas.Track
    cover: str | None
    explained: dict[str, Any] | None
    seed: tuple[str | None, Features]
    is_chosen: bool


@st.fragment
def card(shown: TrackCard) -> None:
    """Draw it. A fragment, so that a button of one card does not run the others again."""
    item, track = shown.item, shown.track
    with st.container(border=True, key=f"card-{item.rank}", gap="small"):
        st.html(_head(shown))
        with st.container(horizontal=True, gap="xsmall", key=f"actions-{item.rank}"):
            _feedback(shown, "like", icon=":material/thumb_up:")
            _feedback(shown, "skip", icon=":material/skip_next:")
            is_open = _why_button(shown)
            _link(shown)
            seed = PageSeed("track", item.track_id)
            if st.button(
                say("card.seed"),
                key=f"seed-{item.rank}-{item.track_id}",
                help=plain(say("card.seed_help", title=track.track_name)),
                icon=":material/add:",
                type="tertiary",
                disabled=state.has_seed(seed),
                on_click=state.add_seed,
                args=(seed,),
            ):
                st.rerun()
        if is_open:
            _why(shown)


def _head(shown: TrackCard) -> str:
    item, track = shown.item, shown.track
    popularity = item.popularity if item.popularity is not None else item.predicted_popularity
    bars = bar(say("card.similarity"), item.similarity, f"{item.similarity:.0%}") + bar(
        say("card.popularity"),
        None if popularity is None else popularity / 100,
        say("value.unknown") if popularity is None else f"{popularity:.0f}",
    )
    title = f'<h3 class="segue-title">{named(track.track_name)}{explicit_mark(track)}</h3>'
    names = f'{title}<div class="segue-about">{about(track)}</div>{_preview(track)}'
    return (
        f'<div class="segue-card"><div class="segue-rank">{item.rank}</div>{cover(shown.cover, size="large")}'
        f'<div class="segue-names">{names}</div><div class="segue-bars">{bars}</div></div>'
    )


def _preview(track: schemas.Track) -> str:
    """A player, where the catalogue has a preview; nothing is fetched before it is played."""
    if not (track.preview_url or "").startswith(("https://", "http://")):
        return ""
    words = escape(say("card.preview", title=track.track_name), quote=True)
    source = escape(track.preview_url or "", quote=True)
    return f'<audio controls preload="none" src="{source}" aria-label="{words}"></audio>'


def _feedback(shown: TrackCard, event: str, *, icon: str) -> None:
    """A button that sends an event; it stays pressed once the gateway has accepted it."""
    track_id, title = shown.item.track_id, shown.track.track_name
    sent = state.events().get(track_id)
    past = {"like": "liked", "skip": "skipped"}[event]
    pressed = st.button(
        say(f"card.{past if sent == event else event}"),
        key=f"{event}-{shown.item.rank}-{track_id}",
        help=plain(say(f"card.{event}_help", title=title)),
        icon=icon,
        type="primary" if sent == event else "secondary",
        disabled=sent == event,
    )
    if pressed and _send(shown, event):
        state.events()[track_id] = event
        st.rerun(scope="fragment")


def _send(shown: TrackCard, event: str) -> bool:
    try:
        gateway.client().send_feedback(
            shown.impression.impression_id, shown.item.track_id, event, session=state.session_id()
        )
    except GatewayFault as fault:
        st.toast(plain(f"{say('card.feedback_failed')} {fault_words(fault)[0]}"), icon=":material/error:")
        return False
    return True


def _why_button(shown: TrackCard) -> bool:
    key = f"open-{shown.impression.impression_id}-{shown.item.rank}"
    is_open: bool = st.session_state.get(key, False)
    if st.button(
        say("card.hide" if is_open else "card.why"),
        key=f"why-{shown.item.rank}-{shown.item.track_id}",
        help=plain(say("card.why_help", title=shown.track.track_name)),
        icon=":material/lightbulb:",
    ):
        st.session_state[key] = not is_open
        st.rerun(scope="fragment")
    return is_open


def _link(shown: TrackCard) -> None:
    template = gateway.settings().track_link
    if not template:
        return
    st.link_button(
        say("card.open"),
        template.format(track_id=quote(shown.item.track_id, safe="")),
        key=f"link-{shown.item.rank}-{shown.item.track_id}",
        help=plain(say("card.open_help", title=shown.track.track_name)),
        icon=":material/open_in_new:",
        type="tertiary",
        on_click=_note_click,
        args=(shown,),
    )


def _note_click(shown: TrackCard) -> None:
    _send(shown, "click")


def _why(shown: TrackCard) -> None:
    name, features = shown.seed
    words, chart = st.columns([5, 6], gap="medium", vertical_alignment="center")
    with words:
        # or a right-to-left title would move the full stop
        title = f"{_ISOLATE}{name}{_POP}" if name else None
        sentences = reasons(shown.item, shown.explained, seed_title=title, is_chosen=shown.is_chosen)
        st.html("".join(f'<p class="segue-reason">{escape(sentence)}</p>' for sentence in sentences))
    with chart:
        radar(
            (shown.track.track_name, shown.track.features),
            (name or say("why.seed"), features),
            key=f"radar-{shown.item.rank}-{shown.item.track_id}",
        )
