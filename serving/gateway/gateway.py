"""What the routes share: bundle, transformers, keys, log. It is started and stopped with the app."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from fastapi import Request
from prometheus_client import Counter

from segue.database.settings import DatabaseSettings
from segue.keys import KeyRing
from segue.log.settings import LogSettings
from segue.log.writer import LogWriter
from serving import metrics
from serving.bundles import Versions
from serving.errors import DeadlineExceeded, Unavailable
from serving.gateway.access import Limits, NewKeys
from serving.gateway.artwork.spotify_images import SpotifyImages
from serving.gateway.catalogue import FILES
from serving.gateway.database import Database
from serving.gateway.quality import ListMeasures
from serving.gateway.retrain import CommandRetrainer
from serving.gateway.served_catalogue import ServedCatalogue
from serving.gateway.split import Transformers
from serving.gateway.store_view import StoreView
from serving.gateway.training import TrainingWatch
from serving.settings import GatewaySettings

__all__ = ["Gateway", "gateway_of"]

T = TypeVar("T")

# The log is written within this time at the stop: a pod gets some seconds more than its requests.
_LOG_SECONDS = 5.0
# A store may be away for as long as it is retried.
_STORE_SECONDS = 30.0


class Gateway:
    """What requests are answered with. The database has the keys and the log."""

    def __init__(self, settings: GatewaySettings, database: DatabaseSettings, log: LogSettings) -> None:
        self.settings = settings
        self.versions: Versions[ServedCatalogue] = Versions(settings, need=FILES, load=ServedCatalogue)
        self.store_view = StoreView(settings.bundle)
        self.database = Database(database, may_migrate=settings.migrate_on_start)
        self.log = LogWriter(self.database.engine, log)
        self.limits = Limits(settings.rate_limit_per_minute)
        ring = KeyRing(self.database.engine, ttl_seconds=settings.keys_ttl_seconds)
        self.keys = NewKeys(ring) if settings.auth == "on" else None
        self.retrainer = CommandRetrainer(settings.retrain_command) if settings.retrain_command else None
        self.lists = ListMeasures()
        self._counted: dict[Counter, int] = {}
        self._pool = ThreadPoolExecutor(settings.workers, thread_name_prefix="search")
        self._slow_pool = ThreadPoolExecutor(4, thread_name_prefix="store")

    async def start(self) -> None:
        """Start the background tasks."""
        self.transformers = Transformers(self.settings)
        self.images = SpotifyImages(self.settings)
        self.log.start()
        self.versions.start()
        self._tasks = [
            asyncio.create_task(self.database.connect(), name="database"),
            asyncio.create_task(self.images.run(), name="covers"),
        ]
        if channel := self.store_view.channel:
            seconds = self.settings.training_poll_seconds
            watch = TrainingWatch(self.store_view.store, channel, seconds=seconds)
            self._tasks.append(asyncio.create_task(watch.run(), name="training"))
        if self.keys is not None:
            self.keys.ring.start()

    async def stop(self) -> None:
        """Stop them; then what requests left in the log is written or spooled."""
        await asyncio.to_thread(self.versions.stop)
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        await self.transformers.close()
        await asyncio.to_thread(self.log.stop, _LOG_SECONDS)
        if self.keys is not None:
            await asyncio.to_thread(self.keys.ring.stop)
        await asyncio.to_thread(self.database.engine.dispose)
        for pool in (self._pool, self._slow_pool):
            pool.shutdown(wait=False, cancel_futures=True)

    @property
    def catalogue(self) -> ServedCatalogue:
        """The bundle in service; raises `Unavailable` where there is none yet."""
        catalogue = self.catalogue_of("")
        if catalogue is None:
            raise Unavailable(f"waiting for {self.versions.waiting_for}")
        return catalogue

    def catalogue_of(self, digest: str) -> ServedCatalogue | None:
        """The bundle with this digest, else the one in service, else None.

        A challenger's bundle is not loaded here: its lists are shown and measured with the champion's tracks.
        """
        version = self.versions.held.get(digest)
        if version is not None:
            return version.value
        return next((version.value for version in self.versions.preferred()), None)

    async def missing(self) -> dict[str, str]:
        """Reasons why requests can't be answered, by the part that is missing."""
        missing = {}
        if not self.versions.is_ready:
            missing["bundle"] = f"waiting for {self.versions.waiting_for}"
        if not await self.transformers.champion.is_ready():
            missing["transformer"] = f"{self.settings.transformer_url} is not ready"
        if self.database.waiting_for is not None:
            missing["database"] = self.database.waiting_for
        if self.keys is not None and not self.keys.ring.is_loaded:
            missing["keys"] = "they were not read yet"
        return missing

    def measure(self) -> None:
        """Copy the counts of log and keys into the metrics."""
        metrics.LOG_QUEUED.set(self.log.queued)
        metrics.LOG_SPOOLED.set(self.log.spooled)
        counts = {
            metrics.LOG_WRITTEN: self.log.written,
            metrics.LOG_REJECTED: self.log.rejected,
            metrics.LOG_LOST: self.log.lost,
        }
        for counter, seen in counts.items():
            counter.inc(seen - self._counted.get(counter, 0))
        self._counted = counts
        if self.keys is not None and self.keys.ring.is_loaded:
            metrics.KEYS_AGE.set(self.keys.ring.age_seconds)

    async def with_store(self, work: Callable[[], T], what: str = "reading the store") -> T:
        """Use the store in a thread; raises as `in_thread` does."""
        return await self.in_thread(work, seconds=_STORE_SECONDS, what=what)

    async def in_thread(self, work: Callable[[], T], *, seconds: float, what: str, is_slow: bool = True) -> T:
        """Run blocking work in a thread; `what` is its name in the message of `DeadlineExceeded`.

        Slow work waits for a store or a database, and gets other threads than searches. After the deadline,
        work that has begun is finished, and its result dropped.
        """
        pool = self._slow_pool if is_slow else self._pool
        try:
            return await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(pool, work), seconds)
        except TimeoutError:
            raise DeadlineExceeded(f"{what} took longer than {seconds:g} s") from None


def gateway_of(request: Request) -> Gateway:
    """The gateway that a request came to."""
    gateway: Any = request.app.state.gateway
    assert isinstance(gateway, Gateway)
    return gateway
