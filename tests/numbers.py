"""Every number that JSON can say, at every place of a request where a number may stand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from segue.catalog.columns import NUMERIC
from segue.features.transform import FEATURES, GENRE

__all__ = ["EDGES", "FEW_EDGES", "NUMBERS", "PLACES", "Place", "as_json", "numbers_in"]

# Where doubles, float32 and integers of 16, 32 and 64 bits begin and end, and the halves beside them.
EDGES: tuple[float | int, ...] = (
    0,
    -0.0,
    5e-324,
    1e-320,
    2.2250738585072014e-308,
    7e-46,
    1.401298464324817e-45,
    1.1754943508222875e-38,
    1e-7,
    1e-6,
    1e-3,
    0.5,
    1,
    1 + 2**-52,
    10,
    100,
    2**15,
    2**31,
    2**53 + 1,
    2**63,
    2**64,
    10**30,
    3.4028234663852886e38,
    3.4028235677973366e38,
    3.5e38,
    1e39,
    1e300,
    1.7976931348623157e308,
)
# For where each costs a call over HTTP.
FEW_EDGES = (
    0,
    -0.0,
    5e-324,
    1e-320,
    -1e-320,
    1e-45,
    1e-7,
    -1e-7,
    1,
    -1,
    2**63,
    -(10**30),
    3.5e38,
    -1e39,
    1e308,
)
NUMBERS = (
    st.sampled_from(EDGES).flatmap(lambda number: st.sampled_from((number, -number)))
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
    | st.integers(-(2**70), 2**70)
)


@dataclass(frozen=True)
class Place:
    """A number's place in a request.

    Attributes
    ----------
    field
        How an error names it; what it is within may be named instead.
    instance
        Makes the instance, of a number and the seeds that the catalogue has.
    """

    field: str
    instance: Callable[[float, Mapping[str, str]], dict[str, Any]]


def _seed(kind: str, sign: int = 1) -> Callable[[float, Mapping[str, str]], dict[str, Any]]:
    def instance(number: float, known: Mapping[str, str]) -> dict[str, Any]:
        seeds: list[Any] = [{kind: known[kind], "weight": sign * number}]
        return {"seeds": seeds if sign > 0 else [known["track_id"], *seeds]}

    return instance


def _top(field: str) -> Callable[[float, Mapping[str, str]], dict[str, Any]]:
    return lambda number, known: {"seeds": [known["track_id"]], field: number}


def _within(field: str, name: str) -> Callable[[float, Mapping[str, str]], dict[str, Any]]:
    return lambda number, known: {"seeds": [known["track_id"]], field: {name: number}}


def _bound(side: str, name: str) -> Callable[[float, Mapping[str, str]], dict[str, Any]]:
    return lambda number, known: {"seeds": [known["track_id"]], "filters": {side: {name: number}}}


def _year(position: int) -> Callable[[float, Mapping[str, str]], dict[str, Any]]:
    def instance(number: float, known: Mapping[str, str]) -> dict[str, Any]:
        year = [number, 2010] if position == 0 else [1960, number]
        return {"seeds": [known["track_id"]], "filters": {"year": year}}

    return instance


PLACES: dict[str, Place] = {
    **{f"weight of a {kind}": Place("seeds[0]", _seed(kind)) for kind in ("track_id", "artist", "genre")},
    **{f"negative weight of a {kind}": Place("seeds[1]", _seed(kind, -1)) for kind in ("artist", "genre")},
    **{
        field: Place(field, _top(field))
        for field in ("k", "candidates", "popularity_weight", "diversity", "max_per_artist")
    },
    "first year": Place("filters.year", _year(0)),
    "last year": Place("filters.year", _year(1)),
    **{
        f"{side} of {name}": Place(f"filters.{side}", _bound(side, name))
        for side in ("min", "max")
        for name in NUMERIC
    },
    **{f"target of {name}": Place("target", _within("target", name)) for name in NUMERIC},
    **{f"feature {name}": Place("features", _within("features", name)) for name in FEATURES if name != GENRE},
}


def numbers_in(value: Any) -> list[float]:
    """Every number in an answer."""
    if isinstance(value, Mapping):
        return [number for part in value.values() for number in numbers_in(part)]
    if isinstance(value, list | tuple):
        return [number for part in value for number in numbers_in(part)]
    return [float(value)] if isinstance(value, int | float) and not isinstance(value, bool) else []


def as_json(instance: Mapping[str, Any]) -> bytes:
    """The instance as a caller sends it."""
    return json.dumps(instance).encode()
