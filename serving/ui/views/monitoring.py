"""Monitoring: statistics of the gateway's log."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import streamlit as st

from serving.gateway import schemas
from serving.ui import gateway
from serving.ui.faults import GatewayFault
from serving.ui.parts.charts import bars, lines
from serving.ui.parts.page import faults_shown, heading, plain
from serving.ui.parts.statistics import drift, figures, requests_table
from serving.ui.words import say

__all__ = ["monitoring", "share_name"]

_WINDOWS_HOURS = (1, 24, 24 * 7, 24 * 30)
_REFRESH_SECONDS = 15
_MAX_GENRES = 10


def monitoring() -> None:
    """Draw the page."""
    heading(say("monitoring.title"), say("monitoring.lead"))
    with st.container(horizontal=True, vertical_alignment="center", key="window-choice"):
        hours = st.segmented_control(
            say("monitoring.window"),
            _WINDOWS_HOURS,
            format_func=lambda hours: say(f"window.{hours}"),
            default=24,
            key="window",
            label_visibility="collapsed",
            required=True,
            persist_state="session",
        )
        st.button(say("monitoring.refresh"), key="refresh", icon=":material/refresh:", type="tertiary")
    _live()
    _figures(hours or 24)


@st.fragment(run_every=_REFRESH_SECONDS)
def _figures(hours: int) -> None:
    """Draw the statistics, again at intervals while the page is open."""
    with faults_shown("stats"):
        stats = gateway.client().stats(hours=hours)
        st.caption(say("monitoring.updated", time=datetime.now(UTC).strftime("%H:%M:%S")))
        if not stats.totals.requests:
            with st.container(border=True, key="no-requests"):
                st.markdown(f"**{say('monitoring.empty')}**")
                st.markdown(say("monitoring.empty_more"))
            return
        figures(stats)
        _over_time(stats)
        _parts(stats)
        drift(stats.drift)
        st.header(say("monitoring.recent"), anchor=False)
        requests_table(stats.recent)


def _over_time(stats: schemas.StatsAnswer) -> None:
    times = [bucket.start for bucket in stats.buckets]
    with st.grid(2, min_column_width=320, gap="medium", key="over-time"):
        with st.container():
            lines(
                say("monitoring.latency_chart"),
                times,
                {
                    say("monitoring.p50"): [_ms(bucket.latency_p50_seconds) for bucket in stats.buckets],
                    say("monitoring.p95"): [_ms(bucket.latency_p95_seconds) for bucket in stats.buckets],
                },
                since=stats.since,
                unit=" ms",
                key="latency",
            )
        with st.container():
            diversity = [bucket.list_diversity for bucket in stats.buckets]
            lines(
                say("monitoring.diversity_chart"),
                times,
                {say("monitoring.diversity"): diversity},
                since=stats.since,
                unit="",
                key="diversity",
            )


def _parts(stats: schemas.StatsAnswer) -> None:
    with st.grid(3, min_column_width=260, gap="medium", key="parts"):
        with st.container():
            genres = {share_name(share): share.share for share in stats.genres}
            bars(say("monitoring.genres_chart"), dict(list(genres.items())[:_MAX_GENRES]), key="genres")
        with st.container():
            years = {share_name(share): share.share for share in stats.decades}
            bars(say("monitoring.years_chart"), years, key="years")
        with st.container():
            feedback = {say(f"event.{event}"): float(count) for event, count in stats.feedback.items()}
            bars(say("monitoring.feedback_chart"), feedback, key="feedback", shown_as=".0f")
            if not feedback:
                st.caption(say("monitoring.no_feedback"))


def share_name(share: schemas.Share) -> str:
    """A genre's own name, a decade such as ``1980s`` and ``unknown`` in the reader's language."""
    if share.name == "unknown":
        return say("value.unknown")
    if re.fullmatch(r"\d{4}s", share.name):
        return say("value.decade", year=share.name[:-1])
    return share.name


def _live() -> None:
    """Draw the bundle in service."""
    try:
        known = gateway.client().bundles()
    except GatewayFault:
        # the figures below show the fault
        return
    live = next((bundle for bundle in known.items if bundle.in_service), None)
    channel = known.channels.get(known.channel or "")
    if live is None or channel is None:
        st.warning(say("monitoring.live_none"))
        return
    words = say(
        "monitoring.live_words",
        digest=live.digest[:12],
        tracks=f"{live.tracks or 0:,}",
        channel=known.channel,
        generation=channel.generation,
    )
    st.markdown(f"**{say('monitoring.live')}** {plain(words)}")


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000
