"""A form that describes a sound, instead of seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from serving.ui import gateway
from serving.ui.sound import KEYS, SOUND_BOUNDS, feature_name
from serving.ui.words import say

__all__ = ["read_sound", "set_sound", "sound_form"]

# Initial values of the sliders, typical of popular music.
_USUAL: Mapping[str, float] = {
    "energy": 0.6,
    "valence": 0.5,
    "danceability": 0.6,
    "acousticness": 0.25,
    "instrumentalness": 0.05,
    "speechiness": 0.06,
    "liveness": 0.15,
    "tempo": 120.0,
    "loudness": -8.0,
    "minutes": 3.5,
}
_SHARES = tuple(_USUAL)[:7]
# Fields that may stay empty: a missing value is neither near nor far.
_OPTIONAL = ("genre", "year", "key", "mode")


def sound_form() -> None:
    """Draw a slider for each feature, and the optional fields."""
    _fill_in()
    st.caption(say("sound.lead"))
    for name in _SHARES:
        st.slider(_title(name), 0.0, 1.0, step=0.05, **_kept(name))
    st.slider(say("settings.tempo"), 40.0, 220.0, step=1.0, format="%.0f", **_kept("tempo"))
    st.slider(_title("loudness"), -40.0, 0.0, step=1.0, format="%.0f dB", **_kept("loudness"))
    st.slider(_title("duration_ms"), 0.5, 15.0, step=0.25, format="%.2f min", **_kept("minutes"))
    chosen = st.session_state.get("sound_genre")
    genres = gateway.genre_options([chosen] if chosen is not None else [])
    st.selectbox(say("sound.genre"), genres, index=None, placeholder=say("sound.unset"), **_kept("genre"))
    first, last = SOUND_BOUNDS["year"]
    st.number_input(
        say("sound.year"),
        int(first),
        int(last),
        value=None,
        step=1,
        placeholder=say("sound.unset"),
        **_kept("year"),
    )
    st.selectbox(
        say("sound.key"),
        range(len(KEYS)),
        format_func=KEYS.__getitem__,
        index=None,
        placeholder=say("sound.unset"),
        **_kept("key"),
    )
    st.selectbox(
        say("sound.mode"),
        (1, 0),
        format_func=lambda mode: say("value.major" if mode else "value.minor"),
        index=None,
        placeholder=say("sound.unset"),
        **_kept("mode"),
    )


def read_sound() -> dict[str, float | str]:
    """The values as raw features, in the catalogue's units."""
    _fill_in()
    sound: dict[str, float | str] = {name: st.session_state[f"sound_{name}"] for name in _USUAL}
    sound["duration_ms"] = float(sound.pop("minutes")) * 60_000
    for name in _OPTIONAL:
        value = st.session_state.get(f"sound_{name}")
        if value is not None:
            sound[name] = value if isinstance(value, str) else float(value)
    return sound


def set_sound(sound: Mapping[str, float | str]) -> None:
    """Set the form to the sound of a link."""
    for name, value in sound.items():
        if name == "duration_ms":
            st.session_state["sound_minutes"] = min(max(float(value) / 60_000, 0.5), 15.0)
        elif name in ("year", "key", "mode"):
            st.session_state[f"sound_{name}"] = int(value)
        else:
            st.session_state[f"sound_{name}"] = value


def _fill_in() -> None:
    for name, value in _USUAL.items():
        st.session_state.setdefault(f"sound_{name}", value)


def _kept(name: str) -> dict[str, Any]:
    return {"key": f"sound_{name}", "persist_state": "session"}


def _title(name: str) -> str:
    words = feature_name(name)
    return words[:1].upper() + words[1:]
