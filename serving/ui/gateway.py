"""One client of the gateway for all sessions, with a cache of what seldom changes."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from segue.settings import read_settings
from serving.gateway import schemas
from serving.ui.client import GatewayClient
from serving.ui.faults import GatewayAway, GatewayFault, GatewaySlow
from serving.ui.settings import UISettings

__all__ = ["client", "covers", "genre_options", "genres", "settings", "tracks"]

# For this long names and covers may still be those of the previous bundle; lists are not cached.
_CACHE_SECONDS = 300


@st.cache_resource
def settings() -> UISettings:
    """Settings of this process."""
    return read_settings(UISettings)


@st.cache_resource
def client() -> GatewayClient:
    """The client of this process, with its connections."""
    given = settings()
    return GatewayClient(
        str(given.gateway_url), given.gateway_key, timeout_seconds=given.gateway_timeout_seconds
    )


def tracks(track_ids: Sequence[str]) -> dict[str, schemas.Track]:
    """Tracks by id; those that the catalogue lacks are left out."""
    found = _tracks(tuple(track_ids)) if track_ids else []
    return {name: track for name, track in zip(track_ids, found, strict=True) if track is not None}


@st.cache_data(ttl=_CACHE_SECONDS, max_entries=500, show_spinner=False)
def _tracks(track_ids: tuple[str, ...]) -> list[schemas.Track | None]:
    return client().tracks(track_ids)


@st.cache_data(ttl=_CACHE_SECONDS, show_spinner=False)
def genres() -> list[str]:
    """Names of the genres, the largest first."""
    return [item.genre for item in client().genres()]


def genre_options(chosen: Sequence[str]) -> list[str]:
    """Genres to choose from: the catalogue's, and chosen ones that a link has of another catalogue."""
    try:
        known = genres()
    except GatewayFault:
        known = []
    return [*known, *(name for name in chosen if name not in known)]


@st.cache_data(ttl=_CACHE_SECONDS, max_entries=5_000, show_spinner=False)
def _cover(path: str) -> str:
    # fetched by the page, since the browser has no key
    return client().image(path)


def covers(shown: Sequence[schemas.TrackSummary]) -> dict[str, str]:
    """Address of each track's cover by id; a track whose cover can't be fetched is left out."""
    found: dict[str, str] = {}
    for track in shown:
        try:
            found[track.track_id] = track.image_url or _cover(track.image)
        except (GatewayAway, GatewaySlow):
            # rather no covers than a slow page
            break
        except GatewayFault:
            continue
    return found
