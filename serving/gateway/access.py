"""Authentication, rate limits and scopes: every request but probes and documentation needs a key."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Any

from fastapi import Depends, Request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from segue.errors import DatabaseError
from segue.keys import Key, KeyRing, Scope
from serving import metrics
from serving.errors import Forbidden, TooManyRequests, Unauthorized, Unavailable
from serving.gateway.error_responses import TOKEN_PATH

__all__ = ["Access", "Limits", "NewKeys", "caller_of", "needs"]

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/metrics", "/docs", "/openapi.json", TOKEN_PATH})
# A key that is not known makes the keys be read again, at most once in this time.
_REFRESH_SECONDS = 1.0
_CALLER = "segue.key"


class Limits:
    """The request rate of each key over a sliding minute, in this process's memory; 0 for no limit."""

    def __init__(self, per_minute: int) -> None:
        self._item = RateLimitItemPerMinute(per_minute) if per_minute else None
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def take(self, key_id: str) -> None:
        """Count a request; raises `TooManyRequests` if the key is over its rate."""
        if self._item is None or self._limiter.hit(self._item, key_id):
            return
        metrics.GATEWAY_RATE_LIMITED.inc()
        # an upper bound: the requests of the minute before leave the sliding window one after the other
        ends = self._limiter.get_window_stats(self._item, key_id).reset_time
        seconds = max(1, math.ceil(ends - time.time()))
        raise TooManyRequests(
            f"over this key's rate of {self._item.amount} requests a minute", retry_after_seconds=seconds
        )


class NewKeys:
    """Reads the keys again when a request comes with an unknown one, which may be new."""

    def __init__(self, ring: KeyRing) -> None:
        self.ring = ring
        self._next = 0.0
        self._reading: asyncio.Task[None] | None = None

    async def look_for(self, credential: str) -> None:
        """Read the keys again if this one is unknown; requests that wait share one reading."""
        if self.ring.knows(credential):
            return
        if self._reading is None:
            if time.monotonic() < self._next:
                return
            self._next = time.monotonic() + _REFRESH_SECONDS
            self._reading = asyncio.create_task(self._read())
        await asyncio.shield(self._reading)

    async def _read(self) -> None:
        try:
            await asyncio.to_thread(self.ring.refresh)
        except DatabaseError:
            # the key ring's own thread logs it
            return
        finally:
            self._reading = None


class Access:
    """Refuses requests without a valid key, unless authentication is off: then `keys` is None.

    Each route asks for its scope with `needs`.
    """

    def __init__(self, app: Any, keys: NewKeys | None, limits: Limits) -> None:
        self._app = app
        self._keys = keys
        self._limits = limits

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on if its key is valid and within its rate."""
        if scope["type"] == "http" and scope["path"] not in OPEN_PATHS:
            key = None if self._keys is None else await self._key_of(scope, self._keys)
            scope[_CALLER] = key
            self._limits.take(key.id if key else "")
        await self._app(scope, receive, send)

    async def _key_of(self, scope: Any, keys: NewKeys) -> Key:
        credential = _credential(scope)
        key = keys.ring.check(credential)
        if key is None:
            await keys.look_for(credential)
            key = keys.ring.check(credential)
        if key is not None:
            return key
        if not keys.ring.is_loaded:
            raise Unavailable("the keys were not read yet: the database does not answer")
        raise Unauthorized(
            "the key or token is wrong, revoked or expired",
            scheme='Bearer realm="segue", error="invalid_token"',
        )


def _credential(scope: Any) -> str:
    for name, value in scope["headers"]:
        if name == b"authorization":
            kind, _, credential = value.decode("latin-1").partition(" ")
            if kind.lower() == "bearer" and credential:
                return str(credential.strip())
            break
    raise Unauthorized("expected the header Authorization: Bearer <key id>.<secret>, or a token")


def needs(scope: Scope) -> Any:
    """A route's dependency that raises `Forbidden` if the caller's key lacks a scope."""

    async def check(request: Request) -> None:
        key: Key | None = request.scope[_CALLER]
        if key is not None and scope not in key.scopes:
            raise Forbidden(
                f"the key {key.name!r} lacks the scope {scope.value!r}",
                headers={"www-authenticate": f'Bearer error="insufficient_scope", scope="{scope.value}"'},
            )

    return Depends(check)


def caller_of(request: Request) -> str:
    """Name of the key of a request."""
    key: Key | None = request.scope[_CALLER]
    return "anonymous" if key is None else key.name
