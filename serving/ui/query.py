"""Seeds and settings of a request, as the page keeps them, and the request that the gateway takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

__all__ = ["BOUNDS", "MAX_K", "MAX_SEEDS", "WEIGHTS", "PageQuery", "PageSeed", "SeedKind"]

SeedKind = Literal["track", "artist", "genre"]

# The steps of "more" and "less", without 0: the gateway refuses it, and a seed can be removed.
WEIGHTS = (-1.0, -0.5, 0.5, 1.0, 2.0)
# Ends of the range sliders. A full range is sent as no filter, so that missing values pass.
BOUNDS: Mapping[str, tuple[float, float]] = {
    "energy": (0.0, 1.0),
    "valence": (0.0, 1.0),
    "tempo": (40.0, 220.0),
    "year": (1920.0, 2030.0),
    "known": (0.0, 100.0),
}
# The gateway's names of filters that have another name on the page.
_FILTERS = {"known": "popularity"}
MAX_K = 50
MAX_SEEDS = 20


@dataclass(frozen=True, slots=True)
class PageSeed:
    """A seed, as the page keeps it: a track's id or the name of an artist or genre, and its weight."""

    kind: SeedKind
    value: str
    weight: float = 1.0

    def moved(self, steps: int) -> PageSeed:
        """The seed with its weight moved by steps of `WEIGHTS`."""
        nearest = min(range(len(WEIGHTS)), key=lambda i: abs(WEIGHTS[i] - self.weight))
        return replace(self, weight=WEIGHTS[min(max(nearest + steps, 0), len(WEIGHTS) - 1)])

    def to_instance(self) -> dict[str, Any]:
        """The seed of the gateway's request."""
        name = "track_id" if self.kind == "track" else self.kind
        return {name: self.value, "weight": self.weight}


@dataclass(frozen=True, kw_only=True)
class PageQuery:
    """A request, as the page keeps it.

    Attributes
    ----------
    seeds
        What to start from.
    sound
        Raw features, instead of seeds.
    k
        Length of the list.
    popularity_weight
        None: the bundle's own.
    diversity
        0: the best tracks; 1: the most different ones.
    max_per_artist
        Most tracks by one artist.
    clean
        Leave explicit tracks out.
    genres
        Genres that may come back; none means any.
    ranges
        Bounds by feature, only those that are narrower than `BOUNDS`.
    """

    seeds: tuple[PageSeed, ...] = ()
    sound: Mapping[str, float | str] = field(default_factory=dict)
    k: int = 10
    popularity_weight: float | None = None
    diversity: float = 0.0
    max_per_artist: int = 2
    clean: bool = False
    genres: tuple[str, ...] = ()
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def asks_for_something(self) -> bool:
        """Whether there is a seed of positive weight, or a sound."""
        return bool(self.sound) or any(seed.weight > 0 for seed in self.seeds)

    def to_instance(self) -> dict[str, Any]:
        """The request that the gateway takes, with an explanation."""
        bounds = {name: pair for name, pair in self.ranges.items() if name != "year"}
        filters: dict[str, Any] = {
            "genres": list(self.genres),
            "min": {_filter(name): low for name, (low, _) in bounds.items() if low > BOUNDS[name][0]},
            "max": {_filter(name): high for name, (_, high) in bounds.items() if high < BOUNDS[name][1]},
        }
        if "year" in self.ranges:
            filters["year"] = list(self.ranges["year"])
        if self.clean:
            filters["explicit"] = False
        return {
            "seeds": [seed.to_instance() for seed in self.seeds],
            "features": dict(self.sound) or None,
            "k": self.k,
            "filters": filters,
            "popularity_weight": self.popularity_weight,
            "diversity": self.diversity,
            "max_per_artist": self.max_per_artist,
            "explain": True,
        }


def _filter(name: str) -> str:
    return _FILTERS.get(name, name)
