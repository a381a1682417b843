"""The bundles that a process holds: polls the channel, loads new bundles beside the old, drops old ones.

A request keeps a reference to the bundle that it began with, so dropping one here takes it from no request. A
bundle that can't be loaded changes nothing but metrics and the log.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from segue.bundle.definition import DEFINITION
from segue.bundle.location import BundleLocation
from segue.bundle.reader import BundleFiles, Resolved, open_place, resolve
from segue.errors import BundleError, ChannelError, StoreError
from segue.throttle import Throttle
from serving import metrics
from serving.bundle_reports import BundleReports
from serving.settings import BundleSettings

__all__ = ["Pointer", "Version", "Versions"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Share of a CPU that loading a bundle may take while requests are answered.
_LOAD_SHARE = 0.2
# Of `keep_versions`, within `keep_seconds` of a switch: frequent switches must not fill the memory.
_MAX_KEEP_FACTOR = 2


@dataclass(frozen=True)
class Pointer:
    """The channel's digests, the preferred one first; a bundle's own address has one digest."""

    digests: tuple[str, ...] = ()
    generation: int = 0


@dataclass(frozen=True)
class Version(Generic[T]):
    """One bundle, loaded. `fetched` are its files in the cache; empty if it was read from a directory."""

    digest: str
    tracks: int
    value: T
    fetched: tuple[Path, ...] = ()


class Versions(Generic[T]):
    """The bundles that a process holds. A thread of its own follows the channel.

    Parameters
    ----------
    need
        Files to fetch and check before `load`.
    load
        Makes of the files what requests are answered from. Called in the thread.
    unload
        Called after a bundle was dropped.

    Attributes
    ----------
    pointer
        The pointer as it was last read.
    held
        The bundles by digest; a new mapping at every change.
    waiting_for
        Why there is no bundle; meaningless once there is one.
    """

    def __init__(
        self,
        settings: BundleSettings,
        *,
        need: tuple[str, ...],
        load: Callable[[BundleFiles], T],
        unload: Callable[[Version[T]], None] = lambda _: None,
    ) -> None:
        self._settings = settings
        self._need = need
        self._load = load
        self._unload = unload
        self.held: Mapping[str, Version[T]] = {}
        self.pointer = Pointer()
        self._switched = -float("inf")
        self._retry_at: dict[str, float] = {}
        self.waiting_for = f"the first look at {settings.bundle}"
        self._reports = BundleReports(settings.bundle)
        self._settled = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bundles", daemon=True)

    def preferred(self) -> list[Version[T]]:
        """The bundles in the order in which a request should try them; empty before the first one.

        First the channel's, then its previous ones; after a rollback the newest is not the first. If none of
        them is held, the last good bundle is.
        """
        held, pointer = self.held, self.pointer
        named = [held[digest] for digest in pointer.digests if digest in held]
        return named or list(held.values())

    @property
    def is_ready(self) -> bool:
        """Whether there is a bundle, and the channel was read once.

        A new pod takes no request before it also holds the previous bundle, which a predictor may still use.
        """
        return self._settled.is_set() and bool(self.held)

    def start(self) -> None:
        """Start to follow the channel, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop following the channel."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def look(self) -> None:
        """Read the channel once and load its bundles."""
        try:
            resolved = resolve(self._settings.bundle)
        except (StoreError, ChannelError, BundleError, OSError) as error:
            self._fail(error)
            return
        self._follow(resolved)

    def _run(self) -> None:
        self._look_safely()
        self._settled.set()
        # spread, or a hundred pods poll the store at the same moment
        while not self._stop.wait(self._settings.poll_seconds * random.uniform(0.8, 1.2)):  # noqa: S311
            self._look_safely()

    def _look_safely(self) -> None:
        try:
            self.look()
        except Exception:
            # if the thread ended, this process would silently keep an old bundle
            logger.exception("looking for a new bundle failed; what is in service stays")

    def _follow(self, resolved: Resolved) -> None:
        if not resolved.places:
            self.waiting_for = f"the first bundle in {self._settings.bundle}"
            if not self.held:
                self._reports.warn("waiting for " + self.waiting_for)
            return
        generation = resolved.channel.generation if resolved.channel else 0
        digests = tuple(place.digest for place in resolved.places if place.digest)
        if digests != self.pointer.digests:
            self._switched = time.monotonic()
        self.pointer = Pointer(digests, generation)
        metrics.BUNDLE_GENERATION.set(generation)
        try:
            self._load_wanted(resolved.places)
        except StoreError as error:
            self._fail(error)
        else:
            self._reports.recovered()
        self._drop()
        self._announce()

    def _load_wanted(self, places: tuple[BundleLocation, ...]) -> None:
        """Load the channel's bundle and the first good one before it."""
        # a plain folder has no digest, and is read once
        if places[0].digest is None and self.held:
            return
        loaded = 0
        for place in places:
            if loaded == 2:
                break
            if place.digest in self.held:
                loaded += 1
            elif self._retry_at.get(place.digest or "", 0) <= time.monotonic():
                loaded += self._take(place)
                # the first one is in service at once, without waiting for the one before it
                self._announce()

    def _take(self, place: BundleLocation) -> bool:
        """Fetch, check and load one bundle. False if it was refused."""
        started = time.monotonic()
        try:
            throttle = Throttle(_LOAD_SHARE if self.is_ready else 1.0)
            files = open_place(place, need=self._need, throttle=throttle)
            value = self._load(files)
        except StoreError:
            raise
        except Exception as error:
            # what FAISS, Arrow and LightGBM raise for a broken file has no common base
            self._refuse(place, error)
            return False
        is_local = place.store.local_path(place.key(DEFINITION)) is not None
        fetched = () if is_local else tuple(files.path(name) for name in self._need if name in files)
        version = Version(files.digest, files.definition.tracks, value, fetched)
        self.held = {**self.held, files.digest: version}
        self._retry_at.pop(files.digest, None)
        if not self.pointer.digests:
            self.pointer = Pointer((files.digest,), 0)
        self._reports.loaded(version.digest, version.tracks, time.monotonic() - started)
        return True

    def _refuse(self, place: BundleLocation, error: Exception) -> None:
        digest = place.digest or ""
        if digest not in self._retry_at:
            self._reports.refused(digest, place.url, error)
        self.waiting_for = f"a whole bundle in {self._settings.bundle}: {error}"
        self._retry_at[digest] = time.monotonic() + self._settings.retry_refused_seconds

    def _drop(self) -> None:
        """Drop bundles over `keep_versions`; soon after a switch, only those over a higher limit."""
        order = [version.digest for version in self.preferred()]
        # `held` has the newest last, so the oldest of those that the channel does not name go first
        ranked = order + [digest for digest in self.held if digest not in order][::-1]
        keep = self._settings.keep_versions
        if time.monotonic() - self._switched < self._settings.keep_seconds:
            keep *= _MAX_KEEP_FACTOR
        dropped = [self.held[digest] for digest in ranked[keep:]]
        if not dropped:
            return
        self.held = {digest: self.held[digest] for digest in self.held if digest in ranked[:keep]}
        for version in dropped:
            self._reports.dropped(version.digest)
            # A bundle takes some hundred megabytes of the cache. What is mapped stays readable, and other
            # processes on this machine use other files.
            for path in version.fetched:
                path.unlink(missing_ok=True)
            self._unload(version)

    def _announce(self) -> None:
        metrics.BUNDLE_VERSIONS.set(len(self.held))
        for first in self.preferred()[:1]:
            self._reports.in_service(first.digest, first.tracks, self.pointer.generation)

    def _fail(self, error: Exception) -> None:
        metrics.BUNDLE_POLL_FAILURES.inc()
        if not self.held:
            self.waiting_for = f"{self._settings.bundle}: {error}"
        self._reports.warn(f"the store can't be read, what is in service stays: {error}")
