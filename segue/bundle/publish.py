"""Publish a bundle: files first, bundle.json after them, the pointer last.

Every step can be killed. Until bundle.json stands, nobody can read the bundle; until the pointer moves,
nobody does. Running again skips what is already there and goes on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from segue.bundle.channel import Channel, read_channel
from segue.bundle.channel import promote as move_pointer
from segue.bundle.definition import DEFINITION, FILES, BundleDefinition, FileEntry
from segue.bundle.location import EVALUATIONS, BundleLocation
from segue.bundle.urls import check_channel_name
from segue.bundle.verify import require_whole
from segue.errors import BundleError, ChannelPinned
from segue.store.base import Store
from segue.store.checksum import sha256_file
from segue.store.open import open_store

__all__ = ["Published", "publish", "with_files"]

Progress = Callable[[str], None]

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_HASHERS = 2


@dataclass(frozen=True, kw_only=True)
class Published:
    """What `publish` did.

    Attributes
    ----------
    digest, url
        The bundle, and its address in the store.
    definition
        The definition as published, files filled in.
    uploaded, skipped
        Names of the files that were sent, and of those that were there already.
    bytes_uploaded
        Size of what was sent.
    promoted
        The channel points at this bundle now.
    refused
        Why it was not promoted although the caller asked for it: the channel is pinned. Empty otherwise.
    channel
        The channel as it stands.
    """

    digest: str
    url: str
    definition: BundleDefinition
    uploaded: tuple[str, ...]
    skipped: tuple[str, ...]
    bytes_uploaded: int
    promoted: bool
    refused: str
    channel: Channel


def with_files(definition: BundleDefinition, parts: Mapping[str, Path]) -> BundleDefinition:
    """Fill in the sha256 and size of each file.

    Raises
    ------
    BundleError
        A file that every bundle has, or a booster's, is missing, or one has a name that none can have.
    """
    needed = {*FILES, *(booster.file for booster in definition.boosters)}
    missing = sorted(needed - {name for name, path in parts.items() if path.is_file()})
    if missing:
        raise BundleError(f"the bundle lacks {', '.join(missing)}")
    names = sorted(parts)
    with ThreadPoolExecutor(_HASHERS) as pool:
        digests = pool.map(lambda name: sha256_file(parts[name]), names)
        files = {
            name: FileEntry(sha256=sha256, bytes=parts[name].stat().st_size)
            for name, sha256 in zip(names, digests, strict=True)
        }
    try:
        # model_copy would skip the check of the names
        return BundleDefinition.model_validate({**definition.model_dump(), "files": files})
    except ValidationError as error:
        raise BundleError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None


def publish(
    definition: BundleDefinition,
    parts: Mapping[str, Path],
    store: Store | str,
    *,
    run_id: str,
    by: str,
    reason: str,
    channel: str = "champion",
    evaluation: Mapping[str, Path] | None = None,
    promote: bool = False,
    expected_generation: int | None = None,
    progress: Progress | None = None,
) -> Published:
    """Publish a bundle and, if asked, point a channel at it.

    Parameters
    ----------
    definition
        The definition; its `files` are filled in here.
    parts
        Path of each file by its name in the bundle.
    store
        A store or its URL.
    run_id
        Names this run among the bundle's evaluations.
    by, reason
        Recorded in the pointer.
    channel
        Which channel to move.
    evaluation
        Path of each file to keep in ``evaluations/<digest>/<run_id>/``, by name.
    promote
        Move the channel, unless it is pinned.
    expected_generation
        Move it only if it did not move since it was read with this generation.
    progress
        Called with one line after each step.

    Raises
    ------
    BundleError
        A part is missing or has a name that no file of a bundle can have.
    ChecksumError
        A part changed while it was published, or what the store holds afterwards differs from it.
    ChannelConflict
        The channel moved since `expected_generation`; the bundle is published, the pointer is not moved.
    StoreError
        The store failed; the channel points where it did, and running again goes on.
    """
    say = progress or (lambda _line: None)
    target = open_store(store) if isinstance(store, str) else store
    check_channel_name(channel)
    if not _RUN_ID.fullmatch(run_id):
        raise BundleError(f"{run_id!r} can't be a run id: expected letters, digits, '.', '_', '-'")
    whole = with_files(definition, parts)
    digest = whole.digest
    say(f"hashed {len(parts)} files: {digest}")

    place = BundleLocation.in_store(target, digest)
    uploaded = [name for name, entry in whole.files.items() if _upload(place, name, parts[name], entry, say)]
    _write_definition(place, whole)
    require_whole(place, quick=True)
    say(f"verified {place.url}")
    _upload_evaluation(target, f"{EVALUATIONS}/{digest}/{run_id}", evaluation or {})

    refused, state = "", read_channel(target, channel)
    if promote:
        try:
            state = move_pointer(
                target,
                channel,
                digest,
                by=by,
                reason=reason,
                quick=True,
                expected_generation=expected_generation if state.digest != digest else None,
            )
            say(f"{channel} points at {digest[:12]}, generation {state.generation}")
        except ChannelPinned as error:
            refused, state = str(error), read_channel(target, channel)
    return Published(
        digest=digest,
        url=place.url,
        definition=whole,
        uploaded=tuple(uploaded),
        skipped=tuple(name for name in whole.files if name not in uploaded),
        bytes_uploaded=sum(whole.files[name].bytes for name in uploaded),
        promoted=promote and not refused,
        refused=refused,
        channel=state,
    )


def _upload(place: BundleLocation, name: str, path: Path, entry: FileEntry, say: Progress) -> bool:
    """Send one file unless the store has it; True if it was sent."""
    key = place.key(name)
    found = place.store.stat(key)
    is_candidate = found is not None and found.bytes == entry.bytes
    # A store that keeps no checksum beside the file is asked for the file itself.
    if is_candidate and ((found and found.sha256) or place.store.checksum(key)) == entry.sha256:
        say(f"{name} is there already")
        return False
    place.store.upload(key, path, sha256=entry.sha256)
    say(f"sent {name}, {entry.bytes / 1e6:.1f} MB")
    return True


def _write_definition(place: BundleLocation, definition: BundleDefinition) -> None:
    """Write bundle.json, unless another publisher of the same bytes was first."""
    key, data = place.key(DEFINITION), definition.canonical_json()
    while not place.store.replace(key, data, None):
        found = place.store.read_with_version(key)
        if found is None:  # pruned between the two calls
            continue
        if found[0] == data or place.store.replace(key, data, found[1]):
            return


def _upload_evaluation(store: Store, prefix: str, files: Mapping[str, Path]) -> None:
    for name, path in sorted(files.items()):
        sha256, found = sha256_file(path), store.stat(f"{prefix}/{name}")
        if found is None or found.bytes != path.stat().st_size or found.sha256 != sha256:
            store.upload(f"{prefix}/{name}", path, sha256=sha256)
