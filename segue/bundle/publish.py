"""Publish a bundle: first its files, then bundle.json, and the channel last.

Any step may be interrupted: without bundle.json the bundle can't be opened, and until the channel points at
it, it is not in service. Running again skips the files that are already in the store.
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
    """Result of `publish`.

    Attributes
    ----------
    digest, url
        The bundle's digest, and its address in the store.
    definition
        The definition as published, with its files.
    uploaded, skipped
        Names of the files that were uploaded, and of those that the store already had.
    bytes_uploaded
        Total size of the uploaded files.
    promoted
        Whether the bundle was promoted.
    refused
        Why the promotion was refused: the channel is pinned. Empty otherwise.
    channel
        The channel after publishing.
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
        A required file is missing, or a file name is invalid.
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
        # model_copy would skip the validation of the names
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
        Identifies this run among the bundle's evaluations.
    by, reason
        Recorded in the channel.
    channel
        Name of the channel.
    evaluation
        Path of each file to keep in ``evaluations/<digest>/<run_id>/``, by name.
    promote
        Point the channel at the bundle, unless it is pinned.
    expected_generation
        Promote only if the channel still has this generation.
    progress
        Called with one line after each step.

    Raises
    ------
    BundleError
        A part is missing, or its name is invalid.
    ChecksumError
        A part changed while it was published, or differs from the store's file afterwards.
    ChannelConflict
        The channel's generation is not `expected_generation`; the bundle is published but not promoted.
    StoreError
        The store failed; the channel is unchanged, and publishing can be repeated.
    """
    say = progress or (lambda _line: None)
    target = open_store(store) if isinstance(store, str) else store
    check_channel_name(channel)
    if not _RUN_ID.fullmatch(run_id):
        raise BundleError(f"{run_id!r} can't be a run id: expected letters, digits, '.', '_', '-'")
    definition = with_files(definition, parts)
    digest = definition.digest
    say(f"hashed {len(parts)} files: {digest}")

    place = BundleLocation.in_store(target, digest)
    uploaded = [
        name for name, entry in definition.files.items() if _upload(place, name, parts[name], entry, say)
    ]
    _write_definition(place, definition)
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
        definition=definition,
        uploaded=tuple(uploaded),
        skipped=tuple(name for name in definition.files if name not in uploaded),
        bytes_uploaded=sum(definition.files[name].bytes for name in uploaded),
        promoted=promote and not refused,
        refused=refused,
        channel=state,
    )


def _upload(place: BundleLocation, name: str, path: Path, entry: FileEntry, say: Progress) -> bool:
    """Upload one file unless the store has it; True if it was uploaded."""
    key = place.key(name)
    found = place.store.stat(key)
    is_candidate = found is not None and found.bytes == entry.bytes
    # A store that keeps no checksums reads the file to compute one.
    if is_candidate and ((found and found.sha256) or place.store.checksum(key)) == entry.sha256:
        say(f"{name} is there already")
        return False
    place.store.upload(key, path, sha256=entry.sha256)
    say(f"sent {name}, {entry.bytes / 1e6:.1f} MB")
    return True


def _write_definition(place: BundleLocation, definition: BundleDefinition) -> None:
    """Write bundle.json, unless another publisher of the same bundle has written it."""
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
