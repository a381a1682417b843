"""Channels: the pointers that say which bundle is in service. The pointer is the truth.

A channel is one JSON object, moved by compare-and-swap, so that of two who move it at once one wins and
the other sees what the first did. `promote` is what a pipeline calls, and makes a channel that is not
there yet; `rollback`, `pin` and `unpin` are a person's moves, and refuse a name that no channel has.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from segue.bundle.definition import DEFINITION
from segue.bundle.location import CHANNELS, BundleLocation
from segue.bundle.urls import check_channel_name
from segue.bundle.verify import require_whole
from segue.errors import BundleError, ChannelConflict, ChannelError, ChannelPinned, NoSuchChannel
from segue.store.base import Store
from segue.store.checksum import Sha256

__all__ = [
    "MAX_PREVIOUS",
    "Channel",
    "channel_names",
    "pin",
    "promote",
    "read_channel",
    "rollback",
    "unpin",
]

MAX_PREVIOUS = 10
_ATTEMPTS = 12
_MAX_TEXT_LENGTH = 500


class Channel(BaseModel):
    """What a channel points at. The channel that nobody wrote yet is the empty one, generation 0.

    Attributes
    ----------
    digest
        The bundle in service, the champion; None before the first promotion.
    previous
        Digests before it, newest first, at most 10, each once and never the champion.
    generation
        Counts the moves.
    pinned
        Only a person who forces it may promote.
    updated
        When it was moved last.
    by, reason
        Who moved it last, and why.
    """

    model_config = ConfigDict(frozen=True)

    digest: Sha256 | None = None
    previous: tuple[str, ...] = ()
    generation: int = Field(default=0, ge=0)
    pinned: bool = False
    updated: datetime | None = None
    by: str = ""
    reason: str = ""

    @field_validator("by", "reason")
    @classmethod
    def _one_line(cls, text: str) -> str:
        """Keep control characters out of every terminal and page that shows this."""
        return "".join(char if char.isprintable() else " " for char in text)[:_MAX_TEXT_LENGTH].strip()

    def to_json(self) -> bytes:
        """Bytes of the pointer, indented, because people read it."""
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_INDENT_2)

    def promoted(self, digest: str, *, by: str, reason: str) -> Channel:
        """Point at a bundle; the one before heads `previous`. Unchanged if it points there already."""
        if digest == self.digest:
            return self
        older = (self.digest, *self.previous) if self.digest else self.previous
        kept = tuple(old for old in older if old != digest)[:MAX_PREVIOUS]
        return self._moved(by, reason, digest=digest, previous=kept)

    def rolled_back(self, digest: str, *, by: str, reason: str) -> Channel:
        """Point at one of `previous` and pin; what was newer is dropped, so that going back goes on."""
        older = self.previous[self.previous.index(digest) + 1 :]
        return self._moved(by, reason, digest=digest, previous=older, pinned=True)

    def with_pin(self, pinned: bool, *, by: str, reason: str) -> Channel:
        """Pin or unpin. Unchanged if it is so already."""
        return self if pinned == self.pinned else self._moved(by, reason, pinned=pinned)

    def _moved(self, by: str, reason: str, **fields: object) -> Channel:
        return Channel.model_validate(
            {
                **self.model_dump(),
                **fields,
                "generation": self.generation + 1,
                "updated": datetime.now(UTC),
                "by": by,
                "reason": reason,
            }
        )


def read_channel(store: Store, name: str) -> Channel:
    """Read a channel; one that was never written is empty, which is a state and no error.

    Raises
    ------
    ChannelError
        What stands there is not a channel.
    """
    return _read(store, name)[0]


def channel_names(store: Store) -> tuple[str, ...]:
    """Names of a store's channels."""
    keys = (entry.key for entry in store.entries(f"{CHANNELS}/"))
    return tuple(
        key.removeprefix(f"{CHANNELS}/").removesuffix(".json") for key in keys if key.endswith(".json")
    )


def promote(
    store: Store,
    name: str,
    digest: str,
    *,
    by: str,
    reason: str,
    force: bool = False,
    quick: bool = False,
    expected_generation: int | None = None,
) -> Channel:
    """Point a channel at a bundle, once that is verified.

    Parameters
    ----------
    store, name, digest
        Which channel, and the full digest of a bundle in the same store.
    by, reason
        Recorded in the pointer.
    force
        Promote even on a pinned channel, which stays pinned. For a person, never for a pipeline.
    quick
        Verify presence and sizes alone: for one who has just written and checked the bytes.
    expected_generation
        Promote only if the channel has not moved since it was read with this generation.

    Raises
    ------
    ChannelPinned
        The channel is pinned and `force` is not given.
    ChannelConflict
        It moved since `expected_generation`, or others kept moving it first.
    BundleError
        The bundle is not whole; the channel is as before.
    """
    place = BundleLocation.in_store(store, digest)
    require_whole(place, quick=quick)

    def change(channel: Channel) -> Channel:
        if expected_generation is not None and channel.generation != expected_generation:
            raise ChannelConflict(
                f"channel {name} is at generation {channel.generation}, expected {expected_generation}: "
                f"{channel.by} moved it meanwhile ({channel.reason})"
            )
        if channel.pinned and not force and channel.digest != digest:
            raise ChannelPinned(
                f"channel {name} is pinned by {channel.by} ({channel.reason}): "
                "unpin it, or promote with force"
            )
        return channel.promoted(digest, by=by, reason=reason)

    after = _move(store, name, change, makes_it=True)
    # A prune takes bundle.json away, then looks at the channels: one of the two sees the other.
    if store.stat(place.key(DEFINITION)) is None:
        _move(store, name, lambda channel: _undone(channel, digest))
        raise BundleError(f"{place.url} was pruned while it was promoted: publish it again")
    return after


def rollback(store: Store, name: str, *, by: str, reason: str) -> Channel:
    """Point a channel at the newest of its previous bundles that is still whole, and pin it.

    Verifies presence and sizes, not every byte: a rollback is made in a hurry, and the bundle has served.

    Raises
    ------
    NoSuchChannel
        There is no such channel.
    ChannelError
        There is nothing to roll back to.
    """

    def change(channel: Channel) -> Channel:
        refused = []
        for digest in channel.previous:
            try:
                require_whole(BundleLocation.in_store(store, digest), quick=True)
            except BundleError as error:
                refused.append(str(error))
                continue
            return channel.rolled_back(digest, by=by, reason=reason)
        told = f": {'; '.join(refused)}" if refused else ", it has no previous bundle"
        raise ChannelError(f"channel {name} has nothing to roll back to{told}")

    return _move(store, name, change)


def pin(store: Store, name: str, *, by: str, reason: str) -> Channel:
    """Keep pipelines from moving a channel.

    Raises
    ------
    NoSuchChannel
        There is no such channel.
    """
    return _move(store, name, lambda channel: channel.with_pin(True, by=by, reason=reason))


def unpin(store: Store, name: str, *, by: str, reason: str) -> Channel:
    """Let pipelines move a channel again.

    Raises
    ------
    NoSuchChannel
        There is no such channel.
    """
    return _move(store, name, lambda channel: channel.with_pin(False, by=by, reason=reason))


def _key(name: str) -> str:
    return f"{CHANNELS}/{check_channel_name(name)}.json"


def _read(store: Store, name: str) -> tuple[Channel, str | None]:
    found = store.read_with_version(_key(name))
    if found is None:
        return Channel(), None
    try:
        return Channel.model_validate_json(found[0]), found[1]
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ChannelError(f"{store.url}/{_key(name)} is not a channel: {where} {first['msg']}") from None


def _move(
    store: Store, name: str, change: Callable[[Channel], Channel], *, makes_it: bool = False
) -> Channel:
    """Compare-and-swap until it holds; `change` sees what the winner left, each time anew."""
    for attempt in range(_ATTEMPTS):
        channel, version = _read(store, name)
        if version is None and not makes_it:
            others = ", ".join(channel_names(store))
            told = f"it has {others}" if others else "it has none yet, the first promotion makes one"
            raise NoSuchChannel(f"{store.url} has no channel {name}: {told}")
        moved = change(channel)
        if moved is channel or store.replace(_key(name), moved.to_json(), version):
            return moved
        time.sleep(random.uniform(0, 0.02 * 2 ** min(attempt, 6)))  # noqa: S311 - no secret, only spread
    raise ChannelConflict(f"channel {name}: others moved it first, {_ATTEMPTS} times in a row: try again")


def _undone(channel: Channel, digest: str) -> Channel:
    if channel.digest != digest:
        return channel
    before, older = (channel.previous[0], channel.previous[1:]) if channel.previous else (None, ())
    reason = f"{digest[:12]} was pruned while it was promoted"
    return channel._moved("segue", reason, digest=before, previous=older)
