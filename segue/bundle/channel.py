"""Channels: pointers to the bundle in service.

A channel is one JSON object, written by compare-and-swap: of two concurrent writers one wins, and the other
retries on the result. Pipelines call `promote`, which creates a missing channel; people call `rollback`,
`pin` and `unpin`, which raise NoSuchChannel for one.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime

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
    """A channel's pointer. A channel that was never written is empty, with generation 0.

    Attributes
    ----------
    digest
        The bundle in service, the champion; None before the first promotion.
    previous
        Digests of earlier champions, newest first, at most 10, each once and never the champion.
    generation
        Number of changes.
    pinned
        Promotion is refused unless forced.
    updated
        When it was last changed.
    by, reason
        Who changed it last, and why.
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
        """Remove control characters, since terminals and pages show this text."""
        return "".join(char if char.isprintable() else " " for char in text)[:_MAX_TEXT_LENGTH].strip()

    def promoted(self, digest: str, *, by: str, reason: str) -> Channel:
        """Point at a bundle and put the current one first in `previous`; unchanged if they are the same."""
        if digest == self.digest:
            return self
        older = (self.digest, *self.previous) if self.digest else self.previous
        kept = tuple(old for old in older if old != digest)[:MAX_PREVIOUS]
        return self._changed(by, reason, digest=digest, previous=kept)

    def rolled_back(self, digest: str, *, by: str, reason: str) -> Channel:
        """Point at one of `previous` and pin. Newer ones are dropped: the next rollback goes further back."""
        older = self.previous[self.previous.index(digest) + 1 :]
        return self._changed(by, reason, digest=digest, previous=older, pinned=True)

    def with_pin(self, pinned: bool, *, by: str, reason: str) -> Channel:
        """Pin or unpin; unchanged if it already is."""
        return self if pinned == self.pinned else self._changed(by, reason, pinned=pinned)

    def _changed(self, by: str, reason: str, **fields: object) -> Channel:
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
    """Read a channel; one that was never written is returned as an empty channel.

    Raises
    ------
    ChannelError
        The object is not a valid channel.
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
    """Verify a bundle and point a channel at it.

    Parameters
    ----------
    store, name, digest
        Store and name of the channel, and the full digest of a bundle in the same store.
    by, reason
        Recorded in the channel.
    force
        Promote even if the channel is pinned; it stays pinned. For people, not for pipelines.
    quick
        Verify only presence and sizes, for callers that have just written and checked the files.
    expected_generation
        Promote only if the channel still has this generation.

    Raises
    ------
    ChannelPinned
        The channel is pinned, and `force` is false.
    ChannelConflict
        The channel's generation is not `expected_generation`, or all attempts lost to other writers.
    BundleError
        The bundle is incomplete or damaged; the channel is unchanged.
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

    after = _move(store, name, change, create=True)
    # A prune deletes bundle.json and then reads the channels, so at least one of the two notices the other.
    if store.stat(place.key(DEFINITION)) is None:
        _move(store, name, lambda channel: _undo_promotion(channel, digest))
        raise BundleError(f"{place.url} was pruned while it was promoted: publish it again")
    return after


def rollback(store: Store, name: str, *, by: str, reason: str) -> Channel:
    """Point a channel at the newest of its previous bundles that is still complete, and pin it.

    Verifies only presence and sizes, because a rollback is urgent and the bundle has been in service.

    Raises
    ------
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
        why = f": {'; '.join(refused)}" if refused else ", it has no previous bundle"
        raise ChannelError(f"channel {name} has nothing to roll back to{why}")

    return _move(store, name, change)


def pin(store: Store, name: str, *, by: str, reason: str) -> Channel:
    """Keep pipelines from moving a channel."""
    return _move(store, name, lambda channel: channel.with_pin(True, by=by, reason=reason))


def unpin(store: Store, name: str, *, by: str, reason: str) -> Channel:
    """Let pipelines move a channel again."""
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


def _move(store: Store, name: str, change: Callable[[Channel], Channel], *, create: bool = False) -> Channel:
    """Change a channel by compare-and-swap; each attempt reads the channel and calls `change` anew."""
    for attempt in range(_ATTEMPTS):
        channel, version = _read(store, name)
        if version is None and not create:
            others = ", ".join(channel_names(store))
            known = f"it has {others}" if others else "it has none yet, the first promotion makes one"
            raise NoSuchChannel(f"{store.url} has no channel {name}: {known}")
        changed = change(channel)
        data = changed.model_dump_json(indent=2).encode()  # indented, because people read it
        if changed is channel or store.replace(_key(name), data, version):
            return changed
        time.sleep(random.uniform(0, 0.02 * 2 ** min(attempt, 6)))  # noqa: S311 - jitter, not cryptography
    raise ChannelConflict(f"channel {name}: others moved it first, {_ATTEMPTS} times in a row: try again")


def _undo_promotion(channel: Channel, digest: str) -> Channel:
    if channel.digest != digest:
        return channel
    before, older = (channel.previous[0], channel.previous[1:]) if channel.previous else (None, ())
    reason = f"{digest[:12]} was pruned while it was promoted"
    return channel._changed("segue", reason, digest=before, previous=older)
