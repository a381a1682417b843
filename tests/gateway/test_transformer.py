"""The gateway's client of the transformer: what opens its breaker, and what must not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from prometheus_client import REGISTRY

from serving.errors import BadGateway, DeadlineExceeded, ServiceError, Unavailable
from serving.gateway.transformer import TransformerClient
from serving.settings import GatewaySettings

FAILURES = 3
ANSWER = {"predictions": [{"items": []}]}


class Scripted:
    """A transformer that answers as a test says, and counts what it is asked."""

    def __init__(self) -> None:
        self.status = 200
        self.seconds = 0.0
        self.body: Any = ANSWER
        self.asked = 0

    async def answer(self, _request: web.Request) -> web.Response:
        self.asked += 1
        await asyncio.sleep(self.seconds)
        return web.json_response(self.body, status=self.status)


def client_of(port: int) -> TransformerClient:
    """A client that gives up soon, and whose breaker stays open for the length of a test."""
    settings = GatewaySettings(
        bundle="store/channels/champion",
        transformer_url=f"http://127.0.0.1:{port}",
        transformer_deadline_seconds=0.3,
        breaker_failures=FAILURES,
        breaker_open_seconds=60,
    )
    return TransformerClient(settings.transformer_url, name="scripted", settings=settings)


def ask_of(test: Callable[[TransformerClient, Scripted], Awaitable[None]]) -> None:
    """Run a test against a real server on a port of this machine."""

    async def run() -> None:
        scripted = Scripted()
        app = web.Application()
        app.router.add_post("/v1/models/segue:predict", scripted.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        client = client_of(port)
        try:
            await test(client, scripted)
        finally:
            await client.close()
            await runner.cleanup()

    asyncio.run(run())


async def refused(client: TransformerClient, times: int) -> list[ServiceError]:
    """Ask so often, and be refused each time."""
    errors = []
    for _ in range(times):
        with pytest.raises(ServiceError) as caught:
            await client.recommend(b"{}", {})
        errors.append(caught.value)
    return errors


def is_open() -> bool:
    return REGISTRY.get_sample_value("segue_gateway_breaker_open", {"target": "scripted"}) == 1


@pytest.mark.parametrize("status", [400, 404, 413, 500])
def test_what_is_said_of_one_request_never_shuts_the_others_out(status: int) -> None:
    async def test(client: TransformerClient, scripted: Scripted) -> None:
        scripted.status, scripted.body = status, {"error": "ValueError: cannot convert float NaN to integer"}
        await refused(client, 5 * FAILURES)
        assert scripted.asked == 5 * FAILURES
        assert not is_open()
        scripted.status, scripted.body = 200, ANSWER
        assert await client.recommend(b"{}", {}) == {"items": []}

    ask_of(test)


def test_an_answer_that_is_no_list_never_shuts_the_others_out() -> None:
    async def test(client: TransformerClient, scripted: Scripted) -> None:
        scripted.body = {"predictions": []}
        errors = await refused(client, 5 * FAILURES)
        assert {type(error) for error in errors} == {BadGateway}
        assert not is_open()

    ask_of(test)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_transformer_that_can_answer_nobody_is_left_alone(status: int) -> None:
    async def test(client: TransformerClient, scripted: Scripted) -> None:
        scripted.status, scripted.body = status, {"error": "not ready"}
        errors = await refused(client, FAILURES + 2)
        assert scripted.asked == FAILURES
        assert is_open()
        assert isinstance(errors[-1], Unavailable)
        assert "left alone" in str(errors[-1])

    ask_of(test)


def test_a_transformer_that_is_busy_with_other_calls_is_asked_on() -> None:
    async def test(client: TransformerClient, scripted: Scripted) -> None:
        scripted.status, scripted.body = (
            503,
            {"error": "64 instances are being worked on", "overloaded": True},
        )
        errors = await refused(client, 5 * FAILURES)
        assert {type(error) for error in errors} == {Unavailable}
        assert scripted.asked == 5 * FAILURES
        assert not is_open()

    ask_of(test)


def test_slow_calls_made_together_never_shut_the_others_out() -> None:
    async def test(client: TransformerClient, scripted: Scripted) -> None:
        scripted.seconds = 2
        slow = [asyncio.create_task(client.recommend(b"{}", {})) for _ in range(5 * FAILURES)]
        outcomes = await asyncio.gather(*slow, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {DeadlineExceeded}
        assert not is_open()
        scripted.seconds = 0
        assert await client.recommend(b"{}", {}) == {"items": []}

    ask_of(test)


def test_a_transformer_that_is_too_slow_is_left_alone() -> None:
    async def test(client: TransformerClient, scripted: Scripted) -> None:
        scripted.seconds = 2
        await refused(client, FAILURES + 1)
        assert scripted.asked == FAILURES
        assert is_open()

    ask_of(test)


def test_a_transformer_that_is_not_there_is_left_alone() -> None:
    async def run() -> None:
        client = client_of(9)
        errors = await refused(client, FAILURES + 1)
        await client.close()
        assert "can't be reached" in str(errors[0])
        assert "left alone" in str(errors[-1])
        assert is_open()

    asyncio.run(run())


def test_an_error_of_one_request_shows_that_the_transformer_is_there_again() -> None:
    async def test(client: TransformerClient, scripted: Scripted) -> None:
        for status in (503, 503, 500, 503, 503):
            scripted.status, scripted.body = status, {"error": "no"}
            await refused(client, 1)
        assert not is_open()

    ask_of(test)
