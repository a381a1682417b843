"""A form that describes a sound, instead of seeds."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import streamlit as st

from serving.ui import gateway
from serving.ui.sound import KEYS, SHARES, SLIDERS, feature_name, feature_value
from serving.ui.words import say

__all__ = ["read_sound", "set_sound", "sound_form"]

_MINUTE = 60_000.0
# Fields that may stay empty: a missing value is neither near nor far.
_OPTIONAL = ("genre", "year", "key", "mode")


def sound_form() -> None:
    """Draw a slider for each feature, and the optional fields."""
    _fill_in()
    st.caption(say("sound.lead"))
    for name in SHARES:
        _slider(name, _title(name), step=0.05)
    _slider("tempo", say("settings.tempo"), step=1.0, format="%.0f")
    _slider("loudness", _title("loudness"), step=1.0, format="%.0f dB")
    low, high = (bound / _MINUTE for bound in (SLIDERS["duration_ms"].low, SLIDERS["duration_ms"].high))
    st.slider(_title("duration_ms"), low, high, step=0.25, format="%.2f min", **_kept("minutes"))
    chosen = st.session_state.get("sound_genre")
    genres = gateway.genre_options([chosen] if chosen is not None else [])
    unset: dict[str, Any] = {"index": None, "placeholder": say("sound.unset")}
    st.selectbox(say("sound.genre"), genres, **unset, **_kept("genre"))
    st.number_input(
        say("sound.year"),
        int(SLIDERS["year"].low),
        int(SLIDERS["year"].high),
        value=None,
        step=1,
        placeholder=say("sound.unset"),
        **_kept("year"),
    )
    for name, values in (("key", range(len(KEYS))), ("mode", (1, 0))):
        shown_as = partial(feature_value, name)
        st.selectbox(say(f"sound.{name}"), values, format_func=shown_as, **unset, **_kept(name))


def read_sound() -> dict[str, float | str]:
    """The values as raw features, in the catalogue's units."""
    _fill_in()
    sound: dict[str, float | str] = {name: st.session_state[f"sound_{name}"] for name in _starts()}
    sound["duration_ms"] = float(sound.pop("minutes")) * _MINUTE
    for name in _OPTIONAL:
        value = st.session_state.get(f"sound_{name}")
        if value is not None:
            sound[name] = value if isinstance(value, str) else float(value)
    return sound


def set_sound(sound: Mapping[str, float | str]) -> None:
    """Set the form to the sound of a link."""
    for name, value in sound.items():
        if name == "duration_ms":
            st.session_state["sound_minutes"] = float(value) / _MINUTE
        elif name in ("year", "key", "mode"):
            st.session_state[f"sound_{name}"] = int(value)
        else:
            st.session_state[f"sound_{name}"] = value


def _fill_in() -> None:
    for name, value in _starts().items():
        st.session_state.setdefault(f"sound_{name}", value)


def _starts() -> dict[str, float]:
    """Where each slider stands at first, by its key."""
    starts = {name: slider.start for name, slider in SLIDERS.items() if slider.start is not None}
    starts["minutes"] = starts.pop("duration_ms") / _MINUTE
    return starts


def _slider(name: str, label: str, *, step: float, **options: Any) -> None:
    slider = SLIDERS[name]
    st.slider(label, float(slider.low), float(slider.high), step=step, **options, **_kept(name))


def _kept(name: str) -> dict[str, Any]:
    return {"key": f"sound_{name}", "persist_state": "session"}


def _title(name: str) -> str:
    words = feature_name(name)
    return words[:1].upper() + words[1:]
