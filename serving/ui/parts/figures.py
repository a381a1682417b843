"""The figures at the top of the Monitoring page."""

from __future__ import annotations

import streamlit as st

from serving.gateway import schemas
from serving.ui.words import say

__all__ = ["figures"]


def figures(stats: schemas.StatsAnswer) -> None:
    """Draw a card for each; a dash where there is no value."""
    totals = stats.totals
    share = totals.degraded / totals.requests if totals.requests else None
    shown = (
        ("requests", f"{totals.requests:,}"),
        ("sessions", f"{totals.sessions:,}"),
        ("p50", _milliseconds(totals.latency_p50_seconds)),
        ("p95", _milliseconds(totals.latency_p95_seconds)),
        ("degraded", _share(share)),
        ("popularity", _number(totals.avg_popularity, 0)),
        ("diversity", _number(totals.list_diversity, 2)),
        ("precision", _share(totals.genre_precision)),
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


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
