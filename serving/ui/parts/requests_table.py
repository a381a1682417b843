"""The latest requests as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from serving.gateway import schemas
from serving.ui import gateway
from serving.ui.faults import GatewayFault
from serving.ui.words import say

__all__ = ["requests_table"]

_MAX_SEEDS = 3


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
