"""Models: bundles with their evaluations, channels, and the admin's actions."""

from __future__ import annotations

import streamlit as st

from serving.gateway import schemas
from serving.ui import gateway
from serving.ui.parts.admin import admin
from serving.ui.parts.bundle_card import bundle_card
from serving.ui.parts.comparison import comparison
from serving.ui.parts.page import faults_shown, heading, plain
from serving.ui.words import say

__all__ = ["models"]


def models() -> None:
    """Draw the page."""
    heading(say("models.title"), say("models.lead"))
    with faults_shown("bundles"):
        known = gateway.client().bundles()
        if not known.items:
            with st.container(border=True, key="no-bundles"):
                st.markdown(f"**{say('models.none')}**")
                st.markdown(plain(say("models.none_more")))
            return
        _channels(known)
        champion = _champion(known)
        if champion is not None:
            comparison(champion, [bundle for bundle in known.items if bundle.digest != champion.digest])
        st.header(say("models.bundles"), anchor=False)
        for bundle in known.items:
            bundle_card(bundle)
        admin(known)


def _champion(known: schemas.Bundles) -> schemas.BundleItem | None:
    """The bundle that the channel points at, else the one in service."""
    channel = known.channels.get(known.channel or "")
    by_digest = {bundle.digest: bundle for bundle in known.items}
    if channel is not None and channel.digest in by_digest:
        return by_digest[channel.digest]
    return next((bundle for bundle in known.items if bundle.in_service), None)


def _channels(known: schemas.Bundles) -> None:
    for name, channel in known.channels.items():
        with st.container(border=True, key=f"channel-{name}"):
            st.markdown(f"**{plain(name)}** → `{(channel.digest or '–')[:12]}`")
            if channel.updated:
                st.caption(
                    plain(
                        say(
                            "models.moved",
                            by=channel.by,
                            time=f"{channel.updated:%Y-%m-%d %H:%M}",
                            reason=channel.reason,
                        )
                    )
                )
            if channel.pinned:
                st.info(plain(say("models.pinned", channel=name)), icon=":material/keep:")
