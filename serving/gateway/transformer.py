"""The gateway's side of the transformer: one connection pool, a deadline, one retry, a circuit breaker."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from yarl import URL

from serving import metrics, wire
from serving.errors import (
    BadGateway,
    BadRequest,
    DeadlineExceeded,
    NoSuchSeeds,
    ServiceError,
    TooLarge,
    Unavailable,
)
from serving.gateway.breaker import Breaker
from serving.settings import GatewaySettings

__all__ = ["TransformerClient"]

# The connection was lost, or there was none: the call may be made again, since a list changes nothing.
_LOST = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)
# Statuses of a transformer that can answer no request, and of a proxy that can't reach it.
_AWAY = (502, 503, 504)
_CONNECT_SECONDS = 1.0
_IDLE_SECONDS = 30.0
_MAX_CONNECTIONS = 256
_INSTANCES = wire.INSTANCES.encode()


@dataclass(frozen=True)
class _Answer:
    """What came back, whole."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def fields(self) -> dict[str, Any]:
        """The JSON object that came back; empty if it is none."""
        try:
            value = orjson.loads(self.content)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


class TransformerClient:
    """Asks one transformer for lists; `name` is what metrics and messages call it. For one event loop."""

    def __init__(self, url: str, *, name: str, settings: GatewaySettings) -> None:
        base = url.rstrip("/")
        self._predict = URL(base + wire.predict_path(settings.model_name))
        self._ready = URL(base + wire.ready_path(settings.model_name))
        self._name = name
        self._deadline = settings.transformer_deadline_seconds
        self._breaker = Breaker(
            name, failures=settings.breaker_failures, open_seconds=settings.breaker_open_seconds
        )
        # aiohttp writes a small request as one packet and parses in C: of httpx a list cost 1.3 ms more
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_MAX_CONNECTIONS, keepalive_timeout=_IDLE_SECONDS),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=min(_CONNECT_SECONDS, self._deadline), sock_read=self._deadline
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._http.close()

    async def is_ready(self) -> bool:
        """Whether it can answer now."""
        try:
            async with asyncio.timeout(1.0):
                return (await self._call("GET", self._ready, None, {})).status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def recommend(self, instance: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
        """Answer one instance, given as JSON, and pass headers on.

        Raises a `ServiceError`: what the transformer refused, or why it was not asked or did not answer.
        """
        wait = self._breaker.retry_after_seconds()
        if wait:
            metrics.GATEWAY_TRANSFORMER_CALLS.labels(self._name, "breaker_open").inc()
            raise Unavailable(
                f"the {self._name} does not answer and is left alone for a while",
                retry_after_seconds=math.ceil(wait),
            )
        made_at = self._breaker.now()
        try:
            response, outcome = await self._ask(b'{"%s":[%s]}' % (_INSTANCES, instance), headers)
        except ServiceError:
            self._breaker.failed(made_at)
            raise
        # one that refuses a call because it works on others is there
        if response.status in _AWAY and not response.fields.get(wire.OVERLOADED):
            self._breaker.failed(made_at)
        else:
            # whatever else it answers, it is there: a 500 to one request must not shut the others out
            self._breaker.succeeded()
        if response.status != 200:
            metrics.GATEWAY_TRANSFORMER_CALLS.labels(self._name, "refused").inc()
            raise _error_of(response, self._name)
        metrics.GATEWAY_TRANSFORMER_CALLS.labels(self._name, outcome).inc()
        try:
            answer: dict[str, Any] = response.fields[wire.PREDICTIONS][0]
        except (LookupError, TypeError):
            raise BadGateway(f"the {self._name}'s answer is not a list") from None
        return answer

    async def _ask(self, content: bytes, headers: Mapping[str, str]) -> tuple[_Answer, str]:
        """Ask; once more where the connection was lost, never where it is slow."""
        sent = {"content-type": "application/json", **headers}
        try:
            async with asyncio.timeout(self._deadline):
                try:
                    return await self._call("POST", self._predict, content, sent), "ok"
                except aiohttp.ServerTimeoutError:  # for aiohttp a lost connection too
                    raise
                except _LOST:
                    return await self._call("POST", self._predict, content, sent), "retried"
        except TimeoutError:
            metrics.GATEWAY_TRANSFORMER_CALLS.labels(self._name, "deadline").inc()
            raise DeadlineExceeded(f"the {self._name} did not answer within {self._deadline:g} s") from None
        except aiohttp.ClientError as error:
            metrics.GATEWAY_TRANSFORMER_CALLS.labels(self._name, "lost").inc()
            raise Unavailable(f"the {self._name} can't be reached: {type(error).__name__}") from None

    async def _call(
        self, method: str, url: URL, content: bytes | None, headers: Mapping[str, str]
    ) -> _Answer:
        # redirects are nothing that a transformer answers with
        async with self._http.request(
            method, url, data=content, headers=headers, allow_redirects=False
        ) as response:
            return _Answer(response.status, response.headers, await response.read())


def _error_of(response: _Answer, name: str) -> ServiceError:
    """The gateway's error for a response that is not 200."""
    fields = response.fields
    if wire.ERROR not in fields:
        return BadGateway(f"the {name} answered {response.status}")
    detail = str(fields[wire.ERROR])
    match response.status:
        case 400:
            return BadRequest(detail, field=str(fields.get("field", "")))
        case 404 if wire.UNKNOWN_SEEDS in fields:
            return NoSuchSeeds(detail, unknown_seeds=fields[wire.UNKNOWN_SEEDS])
        case 413:
            return TooLarge(detail)
        case 503:
            after = response.headers.get("retry-after", "")
            return Unavailable(detail, retry_after_seconds=int(after) if after.isdigit() else None)
    return BadGateway(f"the {name} answered {response.status}: {detail}")
