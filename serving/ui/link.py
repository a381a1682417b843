"""A list as a link: seeds and settings as query parameters, and back.

A weight follows ``@``, and ``-`` separates the ends of a range, as on the command line
(``segue recommend``)::

    ?seed=4cOdK2wGLETKBW3PvgPWqT&seed=ID@-0.5&artist=Nina%20Simone&genre=jazz&k=20&year=1955-1969
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from serving.ui.query import BOUNDS, MAX_K, MAX_SEEDS, PageQuery, PageSeed, SeedKind
from serving.ui.sound import SLIDERS

__all__ = ["from_params", "to_params"]

_SEED_NAMES: Mapping[str, SeedKind] = {"seed": "track", "artist": "artist", "genre": "genre"}
_MAX_GENRES = 50
_MAX_LENGTH = 200


def to_params(query: PageQuery) -> dict[str, list[str]]:
    """Query parameters that `from_params` reads the same query from; defaults are left out."""
    params: dict[str, list[str]] = {}
    for name, kind in _SEED_NAMES.items():
        texts = [_seed_text(seed) for seed in query.seeds if seed.kind == kind]
        if texts:
            params[name] = texts
    for feature, value in query.sound.items():
        params[f"sound.{feature}"] = [value if isinstance(value, str) else f"{value:g}"]
    for name, (field, _) in _SETTINGS.items():
        value = getattr(query, field)
        if value != getattr(PageQuery, field):
            # a boolean is written as 1
            params[name] = [f"{value:g}"]
    if query.genres:
        params["only"] = list(query.genres)
    for name, (low, high) in query.ranges.items():
        params[name] = [f"{low:g}-{high:g}"]
    return params


def from_params(params: Mapping[str, Sequence[str]]) -> tuple[PageQuery, tuple[str, ...]]:
    """Read a link's values by parameter, as a browser sent them, not validated.

    Returns the query, as far as it could be read, and the names of the parameters that could not be.
    """
    given: dict[str, Any] = {}
    ignored: list[str] = []
    seeds: list[PageSeed] = []
    sound: dict[str, float | str] = {}
    ranges: dict[str, tuple[float, float]] = {}
    for name, values in params.items():
        try:
            if name in _SEED_NAMES:
                seeds += [_read_seed(_SEED_NAMES[name], value) for value in values]
            elif name.startswith("sound."):
                feature = name.removeprefix("sound.")
                sound[feature] = _read_sound(feature, values[-1])
            elif name in BOUNDS:
                ranges[name] = _read_range(values[-1], BOUNDS[name])
            elif name == "only":
                given["genres"] = tuple(value[:_MAX_LENGTH] for value in values[:_MAX_GENRES] if value)
            else:
                field, read = _SETTINGS[name]
                given[field] = read(values[-1])
        except (KeyError, ValueError, IndexError):
            ignored.append(name)
    unique = {(seed.kind, seed.value): seed for seed in seeds}
    kept = tuple(unique.values())[:MAX_SEEDS]
    return PageQuery(seeds=() if sound else kept, sound=sound, ranges=ranges, **given), tuple(ignored)


def _seed_text(seed: PageSeed) -> str:
    # the weight is always written after a name with an @, which would be read as one
    return seed.value if seed.weight == 1 and "@" not in seed.value else f"{seed.value}@{seed.weight:g}"


def _read_seed(kind: SeedKind, text: str) -> PageSeed:
    value, found, weight = text.rpartition("@")
    if not found:
        value, weight = text, "1"
    if not value or len(value) > _MAX_LENGTH:
        raise ValueError("no seed")
    number = _number(weight, -10, 10)
    if number == 0:
        raise ValueError("a weight of 0")
    return PageSeed(kind, value, number)


def _read_sound(feature: str, text: str) -> float | str:
    if feature == "genre":
        return text[:_MAX_LENGTH]
    slider = SLIDERS[feature]
    return _number(text, slider.low, slider.high)


def _read_range(text: str, bounds: tuple[float, float]) -> tuple[float, float]:
    low, high = (_number(part, *bounds) for part in text.split("-"))
    if low > high or (low, high) == bounds:
        raise ValueError("no range")
    return low, high


def _number(text: str, low: float, high: float) -> float:
    value = float(text)
    if not math.isfinite(value) or not low <= value <= high:
        raise ValueError("out of bounds")
    return value


_SETTINGS: Mapping[str, tuple[str, Callable[[str], object]]] = {
    "k": ("k", lambda text: int(_number(text, 1, MAX_K))),
    "popularity": ("popularity_weight", lambda text: _number(text, 0, 1)),
    "diversity": ("diversity", lambda text: _number(text, 0, 1)),
    "per_artist": ("max_per_artist", lambda text: int(_number(text, 1, MAX_K))),
    "clean": ("clean", lambda text: text == "1"),
}
