"""Audio features as the page shows them: bounds of their sliders, names and values in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from segue.catalog.columns import EMBEDDED, Slider, column_named
from serving.ui.words import all_words, say

__all__ = ["KEYS", "SHARES", "SLIDERS", "duration", "feature_name", "feature_value"]

# Sliders that describe a sound, by feature.
SLIDERS: Mapping[str, Slider] = {
    name: slider for name in EMBEDDED if (slider := column_named(name).slider) is not None
}
# Axes of the radar chart: features from 0 to 1, on one scale.
SHARES = tuple(
    name
    for name, slider in SLIDERS.items()
    if (slider.low, slider.high) == (0, 1) and slider.start is not None
)
KEYS = ("C", "C#/Db", "D", "D#/Eb", "E", "F", "F#/Gb", "G", "G#/Ab", "A", "A#/Bb", "B")


def feature_name(name: str) -> str:
    """Name of a feature in the reader's language; an unknown feature keeps its own name."""
    return say(f"feature.{name}") if f"feature.{name}" in all_words("en") else name.replace("_", " ")


def feature_value(name: str, value: float | str | None) -> str:
    """A value with its unit: percent, BPM, minutes, a key's name."""
    if value is None:
        return say("value.unknown")
    if isinstance(value, str):
        return value
    if name in _WRITTEN:
        return _WRITTEN[name](value)
    return f"{value:.0%}" if 0 <= value <= 1 else f"{value:g}"


def duration(milliseconds: float) -> str:
    """Minutes and seconds, such as 3:07."""
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    return f"{minutes}:{seconds:02}"


def _key(value: float) -> str:
    return KEYS[int(value)] if 0 <= value < len(KEYS) else say("value.unknown")


def _whole(value: float) -> str:
    return f"{value:.0f}".replace("-", "\N{MINUS SIGN}")


_WRITTEN: Mapping[str, Callable[[float], str]] = {
    "tempo": lambda value: say("value.bpm", value=_whole(value)),
    "loudness": lambda value: say("value.db", value=_whole(value)),
    "duration_ms": duration,
    "key": _key,
    "mode": lambda value: say("value.major" if value >= 0.5 else "value.minor"),
    "explicit": lambda value: say("value.yes" if value >= 0.5 else "value.no"),
    "time_signature": lambda value: f"{value:.0f}/4",
    "year": _whole,
    "popularity": _whole,
}
