"""The admin's actions: promote, roll back, pin, unpin; with a typed key and a reason."""

from __future__ import annotations

import streamlit as st

from serving.gateway import schemas
from serving.ui import gateway, state
from serving.ui.faults import GatewayFault, KeyRefused, NoKey, ScopeMissing
from serving.ui.parts.bundle_card import bundle_name
from serving.ui.parts.page import fault_words, plain
from serving.ui.words import say

__all__ = ["admin"]

_ACTIONS = ("promote", "rollback", "pin", "unpin")


def admin(known: schemas.Bundles) -> None:
    """Draw the field for a key, or with a key the actions."""
    st.header(say("admin.title"), anchor=False)
    if done := st.session_state.pop("admin_done", None):
        st.success(plain(done), icon=":material/check_circle:")
        # the field still has the reason of that move
        st.session_state["admin-reason"] = ""
    if not state.admin_key():
        _ask_for_key()
        return
    st.button(say("admin.lock"), key="lock", icon=":material/lock:", type="tertiary", on_click=_forget_key)
    if known.channels:
        _choose(known)


def _ask_for_key() -> None:
    st.caption(say("admin.lead"))
    with st.form("admin-key-form", border=False, width=480):
        typed = st.text_input(
            say("admin.key"),
            type="password",
            help=say("admin.key_help"),
            autocomplete="off",
            key="typed-admin-key",
        )
        if st.form_submit_button(say("admin.unlock"), icon=":material/key:") and typed:
            st.session_state["admin_key"] = typed.strip()
            st.rerun()


def _forget_key() -> None:
    st.session_state.pop("admin_key", None)


def _choose(known: schemas.Bundles) -> None:
    channels = sorted(known.channels, key=lambda name: (name != known.channel, name))
    name = channels[0]
    if len(channels) > 1:
        name = st.selectbox(say("models.channels"), channels, key="admin-channel", width=480) or name
    channel = known.channels[name]
    actions = [action for action in _ACTIONS if action != ("pin" if channel.pinned else "unpin")]
    action = st.segmented_control(
        say("admin.action"),
        actions,
        format_func=lambda action: say(f"admin.{action}"),
        key="admin-action",
        default="promote",
        required=True,
    )
    digest, force = "", False
    if action == "promote":
        whole = [bundle for bundle in known.items if bundle.state == "ok" and bundle.digest != channel.digest]
        if not whole:
            st.caption(say("models.no_challenger"))
            return
        chosen = st.selectbox(
            say("admin.bundle"), whole, format_func=bundle_name, key="admin-bundle", width=480
        )
        digest = chosen.digest if chosen else ""
        force = channel.pinned and st.checkbox(say("admin.force"), key="admin-force")
    elif action == "rollback":
        if not channel.previous:
            st.caption(plain(say("admin.no_previous", channel=name)))
            return
        digest = channel.previous[0]
    reason = st.text_input(
        say("admin.reason"), help=say("admin.reason_help"), max_chars=200, key="admin-reason", width=480
    )
    if st.button(say(f"admin.{action}"), key="admin-go", type="primary"):
        if not reason.strip():
            st.warning(say("admin.no_reason"))
            return
        move = schemas.Move(channel=name, reason=reason.strip())
        if action == "promote":
            move = schemas.Promotion(
                **dict(move), digest=digest, force=force, expected_generation=channel.generation
            )
        _confirm(str(action), move, digest)


def _confirm(action: str, move: schemas.Move, digest: str) -> None:
    @st.dialog(say(f"admin.{action}"))
    def ask() -> None:
        words = say(f"admin.{action}_words", channel=move.channel, digest=digest[:12])
        st.markdown(plain(words))
        st.markdown(f"{say('admin.reason')}: *{plain(move.reason)}*")
        with st.container(horizontal=True):
            is_meant = st.button(say("admin.confirm"), key="admin-confirm", type="primary")
            if st.button(say("admin.cancel"), key="admin-cancel"):
                st.rerun()
        if is_meant:
            _make(action, move)

    ask()


def _make(action: str, move: schemas.Move) -> None:
    try:
        channel = gateway.client().move(action, move, admin_key=state.admin_key())
    except (KeyRefused, NoKey, ScopeMissing):
        st.error(say("admin.wrong"), icon=":material/key_off:")
    except GatewayFault as fault:
        happened, what_to_do = fault_words(fault)
        st.error(f"{plain(happened)} {plain(what_to_do)}", icon=":material/error:")
    else:
        st.session_state["admin_done"] = say(
            "admin.done", channel=move.channel, digest=(channel.digest or "–")[:12]
        )
        # another bundle may have other names and covers
        st.cache_data.clear()
        st.rerun()
