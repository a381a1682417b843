"""Generate names of artists, titles and ids, vectorised: a million titles take a second or two."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from segue.sample.words import locales, odd_names

__all__ = ["artist_names", "base62_ids", "draw_titles", "locale_numbers", "titles"]

_SLOT = re.compile(r"\{(\w+)\}")
_BASE62 = np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", dtype=np.uint8)
_ID_LENGTH = 22
_ODD_TITLE_SHARE = 0.003


class _Pattern(NamedTuple):
    """A parsed pattern: the choices of each part, and whether it is a slot or a literal (one choice)."""

    parts: tuple[tuple[str, ...], ...]
    slots: tuple[bool, ...]


def locale_numbers() -> dict[str, int]:
    """Number of each locale, by name."""
    return {name: number for number, name in enumerate(locales())}


def _parse(pattern: str, words: dict[str, tuple[str, ...]]) -> _Pattern:
    pieces = _SLOT.split(pattern)
    parts, slots = [], []
    for position, piece in enumerate(pieces):
        if piece:
            is_slot = position % 2 == 1
            parts.append(words[piece] if is_slot else (piece,))
            slots.append(is_slot)
    return _Pattern(tuple(parts), tuple(slots))


@cache
def _patterns(kind: str) -> tuple[tuple[_Pattern, ...], tuple[NDArray[np.int16], ...]]:
    """All patterns of a kind, and for each locale the numbers of its patterns, repeated by weight."""
    parsed: list[_Pattern] = []
    choices = []
    for locale in locales().values():
        weights = locale.artists if kind == "artists" else locale.titles
        numbers = np.arange(len(parsed), len(parsed) + len(weights), dtype=np.int16)
        choices.append(np.repeat(numbers, list(weights.values())))
        parsed.extend(_parse(text, locale.words) for text in weights)
    parsed.extend(_Pattern(((odd,),), (False,)) for odd in odd_names(kind))
    return tuple(parsed), tuple(choices)


def _draw(kind: str, locale: NDArray[np.int8], rng: np.random.Generator) -> NDArray[np.int16]:
    choices = _patterns(kind)[1]
    counts = np.array([len(numbers) for numbers in choices])
    starts = np.cumsum(counts) - counts
    chosen = starts[locale] + (rng.random(len(locale)) * counts[locale]).astype(np.int64)
    pattern: NDArray[np.int16] = np.concatenate(choices)[chosen]
    return pattern


def _compose(kind: str, pattern: NDArray[np.int16], salt: NDArray[np.uint64]) -> pa.StringArray:
    """Fill each row's pattern with words chosen by its salt, 16 bits per slot."""
    patterns = _patterns(kind)[0]
    order = np.argsort(pattern, kind="stable")
    bounds = np.searchsorted(pattern[order], np.arange(len(patterns) + 1))
    chunks = []
    for number, parsed in enumerate(patterns):
        rows = order[bounds[number] : bounds[number + 1]]
        if len(rows):
            chunks.append(_fill(parsed, salt[rows]))
    texts = pa.concat_arrays(chunks) if chunks else pa.array([], pa.string())
    inverse = np.empty(len(order), dtype=np.int64)
    inverse[order] = np.arange(len(order))
    return texts.take(pa.array(inverse))


def _fill(pattern: _Pattern, salt: NDArray[np.uint64]) -> pa.StringArray:
    columns = []
    shift = 0
    for words, is_slot in zip(pattern.parts, pattern.slots, strict=True):
        bits = (salt >> np.uint64(shift)) & np.uint64(0xFFFF)
        columns.append(pa.array(words).take(pa.array((bits % np.uint64(len(words))).astype(np.int32))))
        shift += 16 if is_slot else 0
    return pc.binary_join_element_wise(*columns, "") if len(columns) > 1 else columns[0]


def draw_titles(
    locale: NDArray[np.int8], rng: np.random.Generator
) -> tuple[NDArray[np.int16], NDArray[np.uint64]]:
    """Draw the pattern, int16 [n], and salt, uint64 [n], of a title per row; a few are odd on purpose."""
    count = len(_patterns("titles")[0])
    pattern = _draw("titles", locale, rng)
    is_odd = rng.random(len(locale)) < _ODD_TITLE_SHARE
    odd = rng.integers(count - len(odd_names("titles")), count, len(locale), dtype=np.int16)
    salt = rng.integers(0, 2**63, len(locale), dtype=np.uint64)
    return np.where(is_odd, odd, pattern), salt


def titles(pattern: NDArray[np.int16], salt: NDArray[np.uint64]) -> pa.StringArray:
    """Compose the titles drawn by `draw_titles`, string [n]."""
    return _compose("titles", pattern, salt)


def artist_names(locale: NDArray[np.int8], rng: np.random.Generator) -> pa.StringArray:
    """Draw a name per artist, string [a], unique when compared without case."""
    salt = rng.integers(0, 2**63, len(locale), dtype=np.uint64)
    names = _compose("artists", _draw("artists", locale, rng), salt).to_numpy(zero_copy_only=False)
    odd = odd_names("artists")[: len(names) // 20]
    names[rng.choice(len(names), size=len(odd), replace=False)] = odd
    for _ in range(4):
        repeated = _repeated(names)
        if not len(repeated):
            break
        salt = rng.integers(0, 2**63, len(repeated), dtype=np.uint64)
        redrawn = _compose("artists", _draw("artists", locale[repeated], rng), salt)
        names[repeated] = redrawn.to_numpy(zero_copy_only=False)
    for count, row in enumerate(_repeated(names)):
        names[row] = f"{names[row]} {count + 2}"
    return pa.array(names, pa.string())


def _repeated(names: NDArray[np.object_]) -> NDArray[np.int64]:
    """Rows whose name, compared without case, is also in an earlier row."""
    lowered = pc.utf8_lower(pa.array(names, pa.string())).to_pylist()
    seen: set[str] = set()
    rows = []
    for row, name in enumerate(lowered):
        if name in seen:
            rows.append(row)
        seen.add(name)
    return np.array(rows, dtype=np.int64)


def base62_ids(count: int, rng: np.random.Generator) -> pa.StringArray:
    """Random ids of 22 base62 characters, like Spotify's (128 bits, so the first character is 0 to 7)."""
    digits = rng.integers(0, 62, size=(count, _ID_LENGTH), dtype=np.uint8)
    digits[:, 0] &= 7
    offsets = np.arange(count + 1, dtype=np.int32) * _ID_LENGTH
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(_BASE62[digits].tobytes()))
