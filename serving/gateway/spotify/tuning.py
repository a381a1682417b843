"""Turns the parameters of ``/v1/recommendations`` into a request of the library."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from segue.recommend.request import MAX_NAME, MAX_NUMBER
from serving.errors import BadRequest
from serving.gateway.served_catalogue import ServedCatalogue

__all__ = ["MAX_SEEDS", "TUNABLE", "Seeds", "genres_in", "instance_of"]

MAX_SEEDS = 5
# https://developer.spotify.com/documentation/web-api/reference/get-recommendations
TUNABLE = (
    "acousticness",
    "danceability",
    "duration_ms",
    "energy",
    "instrumentalness",
    "key",
    "liveness",
    "loudness",
    "mode",
    "popularity",
    "speechiness",
    "tempo",
    "time_signature",
    "valence",
)
# A longer list needs more candidates, or the limit of two tracks per artist leaves too few.
_LONG = 30
_CANDIDATES = 6
_SEEDS = ("artists", "genres", "tracks")

Seeds = list[tuple[str, str]]


def instance_of(parameters: Mapping[str, str], catalogue: ServedCatalogue) -> tuple[dict[str, Any], Seeds]:
    """Read the parameters of a request; raises `BadRequest`, which names a wrong one.

    An unknown id is passed on, and reported as an unknown seed.

    Returns
    -------
    instance
        As the native API takes it.
    seeds
        Kind (``TRACK``, ``ARTIST``, ``GENRE``) and id of each seed, as they were given.
    """
    given = {kind: _listed(parameters.get(f"seed_{kind}", "")) for kind in _SEEDS}
    given["genres"] = genres_in(parameters.get("seed_genres", ""), catalogue.transform.genres)
    number = sum(len(names) for names in given.values())
    if not 1 <= number <= MAX_SEEDS:
        raise BadRequest(f"expected 1 to {MAX_SEEDS} seeds together, got {number}")
    seeds: Seeds = [(kind[:-1].upper(), name) for kind in _SEEDS for name in given[kind]]
    for kind, name in seeds:
        if len(name) > MAX_NAME:
            what = f"seed_{kind.lower()}s: expected at most {MAX_NAME} characters a seed"
            raise BadRequest(f"{what}, got {len(name)}")
    bounds: dict[str, dict[str, float]] = {
        prefix: {
            name: _number(f"{prefix}_{name}", parameters[f"{prefix}_{name}"])
            for name in TUNABLE
            if f"{prefix}_{name}" in parameters
        }
        for prefix in ("min", "max", "target")
    }
    k = _limit(parameters.get("limit", "20"))
    instance = {
        "seeds": [_seed(kind, name, catalogue) for kind, name in seeds],
        "k": k,
        "candidates": _CANDIDATES * k if k > _LONG else None,
        "filters": {"min": bounds["min"], "max": bounds["max"]},
        "target": bounds["target"],
    }
    return instance, seeds


def _listed(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def genres_in(text: str, known: Sequence[str]) -> list[str]:
    """Split a comma-separated list of genres; a genre's name may contain commas."""
    names, pieces = set(known), text.split(",")
    longest = max((name.count(",") + 1 for name in names), default=1)

    def is_one(part: Sequence[str]) -> bool:
        # parts that are genres by themselves are separate genres
        return ",".join(part).strip().lower() in names and not names.issuperset(part)

    found, start = [], 0
    while start < len(pieces):
        ends = range(min(start + longest, len(pieces)), start + 1, -1)
        end = next((end for end in ends if is_one(pieces[start:end])), start + 1)
        found.append(",".join(pieces[start:end]).strip())
        start = end
    return [name for name in found if name]


def _seed(kind: str, name: str, catalogue: ServedCatalogue) -> dict[str, str]:
    if kind == "TRACK":
        row = catalogue.identities.track_row(name)
        return {"track_id": name if row is None else catalogue.cell("track_id", row)}
    if kind == "ARTIST":
        row = catalogue.identities.artist_row(name)
        return {"artist": name if row is None else catalogue.cell("artist_name", row)}
    return {"genre": name}


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadRequest(f"{name}: expected a number, got {text!r:.40}")
    if abs(value) > MAX_NUMBER:
        bounds = f"between -{MAX_NUMBER:.1e} and {MAX_NUMBER:.1e}"
        raise BadRequest(f"{name}: expected a number {bounds}, got {text!r:.40}")
    return value


def _limit(text: str) -> int:
    # the length first: int() refuses thousands of digits with an error of its own
    if not text.isdecimal() or len(text) > 3 or not 1 <= int(text) <= 100:
        raise BadRequest(f"limit: expected 1 to 100, got {text!r:.40}")
    return int(text)
