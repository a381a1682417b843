"""Ids of Spotify's shape for the tracks, artists and albums of any catalogue.

Spotify's ids are 22 characters of base 62, a 128-bit number. A catalogue id of that shape stays as it is; any
other id is replaced by its 128-bit hash in base 62, which is the same on every replica and needs no table to
be made. The row is found again by binary search over 64 bits of each hash, twelve bytes a track.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["AliasTable", "alias_of", "is_native", "keys_of_aliases", "keys_of_native", "native_mask"]

Keys = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int32]

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LENGTH = 22
_NATIVE = "^[0-9A-Za-z]{22}$"
_IS_NATIVE = re.compile(r"[0-9A-Za-z]{22}")
_VALUES = np.zeros(128, np.uint64)
_VALUES[[ord(digit) for digit in _DIGITS]] = np.arange(62)


def is_native(text: str) -> bool:
    """Whether an id has Spotify's shape already."""
    return _IS_NATIVE.fullmatch(text) is not None


def native_mask(ids: pa.Array) -> npt.NDArray[np.bool_]:
    """Which ids of a column have Spotify's shape, bool [n]; False where the id is missing."""
    found = pc.fill_null(pc.match_substring_regex(ids, _NATIVE), False)
    mask: npt.NDArray[np.bool_] = found.to_numpy(zero_copy_only=False)
    return mask


def alias_of(kind: str, text: str) -> str:
    """The alias of a catalogue's id or name.

    The same text has another alias as each `kind`: ``track``, ``artist`` or ``album``.

    Examples
    --------
    >>> alias_of("track", "song 1")
    '4WzLAmgig5CgY6KNByh4Rf'
    """
    number = int.from_bytes(_hash(kind, text), "big")
    digits = []
    for _ in range(_LENGTH):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


def keys_of_aliases(kind: str, texts: Iterable[str]) -> Keys:
    """Keys of the aliases of texts, uint64 [n], without writing the aliases."""
    return np.array([int.from_bytes(_hash(kind, text)[8:], "big") for text in texts], np.uint64)


def keys_of_native(ids: Iterable[str]) -> Keys:
    """Keys of ids of Spotify's shape, uint64 [n]: their numbers modulo 2^64, where uint64 wraps."""
    letters = np.array(list(ids), f"S{_LENGTH}").view(np.uint8).reshape(-1, _LENGTH)
    keys = np.zeros(len(letters), np.uint64)
    for column in letters.T:
        keys = keys * np.uint64(62) + _VALUES[column]
    return keys


class AliasTable:
    """Rows, int32 [n], by the key of their public id, uint64 [n]."""

    def __init__(self, keys: Keys, rows: Rows) -> None:
        order = np.argsort(keys, kind="stable")
        self._keys, self._rows = keys[order], rows[order].astype(np.int32)

    def __len__(self) -> int:
        return len(self._keys)

    def candidates(self, public_id: str) -> list[int]:
        """Rows whose public id may be this one: usually one; the caller compares the whole id."""
        if not is_native(public_id):
            return []
        key = keys_of_native([public_id])[0]
        low, high = np.searchsorted(self._keys, key, "left"), np.searchsorted(self._keys, key, "right")
        found: list[int] = self._rows[low:high].tolist()
        return found


def _hash(kind: str, text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16, person=kind.encode()).digest()
