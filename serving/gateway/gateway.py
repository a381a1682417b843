"""What the routes share: settings, the bundle, the transformer. Started and stopped with the app."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from fastapi import Request

from serving.bundles import Versions
from serving.gateway.catalogue import FILES, Catalogue
from serving.gateway.errors import TooSlow, Unavailable
from serving.gateway.opened import Opened, open_catalogue
from serving.gateway.transformer import TransformerClient
from serving.settings import GatewaySettings

__all__ = ["Gateway", "gateway_of"]

T = TypeVar("T")


class Gateway:
    """All that a request may need.

    Parameters
    ----------
    settings
        The process's settings.
    """

    def __init__(self, settings: GatewaySettings) -> None:
        self.settings = settings
        self.versions: Versions[Opened] = Versions(settings, need=FILES, load=open_catalogue)
        self._pool = ThreadPoolExecutor(settings.workers, thread_name_prefix="search")

    async def start(self) -> None:
        """Start what runs beside the requests."""
        self.transformer = TransformerClient(
            self.settings.transformer_url, name="transformer", settings=self.settings
        )
        self.versions.start()

    async def stop(self) -> None:
        """Stop it."""
        await asyncio.to_thread(self.versions.stop)
        await self.transformer.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    @property
    def opened(self) -> Opened:
        """The bundle in service.

        Raises
        ------
        Unavailable
            There is none yet.
        """
        versions = self.versions.preferred()
        if not versions:
            raise Unavailable(f"waiting for {self.versions.waiting_for}")
        return versions[0].value

    @property
    def catalogue(self) -> Catalogue:
        """Its tracks; raises as `opened` does."""
        return self.opened.catalogue

    def opened_of(self, digest: str) -> Opened | None:
        """The bundle with this digest, if it is held."""
        version = self.versions.held.get(digest)
        return version.value if version else None

    async def missing(self) -> dict[str, str]:
        """What requests need and is not there, by part, with the reason."""
        missing = {}
        if not self.versions.is_ready:
            missing["bundle"] = f"waiting for {self.versions.waiting_for}"
        if not await self.transformer.is_ready():
            missing["transformer"] = f"{self.settings.transformer_url} is not ready"
        return missing

    async def in_thread(self, work: Callable[[], T], *, seconds: float, what: str) -> T:
        """Do what would hold up the loop in a thread, within a deadline.

        Raises
        ------
        TooSlow
            It took longer; where it had begun, the thread finishes it for nobody.
        """
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        try:
            return await asyncio.wait_for(future, seconds)
        except TimeoutError:
            raise TooSlow(f"{what} took longer than {seconds:g} s") from None


def gateway_of(request: Request) -> Gateway:
    """The gateway that a request came to."""
    gateway: Any = request.app.state.gateway
    assert isinstance(gateway, Gateway)
    return gateway
