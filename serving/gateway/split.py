"""The champion's transformer, and the challenger's for a share of the sessions."""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Mapping
from typing import Any

from serving.errors import BadGateway, DeadlineExceeded, Unavailable
from serving.gateway.transformer import TransformerClient
from serving.settings import GatewaySettings

__all__ = ["Transformers", "is_challenged"]

logger = logging.getLogger(__name__)


class Transformers:
    """Sends requests for lists to the champion's transformer or the challenger's. For one event loop.

    A session always gets the same one, on every replica. If the challenger fails, the champion answers, so
    listeners always get a list.
    """

    def __init__(self, settings: GatewaySettings) -> None:
        self.champion = TransformerClient(settings.transformer_url, name="transformer", settings=settings)
        self.challenger = (
            TransformerClient(settings.challenger_url, name="challenger", settings=settings)
            if settings.challenger_url
            else None
        )
        self._share = settings.challenger_share

    async def close(self) -> None:
        """Close all connections."""
        await self.champion.close()
        if self.challenger is not None:
            await self.challenger.close()

    async def recommend(
        self, instance: bytes, headers: Mapping[str, str], *, session: str | None
    ) -> dict[str, Any]:
        """Answer one instance; see `TransformerClient.recommend`."""
        if self.challenger is not None and is_challenged(session, self._share):
            try:
                return await self.challenger.recommend(instance, headers)
            except (Unavailable, BadGateway, DeadlineExceeded) as error:
                logger.debug("the challenger has no answer, the champion is asked: %s", error)
        return await self.champion.recommend(instance, headers)


def is_challenged(session: str | None, share: float) -> bool:
    """Whether a session is in the challenger's share; a request without a session is assigned at random."""
    name = session or uuid.uuid4().hex
    drawn = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")
    return drawn < share * 2**64
