"""The versions of the bundle that a process holds: poll the pointer, load beside the old, drop late.

What a request was begun with it finishes with: it holds a reference, so dropping a version here takes it
from nobody. A bundle that fails changes nothing but a metric and one line in the log.
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
from segue.errors import BundleError, ChannelError, ChecksumError, StoreError
from segue.throttle import Throttle
from serving import metrics
from serving.settings import BundleSettings

__all__ = ["Pointer", "Version", "Versions"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

_SHARE_BESIDE_REQUESTS = 0.2

# A pointer that moves every few seconds must not fill the memory, whatever `keep_seconds` says.
_MOST_OF_KEPT = 2


@dataclass(frozen=True)
class Pointer:
    """What the channel said last: digests in the order of preference; a bundle's own address has one."""

    digests: tuple[str, ...] = ()
    generation: int = 0


@dataclass(frozen=True)
class Version(Generic[T]):
    """One bundle, loaded; `fetched` are its files in this machine's cache, none from a directory."""

    digest: str
    tracks: int
    value: T
    fetched: tuple[Path, ...] = ()


class Versions(Generic[T]):
    """The versions that a process holds, kept in step with a channel by a thread of its own.

    Parameters
    ----------
    settings
        Address of the bundle or channel, how often to look, how many to keep.
    need
        Files to fetch and check before `load`.
    load
        Makes of the files what requests are answered from. Called in the thread.
    unload
        Called after a version was dropped.
    """

    def __init__(
        self,
        settings: BundleSettings,
        *,
        need: tuple[str, ...],
        load: Callable[[BundleFiles], T],
        unload: Callable[[Version[T]], None] | None = None,
    ) -> None:
        self._settings = settings
        self._need = need
        self._load = load
        self._unload = unload
        self._held: Mapping[str, Version[T]] = {}
        self._pointer = Pointer()
        self._switched = -float("inf")
        self._refused: dict[str, float] = {}
        self._in_service: tuple[str, str] | None = None
        self._trouble = ""
        self._waiting_for = f"the first look at {settings.bundle}"
        self._settled = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bundles", daemon=True)
        for reason in _REASONS:
            metrics.BUNDLE_REFUSED.labels(reason)  # at 0 from the start: a rate ignores the first sample

    @property
    def pointer(self) -> Pointer:
        """The pointer as it was last read."""
        return self._pointer

    @property
    def held(self) -> Mapping[str, Version[T]]:
        """Versions by digest; a new mapping at every change."""
        return self._held

    @property
    def waiting_for(self) -> str:
        """Why there is nothing to answer from; meaningless once there is."""
        return self._waiting_for

    def preferred(self) -> list[Version[T]]:
        """Versions held, in the order that a request should try them; empty before the first bundle.

        The pointer's, then those before it: never the newest, since a rollback goes back. A version that the
        pointer does not know any more comes last; it is the last good one where all others were refused.
        """
        held, pointer = self._held, self._pointer
        named = [held[digest] for digest in pointer.digests if digest in held]
        return named or list(held.values())

    @property
    def is_ready(self) -> bool:
        """Whether there is something to answer from, and the first look is over.

        A fresh pod takes no request before it also holds the version before: a predictor may still be there.
        """
        return self._settled.is_set() and bool(self._held)

    def start(self) -> None:
        """Start to look, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def look(self) -> None:
        """Read the pointer once and load what it asks for."""
        try:
            resolved = resolve(self._settings.bundle)
        except (StoreError, ChannelError, BundleError, OSError) as error:
            self._fail(error)
            return
        self._follow(resolved)

    def _run(self) -> None:
        self._look_safely()
        self._settled.set()
        pause = self._settings.poll_seconds
        # Spread, or a hundred pods ask the store at the same moment.
        while not self._stop.wait(pause * random.uniform(0.8, 1.2)):  # noqa: S311
            self._look_safely()

    def _look_safely(self) -> None:
        try:
            self.look()
        except Exception:
            # a thread that ends would leave this process behind all others, and say nothing
            logger.exception("looking for a new bundle failed; what is in service stays")

    def _follow(self, resolved: Resolved) -> None:
        if not resolved.places:
            self._waiting_for = f"the first bundle in {self._settings.bundle}"
            if not self._held:
                self._say("waiting for " + self._waiting_for)
            return
        before = self._pointer
        generation = resolved.channel.generation if resolved.channel else 0
        digests = tuple(place.digest for place in resolved.places if place.digest)
        if digests != before.digests:
            self._switched = time.monotonic()
        self._pointer = Pointer(digests, generation)
        metrics.BUNDLE_GENERATION.set(generation)
        reached = self._load_wanted(resolved.places)
        self._drop()
        self._announce()
        if reached:
            self._recover()

    def _load_wanted(self, places: tuple[BundleLocation, ...]) -> bool:
        """Load the pointer's bundle and the first good one before it. False: the store failed meanwhile."""
        loaded = 0
        # a plain folder promises no digest, and is read once
        if places[0].digest is None and self._held:
            return True
        for place in places:
            if loaded == 2:
                break
            if place.digest in self._held:
                loaded += 1
                continue
            if self._refused.get(place.digest or "", 0) > time.monotonic():
                continue
            try:
                loaded += self._take(place)
            except StoreError as error:
                self._fail(error)
                return False
            # whatever came first is in service at once; the one before it need not be waited for
            self._announce()
        return True

    def _take(self, place: BundleLocation) -> bool:
        """Fetch, check and open one bundle. False if it was refused."""
        started = time.monotonic()
        try:
            # hashing and opening a bundle must not take a CPU from requests; before the first there are none
            throttle = Throttle(_SHARE_BESIDE_REQUESTS if self.is_ready else 1.0)
            files = open_place(place, need=self._need, throttle=throttle)
            value = self._load(files)
        except StoreError:
            raise
        except Exception as error:
            # what a broken file makes FAISS, Arrow or LightGBM raise has no common base
            self._refuse(place, error)
            return False
        version = Version(files.digest, files.definition.tracks, value, self._fetched(place, files))
        self._held = {**self._held, files.digest: version}
        self._refused.pop(files.digest, None)
        if not self._pointer.digests:
            self._pointer = Pointer((files.digest,), 0)
        seconds = time.monotonic() - started
        metrics.BUNDLE_LOAD_SECONDS.observe(seconds)
        logger.info(
            "loaded bundle %s, %d tracks, in %.2f s",
            files.digest[:12],
            version.tracks,
            seconds,
            extra={"fields": {"digest": files.digest}},
        )
        return True

    def _fetched(self, place: BundleLocation, files: BundleFiles) -> tuple[Path, ...]:
        if place.store.local_path(place.key(DEFINITION)) is not None:
            return ()
        return tuple(files.path(name) for name in self._need if name in files)

    def _refuse(self, place: BundleLocation, error: Exception) -> None:
        key = place.digest or ""
        if key not in self._refused:
            metrics.BUNDLE_REFUSED.labels(_reason(error)).inc()
            logger.error(
                "refused bundle %s, what is in service stays: %s",
                key[:12] or place.url,
                error,
                extra={"fields": {"digest": key}},
            )
        self._waiting_for = f"a whole bundle in {self._settings.bundle}: {error}"
        self._refused[key] = time.monotonic() + self._settings.retry_refused_seconds

    def _drop(self) -> None:
        """Drop what is not needed: nothing within `keep_seconds` of a switch, unless far too much is held."""
        order = [version.digest for version in self.preferred()]
        older = [digest for digest in self._held if digest not in order]
        # newest last in `_held`, so the oldest of what no pointer names goes first
        ranked = order + older[::-1]
        keep = self._settings.keep_versions
        if time.monotonic() - self._switched < self._settings.keep_seconds:
            keep *= _MOST_OF_KEPT
        gone = [self._held[digest] for digest in ranked[keep:]]
        if not gone:
            return
        self._held = {digest: self._held[digest] for digest in self._held if digest in ranked[:keep]}
        for version in gone:
            logger.info("dropped bundle %s", version.digest[:12])
            # A night's bundle is some hundred megabytes: a cache that is never swept fills the disk. What is
            # mapped stays readable; other processes on this machine need other files.
            for path in version.fetched:
                path.unlink(missing_ok=True)
            if self._unload is not None:
                self._unload(version)

    def _announce(self) -> None:
        """Say in the metrics and the log what is in service now."""
        metrics.BUNDLE_VERSIONS.set(len(self._held))
        first = next(iter(self.preferred()), None)
        if first is None:
            return
        now = (first.digest, str(self._pointer.generation))
        if now == self._in_service:
            return
        if self._in_service is not None:
            metrics.BUNDLE_INFO.remove(*self._in_service)
            if self._in_service[0] != first.digest:
                metrics.BUNDLE_SWITCHES.inc()
        metrics.BUNDLE_INFO.labels(*now).set(1)
        metrics.BUNDLE_TRACKS.set(first.tracks)
        self._in_service = now
        logger.info(
            "in service: bundle %s, generation %s",
            first.digest[:12],
            now[1],
            extra={"fields": {"digest": first.digest}},
        )

    def _fail(self, error: Exception) -> None:
        metrics.BUNDLE_POLL_FAILURES.inc()
        if not self._held:
            self._waiting_for = f"{self._settings.bundle}: {error}"
        self._say(f"the store can't be read, what is in service stays: {error}")

    def _say(self, trouble: str) -> None:
        """Log a state once, not at every look."""
        if trouble != self._trouble:
            logger.warning("%s", trouble)
        self._trouble = trouble

    def _recover(self) -> None:
        if self._trouble:
            logger.info("%s can be read again", self._settings.bundle)
        self._trouble = ""


_REASONS = ("checksum", "schema", "missing", "unreadable")


def _reason(error: Exception) -> str:
    """A label of few values: one of `_REASONS`."""
    if isinstance(error, ChecksumError):
        return "checksum"
    text = str(error)
    if "schema_version" in text:
        return "schema"
    return "missing" if "missing" in text or "holds no" in text else "unreadable"
