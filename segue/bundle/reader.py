"""Open a bundle: read its definition at once, fetch each file on demand and verify it before first use."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from segue.bundle.channel import Channel, channel_names, read_channel
from segue.bundle.definition import DEFINITION, OPTIONAL_FILES, BundleDefinition, FileEntry
from segue.bundle.inventory import find_digest
from segue.bundle.location import BundleLocation, read_definition
from segue.bundle.urls import parse_bundle_url
from segue.errors import BundleError, BundleFileMissing, ChannelError, ChecksumError, StoreError
from segue.settings import CacheSettings, S3Settings, read_settings
from segue.store.checksum import sha256_file
from segue.store.directory import DirectoryStore
from segue.store.open import open_store
from segue.throttle import Throttle

__all__ = ["BundleFiles", "Resolved", "empty_channel", "open_bundle", "open_place", "resolve"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """The bundles that an address refers to at present.

    Attributes
    ----------
    url
        The address.
    places
        The bundle, then its fallbacks (the channel's previous bundles); empty if the channel is empty.
    channel
        The channel, None if the address is that of a bundle.
    """

    url: str
    places: tuple[BundleLocation, ...]
    channel: Channel | None = None

    @property
    def digest(self) -> str | None:
        """Digest of the bundle; None for an empty channel and for a plain folder."""
        return self.places[0].digest if self.places else None


class BundleFiles:
    """The local files of one bundle. Thread-safe.

    Attributes
    ----------
    refused
        Why the channel's newer bundles could not be opened; usually empty.
    throttle
        Pauses the verification of files, to leave processor time to requests; without one it never pauses.
        Those who read the files use it too.
    """

    def __init__(
        self,
        place: BundleLocation,
        definition: BundleDefinition,
        digest: str,
        *,
        cache: Path,
        verify: bool,
        refused: tuple[str, ...] = (),
        throttle: Throttle | None = None,
    ) -> None:
        self.throttle = throttle or Throttle()
        self.definition = definition
        self.digest = digest
        self.url = place.url
        self.refused = refused
        self._place = place
        self._folder = cache / digest
        self._verify = verify
        self._ready: dict[str, Path] = {}
        self._locks = {name: threading.Lock() for name in definition.files}

    def __repr__(self) -> str:
        return f"BundleFiles({self.url!r}, digest={self.digest[:12]!r})"

    def __contains__(self, name: object) -> bool:
        return name in self.definition.files

    def path(self, name: str) -> Path:
        """Local path of a file: in the store's directory, or in the cache for S3. Verified on the first call.

        Raises
        ------
        BundleError
            The bundle has no such file, or the file is missing in the store.
        ChecksumError
            Its size or sha256 differs from bundle.json.
        """
        entry = self.definition.files.get(name)
        if entry is None:
            raise BundleError(f"{self.url} has no {name}: its files are {', '.join(self.definition.files)}")
        with self._locks[name]:
            if name not in self._ready:
                local = self._place.store.local_path(self._place.key(name))
                if local is None:
                    self._ready[name] = self._fetched(name, entry)
                else:
                    self._check(local, name, entry)
                    self._ready[name] = local
            return self._ready[name]

    def fetch(self, names: Sequence[str] | None = None, *, threads: int = 2) -> None:
        """Fetch and verify files now, in several threads; None: all files of the bundle."""
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(self.path, self.definition.files if names is None else names))

    def _fetched(self, name: str, entry: FileEntry) -> Path:
        """Path in the cache; a missing or damaged file is downloaded."""
        target = self._folder / name
        try:
            self._check(target, name, entry)
        except BundleError:
            self._download(name, entry, target)
        return target

    def _download(self, name: str, entry: FileEntry, target: Path) -> None:
        store, key = self._place.store, self._place.key(name)
        found = store.stat(key)
        if found is None:
            raise BundleFileMissing(f"{self.url}/{name} is missing")
        if found.bytes != entry.bytes:
            raise ChecksumError(f"{self.url}/{name} has {found.bytes} bytes, expected {entry.bytes}")
        part = target.with_name(f".{name}.{uuid.uuid4().hex}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            sha256 = store.download(key, part, self.throttle)
            if self._verify and sha256 != entry.sha256:
                raise ChecksumError(f"{self.url}/{name} has sha256 {sha256}, expected {entry.sha256}")
            part.replace(target)
        except OSError as error:
            raise StoreError(f"{target}: {error.strerror or error}: set SEGUE_CACHE_DIR elsewhere") from None
        finally:
            part.unlink(missing_ok=True)

    def _check(self, path: Path, name: str, entry: FileEntry) -> None:
        try:
            size = path.stat().st_size
            if size != entry.bytes:
                raise ChecksumError(f"{self.url}/{name} has {size} bytes, expected {entry.bytes}")
            sha256 = sha256_file(path, self.throttle) if self._verify else entry.sha256
        except FileNotFoundError:
            raise BundleFileMissing(f"{self.url}/{name} is missing") from None
        except OSError as error:
            raise BundleError(f"{path} can't be read: {error.strerror or error}") from None
        if sha256 != entry.sha256:
            raise ChecksumError(f"{self.url}/{name} has sha256 {sha256}, expected {entry.sha256}")


def resolve(url: str, *, s3: S3Settings | None = None) -> Resolved:
    """Resolve an address to bundles. Reads the channel, but no bundle.

    Raises
    ------
    BundleError
        The address is not that of a bundle or channel, or a prefix matches no bundle or several.
    ChannelError
        The object at the channel's address is not a valid channel.
    StoreError
        The store failed.
    """
    parsed = parse_bundle_url(url)
    if parsed.folder is not None:
        return Resolved(url=url, places=(BundleLocation.in_folder(parsed.folder),))
    store = open_store(str(parsed.store), s3=s3)
    if parsed.digest is not None:
        return Resolved(url=url, places=(BundleLocation.in_store(store, find_digest(store, parsed.digest)),))
    channel = read_channel(store, str(parsed.channel))
    digests = (channel.digest, *channel.previous) if channel.digest else ()
    return Resolved(
        url=url, places=tuple(BundleLocation.in_store(store, digest) for digest in digests), channel=channel
    )


def empty_channel(url: str, *, s3: S3Settings | None = None) -> ChannelError:
    """Make the error for an empty channel; it lists the store's channels, as the address may be mistyped."""
    names = channel_names(open_store(str(parse_bundle_url(url).store), s3=s3))
    has = f"channel {', '.join(names)}" if names else "no channel"
    return ChannelError(
        f"no bundle yet: channel {url} is empty until the first promotion; its store has {has}"
    )


def open_bundle(
    url: str,
    *,
    cache: Path | None = None,
    verify: bool = True,
    need: Sequence[str] | None = (),
    s3: S3Settings | None = None,
) -> BundleFiles:
    """Open a bundle by its address.

    If a channel's bundle is broken (bundle.json, or a file of `need`), a warning is logged and the first
    intact one of `previous` is opened instead.

    Parameters
    ----------
    url
        ``<store>/bundles/<digest>``, ``<store>/channels/<name>`` or a folder that holds bundle.json.
    cache
        Folder for files from S3; ``SEGUE_CACHE_DIR`` or the user's cache if not given.
    verify
        Verify each file's size and sha256 before its first use; if false, only its size.
    need
        Files to fetch and verify now; None means all. An optional file (relevance.txt) that the bundle lacks
        is ignored. Other files are fetched on demand.
    s3
        S3 endpoint and credentials; from ``SEGUE_S3_*`` if not given.

    Raises
    ------
    ChannelError
        The channel is empty: no bundle was promoted yet.
    BundleError
        The bundle and all its fallbacks are missing or broken.
    StoreError
        The store failed.

    Examples
    --------
    >>> files = open_bundle("/var/lib/segue/channels/champion")  # doctest: +SKIP
    >>> files.path("tracks.parquet")  # doctest: +SKIP
    """
    resolved = resolve(url, s3=s3)
    if not resolved.places:
        raise empty_channel(url, s3=s3)
    failures: list[BundleError] = []
    for place in resolved.places:
        try:
            refused = tuple(str(failure) for failure in failures)
            return open_place(place, cache=cache, verify=verify, need=need, refused=refused)
        except BundleError as error:
            failures.append(error)
            if resolved.channel is not None:
                logger.warning("refused a bundle of %s: %s", url, error)
    if len(failures) > 1:
        raise BundleError(f"{failures[0]}, and all {len(failures) - 1} bundles before it fail as well")
    raise failures[0]


def open_place(
    place: BundleLocation,
    *,
    cache: Path | None = None,
    verify: bool = True,
    need: Sequence[str] | None = (),
    refused: tuple[str, ...] = (),
    throttle: Throttle | None = None,
) -> BundleFiles:
    """Open the bundle at one location; see `open_bundle`."""
    folder = cache or _default_cache()
    definition, digest = _cached_definition(place, folder)
    files = BundleFiles(
        place, definition, digest, cache=folder, verify=verify, refused=refused, throttle=throttle
    )
    files.fetch(
        None if need is None else [name for name in need if name in files or name not in OPTIONAL_FILES],
        threads=2 if files.throttle.is_full else 1,
    )
    return files


def _cached_definition(place: BundleLocation, cache: Path) -> tuple[BundleDefinition, str]:
    """The definition; from S3 it is read once and cached, since the content of a digest never changes."""
    if place.digest is None or place.store.local_path(place.key(DEFINITION)) is not None:
        return read_definition(place)
    cached = BundleLocation(DirectoryStore(cache), f"{place.digest}/", place.digest)
    try:
        return read_definition(cached)
    except (BundleError, StoreError):
        definition, digest = read_definition(place)
    raw = place.store.read(place.key(DEFINITION))
    try:
        cached.store.write(cached.key(DEFINITION), raw)
    except StoreError as error:
        raise StoreError(f"{error}: set SEGUE_CACHE_DIR to a folder that can be written") from None
    return definition, digest


def _default_cache() -> Path:
    return read_settings(CacheSettings).cache_dir or platformdirs.user_cache_path("segue") / "bundles"
