"""Covers from Spotify's tracks endpoint: looked up in the background and cached, with pauses after errors."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from itertools import islice
from typing import Any

import httpx

from serving import metrics
from serving.gateway.aliases import is_native
from serving.settings import GatewaySettings

__all__ = ["SpotifyImages"]

logger = logging.getLogger(__name__)

_BATCH = 50  # Spotify's own limit of ids
_MAX_KEPT = 50_000
_MAX_WAITING = 1_000
_SECONDS = 5.0
_MIN_PAUSE, _MAX_PAUSE = 30.0, 3_600.0
# Spotify's Retry-After can be up to a day.
_MAX_RETRY_AFTER = 86_400.0
# Ids that arrive within this time are looked up in one request.
_GATHER_SECONDS = 0.2


class SpotifyImages:
    """Addresses of covers by track id. For one event loop; no request waits here.

    Without credentials nothing is ever looked up.
    """

    def __init__(self, settings: GatewaySettings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._kept: OrderedDict[str, str | None] = OrderedDict()
        self._waiting: OrderedDict[str, None] = OrderedDict()
        self._wake = asyncio.Event()
        self._token, self._token_ends = "", 0.0
        self._pause = _MIN_PAUSE
        self._off_until = 0.0

    @property
    def is_on(self) -> bool:
        """Whether covers can be looked up at all."""
        return self._settings.spotify_client_id != "" and self._settings.spotify_client_secret is not None

    @property
    def is_resting(self) -> bool:
        """Whether no request is made now, after an error."""
        return self._clock() < self._off_until

    def find(self, track_id: str) -> str | None:
        """The address of a cover if it is known; else None, and it is looked up for later calls."""
        if track_id in self._kept:
            self._kept.move_to_end(track_id)
            return self._kept[track_id]
        if self.is_on and not self.is_resting and is_native(track_id) and len(self._waiting) < _MAX_WAITING:
            self._waiting[track_id] = None
            self._wake.set()
        return None

    def is_settled(self, track_id: str) -> bool:
        """Whether the result of `find` will not change soon."""
        return not self.is_on or track_id in self._kept or not is_native(track_id)

    async def run(self) -> None:
        """Look up until cancelled, if there are credentials."""
        if not self.is_on:
            return
        async with httpx.AsyncClient(timeout=_SECONDS) as http:
            while True:
                await self._wake.wait()
                await asyncio.sleep(max(_GATHER_SECONDS, self._off_until - self._clock()))
                try:
                    # ids stay in `_waiting` until the answer is here, so that none is queued again
                    await self._look_up(http, list(islice(self._waiting, _BATCH)))
                except (httpx.HTTPError, ValueError, LookupError, TypeError, AttributeError) as error:
                    self._rest(error)
                else:
                    self._pause = _MIN_PAUSE
                if not self._waiting:
                    self._wake.clear()

    async def _look_up(self, http: httpx.AsyncClient, batch: list[str]) -> None:
        headers = {"authorization": f"Bearer {await self._bearer(http)}"}
        url = f"{self._settings.spotify_api_url.rstrip('/')}/tracks"
        answer = await http.get(url, params={"ids": ",".join(batch)}, headers=headers)
        if answer.status_code == 401:
            self._token_ends = 0.0
        answer.raise_for_status()
        found = {track["id"]: _cover(track) for track in answer.json()["tracks"] if track}
        for track_id in batch:
            self._kept[track_id] = found.get(track_id)
            self._waiting.pop(track_id, None)
        while len(self._kept) > _MAX_KEPT:
            self._kept.popitem(last=False)
        metrics.GATEWAY_IMAGE_FETCHES.labels("ok").inc()

    async def _bearer(self, http: httpx.AsyncClient) -> str:
        if self._clock() >= self._token_ends:
            secret = self._settings.spotify_client_secret
            assert secret is not None
            answer = await http.post(
                self._settings.spotify_token_url,
                data={"grant_type": "client_credentials"},
                auth=(self._settings.spotify_client_id, secret.get_secret_value()),
            )
            answer.raise_for_status()
            value = answer.json()
            self._token = str(value["access_token"])
            # a minute early, so that the token does not expire during a call
            self._token_ends = self._clock() + float(value["expires_in"]) - 60
        return self._token

    def _rest(self, error: Exception) -> None:
        """Pause: twice as long after each error, or as long as Spotify asks for."""
        metrics.GATEWAY_IMAGE_FETCHES.labels("failed").inc()
        asked = 0.0
        if isinstance(error, httpx.HTTPStatusError):
            after = error.response.headers.get("retry-after", "")
            asked = float(after) if after.isdecimal() else 0.0
        seconds = max(self._pause, min(asked, _MAX_RETRY_AFTER))
        self._off_until = self._clock() + seconds
        self._pause = min(2 * self._pause, _MAX_PAUSE)
        self._waiting.clear()
        logger.warning("covers can't be looked up, next try in %.0f s: %s", seconds, _describe(error))


def _cover(track: Any) -> str | None:
    """The middle one of a track's images, which have 640, 300 and 64 pixels."""
    images = [image["url"] for image in track["album"]["images"]]
    images = [url for url in images if isinstance(url, str) and url.startswith(("https://", "http://"))]
    return images[len(images) // 2] if images else None


def _describe(error: Exception) -> str:
    if isinstance(error, httpx.HTTPStatusError):
        return f"{error.request.url.host} answered {error.response.status_code}"
    return f"{type(error).__name__}: {error}"
