"""One bundle of the store: its facts, the gate's verdict, its report."""

from __future__ import annotations

import base64

import streamlit as st

from serving.gateway import schemas
from serving.ui import gateway
from serving.ui.parts.page import faults_shown, plain
from serving.ui.words import say

__all__ = ["bundle_card", "bundle_name"]

_REPORT_HEIGHT = 900
_OUTCOMES = {"passed": ":material/check_circle:", "failed": ":material/cancel:"}


def bundle_name(bundle: schemas.BundleItem) -> str:
    """First digits of its digest, and the channels that point at it."""
    channels = ", ".join(bundle.channels)
    return f"{bundle.digest[:12]} ({channels})" if channels else bundle.digest[:12]


def bundle_card(bundle: schemas.BundleItem) -> None:
    """Draw it."""
    title = f"{bundle.digest[:12]}  ·  {bundle.modified:%Y-%m-%d %H:%M}"
    if bundle.in_service:
        title += f"  ·  {say('models.in_service')}"
    with st.expander(plain(title), key=f"bundle-{bundle.digest[:12]}", on_change="rerun") as opened:
        if not opened.open:
            return
        facts = {
            "tracks": f"{bundle.tracks:,}" if bundle.tracks is not None else "–",
            "size": _size(bundle.bytes),
            "state": say(f"models.state_{bundle.state}"),
            "channels": ", ".join(bundle.channels) or "–",
        }
        st.markdown(
            " · ".join(f"{say(f'models.{name}')} **{plain(value)}**" for name, value in facts.items())
        )
        st.code(bundle.digest, language=None)
        _verdict(bundle)
        _report(bundle)


def _verdict(bundle: schemas.BundleItem) -> None:
    verdict = bundle.verdict
    if not verdict:
        return
    words = say("models.passed" if verdict.get("passed") else "models.refused")
    st.markdown(f"{say('models.verdict')}: **{words}**")
    checks = {str(check.get("text", "")): str(check.get("outcome")) for check in verdict.get("checks", [])}
    for text, outcome in checks.items():
        st.markdown(f"{_OUTCOMES.get(outcome, ':material/remove:')} {plain(text)}")


def _report(bundle: schemas.BundleItem) -> None:
    if not bundle.report:
        st.caption(say("models.no_report"))
        return
    key = bundle.digest[:12]
    with faults_shown(f"report-{key}"):
        report = _fetch(bundle.report, bundle.run_id)
        st.download_button(
            say("models.save_report"),
            report,
            f"segue-report-{key}.html",
            "text/html",
            key=f"save-report-{key}",
            icon=":material/download:",
            on_click="ignore",
        )
        if st.toggle(say("models.open_report"), key=f"show-report-{key}"):
            # a data: address has its own origin: a report's scripts can't act as this page
            address = (
                f"data:text/html;charset=utf-8;base64,{base64.b64encode(report.encode()).decode('ascii')}"
            )
            st.iframe(address, height=_REPORT_HEIGHT, alt=f"{say('models.report')} {key}")


@st.cache_data(ttl=3600, max_entries=20, show_spinner=False)
def _fetch(path: str, run_id: str | None) -> str:  # noqa: ARG001 - a new run has another report
    return gateway.client().report(path)


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
