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

from serving import metrics
from serving.gateway.breaker import Breaker
from serving.gateway.errors import (
    BadGateway,
    BadRequest,
    NoSuchSeeds,
    Refused,
    TooLarge,
    TooSlow,
    Unavailable,
)
from serving.settings import GatewaySettings

__all__ = ["TransformerClient"]

# The connection was lost, or there was none: the call may be made again, since a list changes nothing.
_LOST = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)
# What a transformer answers that can answer nobody, and a proxy for one that it can't reach or wait for.
_AWAY = (502, 503, 504)
_CONNECT_SECONDS = 1.0
_IDLE_SECONDS = 30.0
_MOST_CONNECTIONS = 256
_PREFIX = "instances[0]"


@dataclass(frozen=True)
class _Answer:
    """What came back, whole."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class TransformerClient:
    """Asks one transformer for lists. For one event loop.

    Parameters
    ----------
    url
        Its address.
    name
        What it is called in metrics and messages.
    settings
        Deadline, breaker, model name.
    """

    def __init__(self, url: str, *, name: str, settings: GatewaySettings) -> None:
        base = url.rstrip("/")
        self._predict = URL(f"{base}/v1/models/{settings.model_name}:predict")
        self._ready = URL(f"{base}/v2/models/{settings.model_name}/ready")
        self._name = name
        self._deadline = settings.transformer_deadline_seconds
        self._breaker = Breaker(
            name, failures=settings.breaker_failures, open_seconds=settings.breaker_open_seconds
        )
        # aiohttp writes a small request as one packet and parses in C: of httpx a list cost 1.3 ms more
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_MOST_CONNECTIONS, keepalive_timeout=_IDLE_SECONDS),
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
        """Answer one instance.

        Parameters
        ----------
        instance
            JSON of the instance.
        headers
            Headers to pass on.

        Raises
        ------
        Refused
            What the transformer refused, or why it was not asked or did not answer.
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
            response, outcome = await self._ask(b'{"instances":[' + instance + b"]}", headers)
        except Refused:
            self._breaker.failed(made_at)
            raise
        if response.status in _AWAY and not _is_busy(response):
            self._breaker.failed(made_at)
        else:
            # whatever else it answers, it is there: a 500 to one request must not shut the others out
            self._breaker.succeeded()
        refused = None if response.status == 200 else _refusal(response, self._name)
        metrics.GATEWAY_TRANSFORMER_CALLS.labels(self._name, outcome if refused is None else "refused").inc()
        if refused is not None:
            raise refused
        try:
            answer: dict[str, Any] = orjson.loads(response.content)["predictions"][0]
        except (ValueError, LookupError, TypeError):
            raise BadGateway(f"the {self._name} answered with something that is no list") from None
        return answer

    async def _ask(self, content: bytes, headers: Mapping[str, str]) -> tuple[_Answer, str]:
        """Ask; once more where the connection was lost, never where it is slow."""
        sent = {"content-type": "application/json", **headers}
        outcome = "ok"
        try:
            async with asyncio.timeout(self._deadline):
                try:
                    return await self._call("POST", self._predict, content, sent), outcome
                except aiohttp.ServerTimeoutError:  # a lost connection too, to aiohttp
                    raise
                except _LOST:
                    outcome = "retried"
                    return await self._call("POST", self._predict, content, sent), outcome
        except TimeoutError:
            metrics.GATEWAY_TRANSFORMER_CALLS.labels(self._name, "deadline").inc()
            raise TooSlow(f"the {self._name} did not answer within {self._deadline:g} s") from None
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


def _is_busy(response: _Answer) -> bool:
    """Whether it refused a call because it works on others: then it is there."""
    try:
        return bool(orjson.loads(response.content)["overloaded"])
    except (ValueError, LookupError, TypeError):
        return False


def _refusal(response: _Answer, name: str) -> Refused:
    """What the transformer refused, in the gateway's words."""
    try:
        value = orjson.loads(response.content)
        message, fields = str(value.pop("error")), value
    except (ValueError, LookupError, TypeError, AttributeError):
        return BadGateway(f"the {name} answered {response.status}")
    message = message.removeprefix(f"{_PREFIX}.").removeprefix(f"{_PREFIX}: ")
    match response.status:
        case 400:
            field = str(fields.get("field", "")).removeprefix(f"{_PREFIX}.").removeprefix(_PREFIX)
            return BadRequest(message, field=field)
        case 404 if "unknown_seeds" in fields:
            return NoSuchSeeds(message, unknown_seeds=fields["unknown_seeds"])
        case 413:
            return TooLarge(message)
        case 503:
            after = response.headers.get("retry-after", "")
            return Unavailable(message, retry_after_seconds=int(after) if after.isdigit() else 2)
    return BadGateway(f"the {name} answered {response.status}: {message}")
