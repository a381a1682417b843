"""The request: one instance, validated field by field."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from segue.catalog.columns import NUMERIC
from segue.errors import RequestError

__all__ = ["MAX_NAME", "MAX_NUMBER", "MAX_WEIGHT", "MIN_WEIGHT", "Filters", "Request", "Seed"]

MAX_SEEDS = 100
MAX_LIST = 1_000
MAX_KEYS = 100
MAX_NAME = 500
# Weights are divided by their sum in float32, a genre's weight also by the number of its tracks. Within these
# bounds no weight becomes zero or infinite.
MIN_WEIGHT, MAX_WEIGHT = 1e-6, 10.0
# The largest float32: features, bounds and targets are float32.
MAX_NUMBER = 3.4028234663852886e38
# Python refuses to format an integer of more than some 14,000 bits.
_MAX_BITS = 1_024

Names = Annotated[list[Annotated[str, Field(min_length=1, max_length=MAX_NAME)]], Field(max_length=MAX_LIST)]


def _fits_float32(value: float) -> float:
    if abs(value) > MAX_NUMBER:
        bounds = f"between -{MAX_NUMBER:.1e} and {MAX_NUMBER:.1e}"
        raise ValueError(f"expected a number {bounds}, got {_shorten(value)}")
    return value


def _is_feature(value: Any) -> Any:
    if isinstance(value, int | float):
        return _fits_float32(value)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"expected a number, a text, true, false or null, got {_shorten(value)}")
    return value


Number = Annotated[float, AfterValidator(_fits_float32)]
# Validated before pydantic tries the types of the union, whose first error would ask for a boolean only.
Feature = Annotated[bool | float | str | None, BeforeValidator(_is_feature)]


def _limit_keys(value: Any) -> Any:
    if isinstance(value, dict) and len(value) > MAX_KEYS:
        raise ValueError(f"expected at most {MAX_KEYS} keys, got {len(value)}")
    return value


# Before pydantic validates each key: a hundred thousand wrong keys give as many errors, and take seconds.
LimitedKeys = BeforeValidator(_limit_keys)


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _limit_fields(cls, value: Any) -> Any:
        return _limit_keys(value)


class Seed(_Strict):
    """Exactly one of a track, an artist or a genre.

    A negative weight asks for tracks unlike the seed. The weight's magnitude is between `MIN_WEIGHT` and
    `MAX_WEIGHT`.
    """

    track_id: str | None = Field(default=None, min_length=1, max_length=MAX_NAME)
    artist: str | None = Field(default=None, min_length=1, max_length=MAX_NAME)
    genre: str | None = Field(default=None, min_length=1, max_length=MAX_NAME)
    weight: float = Field(
        default=1.0,
        ge=-MAX_WEIGHT,
        le=MAX_WEIGHT,
        description=f"Negative: less like this. Its magnitude is at least {MIN_WEIGHT}.",
    )

    @field_validator("weight")
    @classmethod
    def _large_enough(cls, value: float) -> float:
        if abs(value) < MIN_WEIGHT:
            raise ValueError(f"must not be 0, and at least {MIN_WEIGHT} in magnitude, got {value}")
        return value

    @model_validator(mode="after")
    def _one_kind(self) -> Seed:
        given = [name for name in ("track_id", "artist", "genre") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"expected exactly one of track_id, artist, genre, got {given or 'none'}")
        return self

    @property
    def label(self) -> str:
        """The seed's name in ``unknown_seeds``: a track id, ``artist:…`` or ``genre:…``."""
        if self.track_id is not None:
            return self.track_id
        return f"artist:{self.artist}" if self.artist is not None else f"genre:{self.genre}"


class Filters(_Strict):
    """Which tracks may be recommended. A track whose value is missing fails every bound on that value."""

    genres: Names = Field(default_factory=list)
    year: tuple[Number, Number] | None = None
    exclude_artists: Names = Field(default_factory=list)
    exclude_tracks: Names = Field(default_factory=list)
    explicit: bool | None = None
    min: Annotated[dict[str, Number], LimitedKeys] = Field(default_factory=dict)
    max: Annotated[dict[str, Number], LimitedKeys] = Field(default_factory=dict)

    @field_validator("year", mode="before")
    @classmethod
    def _year_pair(cls, value: Any) -> Any:
        # JSON has no tuples, and strict mode accepts no list
        return tuple(value) if isinstance(value, list) else value

    @field_validator("year")
    @classmethod
    def _year_order(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and value[0] > value[1]:
            raise ValueError(f"expected [first, last], got {list(value)}")
        return value

    @field_validator("min", "max")
    @classmethod
    def _numeric(cls, value: dict[str, float]) -> dict[str, float]:
        return _known(value)

    @property
    def narrows(self) -> bool:
        """Whether any filter is set."""
        return self is not _NO_FILTERS and self != _NO_FILTERS


def _known(value: dict[str, float]) -> dict[str, float]:
    for name in value:
        if name not in NUMERIC:
            raise ValueError(f"{name!r} is not a numeric column; expected one of {', '.join(NUMERIC)}")
    return value


_NO_FILTERS = Filters()


class Request(_Strict):
    """One instance. ``None`` means the bundle's default.

    Attributes
    ----------
    seeds
        Tracks, artists, genres. A plain string is a track id. If all positive seeds are genres, tracks of
        these genres come first.
    features
        Raw features of a track that is not in the catalogue, by canonical column name.
    k
        Length of the list, 1..100.
    candidates
        Tracks retrieved for ranking, N.
    filters
        Which tracks may be recommended.
    target
        Feature values to search near instead of the seeds' own. For popularity: the catalogue's, or the
        predicted one where the catalogue has none.
    popularity_weight
        w in ``(1 − w)·similarity + w·predicted popularity``.
    diversity
        0: the tracks of the highest score. 1: the tracks least like each other.
    max_per_artist
        Most tracks by one artist.
    explain
        Explain each track of the list.
    """

    seeds: list[Seed] = Field(default=[], max_length=MAX_SEEDS)
    features: Annotated[dict[str, Feature] | None, LimitedKeys] = None
    k: int | None = Field(default=None, ge=1, le=100)
    candidates: int | None = Field(default=None, ge=1, le=1000)
    # a factory, because pydantic copies a default value deeply for each request
    filters: Filters = Field(default_factory=lambda: _NO_FILTERS)
    target: Annotated[dict[str, Number], LimitedKeys] = Field(default_factory=dict)
    popularity_weight: float | None = Field(default=None, ge=0, le=1)
    diversity: float | None = Field(default=None, ge=0, le=1)
    max_per_artist: int | None = Field(default=None, ge=1, le=1000)
    explain: bool = False

    @field_validator("seeds", mode="before")
    @classmethod
    def _plain_ids(cls, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            return value
        return [{"track_id": seed} if isinstance(seed, str) else seed for seed in value]

    @field_validator("target")
    @classmethod
    def _numeric(cls, value: dict[str, float]) -> dict[str, float]:
        return _known(value)

    @field_validator("filters", mode="before")
    @classmethod
    def _no_filters(cls, value: Any) -> Any:
        return _NO_FILTERS if value is None else value

    @field_validator("target", mode="before")
    @classmethod
    def _no_target(cls, value: Any) -> Any:
        return {} if value is None else value

    @model_validator(mode="after")
    def _has_positive_seed(self) -> Request:
        if self.features is None and not any(seed.weight > 0 for seed in self.seeds):
            raise ValueError("expected at least one seed of positive weight, or features")
        return self

    @classmethod
    def parse(cls, value: Mapping[str, Any] | Any, *, prefix: str = "") -> Request:
        """Validate one instance.

        Parameters
        ----------
        value
            The instance, decoded from JSON.
        prefix
            Path before the field in an error, for example ``instances[3]``.

        Raises
        ------
        RequestError
            Names the first wrong field, its value and what was expected.
        """
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise RequestError(*_field_and_message(first, prefix)) from None


def _field_and_message(error: Any, prefix: str) -> tuple[str, str]:
    path = prefix
    for part in error["loc"]:
        # pydantic adds the types of a union to the path
        if isinstance(part, int):
            path += f"[{part}]"
        elif part not in ("float", "str", "bool", "none"):
            path += f".{part}" if path else str(part)
    if error["type"] == "extra_forbidden":
        return path, _no_such_field(error["loc"])
    message = str(error["msg"]).removeprefix("Value error, ")
    seen = error.get("input")
    shown = "" if isinstance(seen, dict | list | Seed | Request) else f", got {_shorten(seen)}"
    if path == prefix and "positive weight" in message:
        path = f"{prefix}.seeds" if prefix else "seeds"
    return path or "body", f"{message}{'' if 'got' in message else shown}"


def _no_such_field(loc: tuple[int | str, ...]) -> str:
    """Message for an unknown field: names the fields that exist."""
    parts: dict[str, type[BaseModel]] = {"seeds": Seed, "filters": Filters}
    owner = parts.get(str(loc[0]), Request) if len(loc) > 1 else Request
    return f"there is no such field; expected one of {', '.join(owner.model_fields)}"


def _shorten(value: object, limit: int = 60) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        return f"an integer of {value.bit_length()} bits"
    # reprlib, because repr fails on a thousand nested lists
    text = reprlib.repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
