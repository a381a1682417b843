"""The vocabulary of generated names, read from ``words.toml``."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

__all__ = ["Locale", "locales", "odd_names"]


class Locale(NamedTuple):
    """Words of one language by slot, and the weights of its patterns."""

    words: dict[str, tuple[str, ...]]
    artists: dict[str, int]
    titles: dict[str, int]


@cache
def _vocabulary() -> dict[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath("words.toml").read_text(encoding="utf-8"))


@cache
def locales() -> dict[str, Locale]:
    """All languages, in the order of the file."""
    return {
        name: Locale(
            words={slot: _words(entry) for slot, entry in table["words"].items()},
            artists=table["artists"],
            titles=table["titles"],
        )
        for name, table in _vocabulary().items()
        if name != "odd"
    }


def odd_names(kind: str) -> tuple[str, ...]:
    """Names that careless parsing breaks; ``kind`` is "artists" or "titles"."""
    return tuple(_vocabulary()["odd"][kind])


def _words(entry: str | list[str] | dict[str, str]) -> tuple[str, ...]:
    if isinstance(entry, str):
        return tuple(entry.split())
    if isinstance(entry, list):
        return tuple(entry)
    return tuple(start + ending for start in entry["starts"].split() for ending in entry["endings"].split())
