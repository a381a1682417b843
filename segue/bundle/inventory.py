"""Listing the bundles of a store, and removing those that no channel needs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from segue.bundle.channel import Channel, channel_names, read_channel
from segue.bundle.definition import DEFINITION
from segue.bundle.location import BUNDLES, EVALUATIONS, BundleLocation, read_definition
from segue.bundle.urls import MIN_PREFIX_LENGTH
from segue.errors import BundleError
from segue.store.base import Entry, Store

__all__ = [
    "BundleState",
    "Pruned",
    "StoredBundle",
    "find_digest",
    "list_bundles",
    "list_channels",
    "list_evaluations",
    "prune",
]


BundleState = Literal["ok", "half-written", "unreadable"]


@dataclass(frozen=True, kw_only=True)
class StoredBundle:
    """One bundle of a store.

    Attributes
    ----------
    digest
        Its name.
    state
        ``ok``: bundle.json can be read, whatever the other files are; ``half-written``; ``unreadable``.
    tracks
        Number of tracks, None unless ``ok``.
    bytes, modified
        Size of all its files, and when the last of them was written.
    channels
        Channels that point at it, ``name~2`` for the second of a channel's previous bundles.
    """

    digest: str
    state: BundleState
    tracks: int | None
    bytes: int
    modified: datetime
    channels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """A bundle that `prune` removed, or would remove in a dry run."""

    digest: str
    bytes: int
    modified: datetime
    why: Literal["half-written", "in no channel"]


def list_channels(store: Store) -> dict[str, Channel]:
    """All channels of a store, by name."""
    return {name: read_channel(store, name) for name in channel_names(store)}


def list_bundles(store: Store) -> list[StoredBundle]:
    """All bundles of a store, newest first."""
    used: dict[str, list[str]] = defaultdict(list)
    for name, channel in list_channels(store).items():
        for age, digest in enumerate((channel.digest, *channel.previous)):
            if digest:
                used[digest].append(f"{name}~{age}" if age else name)
    found = [
        _describe(store, digest, entries, tuple(used[digest]))
        for digest, entries in _by_digest(store, BUNDLES).items()
    ]
    return sorted(found, key=lambda bundle: (bundle.modified, bundle.digest), reverse=True)


def list_evaluations(store: Store, digest: str) -> dict[str, tuple[str, ...]]:
    """Keys of a bundle's evaluation files by run id, newest run first."""
    runs: dict[str, list[Entry]] = defaultdict(list)
    prefix = f"{EVALUATIONS}/{digest}/"
    for entry in store.entries(prefix):
        runs[entry.key[len(prefix) :].partition("/")[0]].append(entry)
    newest = sorted(runs, key=lambda run: (max(entry.modified for entry in runs[run]), run), reverse=True)
    return {run: tuple(entry.key for entry in runs[run]) for run in newest}


def find_digest(store: Store, prefix: str) -> str:
    """Full digest of the bundle whose digest starts with `prefix`, of at least 8 digits.

    Raises
    ------
    BundleError
        No bundle or more than one matches, or the prefix is too short.
    """
    if len(prefix) == 64:
        return prefix
    if len(prefix) < MIN_PREFIX_LENGTH:
        raise BundleError(f"{prefix!r} is too short for a digest: give at least {MIN_PREFIX_LENGTH} digits")
    found = sorted(digest for digest in _by_digest(store, BUNDLES) if digest.startswith(prefix))
    if len(found) != 1:
        matches = f"{len(found)} bundles start with" if found else "no bundle starts with"
        raise BundleError(f"{store.url}: {matches} {prefix}")
    return found[0]


def prune(
    store: Store,
    *,
    keep: int = 3,
    keep_days: float = 7.0,
    dry_run: bool = True,
    on_bundle: Callable[[Pruned], None] | None = None,
) -> list[Pruned]:
    """Remove the bundles that no channel needs, including half-written ones. Evaluations are kept.

    Parameters
    ----------
    store
        The store.
    keep
        How many of each channel's `previous` bundles to keep, besides the one in service.
    keep_days
        Age in days below which nothing is removed, so that no running publish loses its files.
    dry_run
        Only list what would be removed.
    on_bundle
        Called for each bundle before it is removed.

    Raises
    ------
    StoreError
        The store failed; the remaining bundles are unchanged.
    """
    removed = []
    oldest = datetime.now(UTC) - timedelta(days=keep_days)
    for digest, entries in sorted(_by_digest(store, BUNDLES).items()):
        newest = max(entry.modified for entry in entries)
        if newest > oldest or digest in _needed(store, keep):
            continue
        is_half_written = f"{BUNDLES}/{digest}/{DEFINITION}" not in {entry.key for entry in entries}
        pruned = Pruned(
            digest=digest,
            bytes=sum(entry.bytes for entry in entries),
            modified=newest,
            why="half-written" if is_half_written else "in no channel",
        )
        if on_bundle:
            on_bundle(pruned)
        if dry_run or _is_removed(store, digest, keep):
            removed.append(pruned)
    return removed


def _is_removed(store: Store, digest: str, keep: int) -> bool:
    """Delete bundle.json, read the channels again, then delete the other files; False if a channel needs it.

    A promotion writes its channel and then looks for bundle.json, so at least one of the two notices the
    other.
    """
    key = f"{BUNDLES}/{digest}/{DEFINITION}"
    definition = store.read_with_version(key)
    store.delete(key)
    if digest in _needed(store, keep):
        if definition is not None:
            store.replace(key, definition[0], None)
        return False
    for entry in store.entries(f"{BUNDLES}/{digest}/"):
        store.delete(entry.key)
    return True


def _needed(store: Store, keep: int) -> set[str]:
    channels = list_channels(store).values()
    return {
        digest
        for channel in channels
        for digest in (channel.digest, *channel.previous[:keep])
        if digest is not None
    }


def _by_digest(store: Store, top: str) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in store.entries(f"{top}/"):
        found[entry.key.split("/")[1]].append(entry)
    return dict(found)


def _describe(store: Store, digest: str, entries: list[Entry], channels: tuple[str, ...]) -> StoredBundle:
    state: BundleState = "half-written"
    tracks = None
    if f"{BUNDLES}/{digest}/{DEFINITION}" in {entry.key for entry in entries}:
        try:
            tracks = read_definition(BundleLocation.in_store(store, digest))[0].tracks
            state = "ok"
        except BundleError:
            state = "unreadable"
    return StoredBundle(
        digest=digest,
        state=state,
        tracks=tracks,
        bytes=sum(entry.bytes for entry in entries),
        modified=max(entry.modified for entry in entries),
        channels=channels,
    )
