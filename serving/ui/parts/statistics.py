"""Parts of the Monitoring page: figures, drift of the seeds, and the latest requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from serving.gateway import schemas
from serving.ui import gateway
from serving.ui.faults import GatewayFault
from serving.ui.parts.charts import bars
from serving.ui.sound import feature_name
from serving.ui.words import say

__all__ = ["drift", "figures", "requests_table"]

# With fewer seeds the index is chance.
_MIN_ROWS = 100
_MAX_SEEDS = 3


def figures(stats: schemas.StatsAnswer) -> None:
    """Draw a card for each; a dash where there is no value."""
    totals = stats.totals
    share = totals.degraded / totals.requests if totals.requests else None
    shown = (
        ("requests", f"{totals.requests:,}"),
        ("sessions", f"{totals.sessions:,}"),
        ("p50", _milliseconds(totals.latency_p50_seconds)),
        ("p95", _milliseconds(totals.latency_p95_seconds)),
        ("degraded", _number(share, ".1%")),
        ("popularity", _number(totals.avg_popularity, ".0f")),
        ("diversity", _number(totals.list_diversity, ".2f")),
        ("precision", _number(totals.genre_precision, ".1%")),
    )
    with st.grid(4, min_column_width=150, gap="small", key="figures"):
        for name, value in shown:
            help_name = f"monitoring.{name}_help"
            has_help = name in ("degraded", "diversity", "precision")
            st.metric(
                say(f"monitoring.{name}"), value, help=say(help_name) if has_help else None, border=True
            )


def _milliseconds(seconds: float | None) -> str:
    return "–" if seconds is None else say("value.milliseconds", value=f"{seconds * 1000:.0f}")


def _number(value: float | None, shown_as: str) -> str:
    return "–" if value is None else format(value, shown_as)


def drift(found: schemas.QueryDrift | None) -> None:
    """Draw it, with an explanation."""
    st.header(say("monitoring.drift"), anchor=False)
    st.caption(say("monitoring.drift_lead"))
    if found is None or not found.psi:
        st.caption(say("monitoring.drift_none"))
        return
    if not found.is_enough:
        st.info(say("monitoring.drift_few", rows=found.rows), icon=":material/info:")
    if found.rows < _MIN_ROWS:
        return
    moved = sorted(found.psi.items(), key=lambda pair: -pair[1])
    bars(say("column.psi"), {feature_name(name): psi for name, psi in moved}, key="drift", shown_as=".2f")


def requests_table(recent: Sequence[schemas.RecentRequest]) -> None:
    """Draw it, the newest first."""
    named = _names(recent)
    rows: list[dict[str, Any]] = [
        {
            say("column.at"): request.at.strftime("%Y-%m-%d %H:%M:%S"),
            say("column.api"): request.api,
            say("column.seeds"): _seeds(request.seeds, named),
            say("column.k"): request.k,
            say("column.latency"): round(request.latency_seconds * 1000, 1),
            say("column.popularity"): _rounded(request.avg_popularity, 0),
            say("column.diversity"): _rounded(request.list_diversity, 2),
            say("column.precision"): _rounded(request.genre_precision, 2),
            say("column.degraded"): say("value.yes" if request.degraded else "value.no"),
            say("column.digest"): request.digest[:12],
        }
        for request in recent
    ]
    st.dataframe(rows, hide_index=True, height="auto", key="recent")


def _names(recent: Sequence[schemas.RecentRequest]) -> dict[str, str]:
    wanted = dict.fromkeys(seed for request in recent for seed in request.seeds[:_MAX_SEEDS])
    try:
        known = gateway.tracks(tuple(wanted))
    except GatewayFault:
        return {}
    return {name: track.track_name for name, track in known.items()}


def _seeds(seeds: Sequence[str], named: dict[str, str]) -> str:
    first = ", ".join(named.get(seed, seed) for seed in seeds[:_MAX_SEEDS])
    return first if len(seeds) <= _MAX_SEEDS else f"{first} +{len(seeds) - _MAX_SEEDS}"


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
