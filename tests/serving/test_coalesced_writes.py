"""Answers over a real socket: a head waits for its body, and for nothing longer."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn

from serving.coalesced_writes import CoalescedWrites

Send = Callable[[dict[str, Any]], Awaitable[None]]
HEAD = {"type": "http.response.start", "status": 200}


def length(count: int) -> dict[str, Any]:
    return {**HEAD, "headers": [(b"content-length", b"%d" % count)]}


def body(content: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": content, "more_body": more}


class Exchange:
    """A server with one application, and a client's socket."""

    def __init__(self, answer: Callable[[Exchange, Send], Awaitable[None]]) -> None:
        self._answer = answer
        self.client = socket.socket()
        self._answered = asyncio.Event()

    async def application(self, scope: Any, receive: Any, send: Send) -> None:
        await receive()
        await self._answer(self, send)
        self._answered.set()

    def waiting(self) -> bytes:
        """What has come to the client so far."""
        try:
            return self.client.recv(10_000, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return b""

    async def run(self, requests: int = 1, method: str = "GET") -> bytes:
        """Send requests at once, the last of which closes; gives all that comes back."""
        config = uvicorn.Config(
            self.application,
            http=CoalescedWrites,
            interface="asgi3",
            lifespan="off",
            log_config=None,
            access_log=False,
        )
        server = uvicorn.Server(config)
        listening = socket.create_server(("127.0.0.1", 0))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        self.client.connect(listening.getsockname())
        request = f"{method} / HTTP/1.1\r\nhost: test\r\n".encode()
        self.client.sendall((request + b"\r\n") * (requests - 1) + request + b"connection: close\r\n\r\n")
        # what is read is gone, and an answer may look at what has come
        await self._answered.wait()
        came = await asyncio.to_thread(self._read)
        server.should_exit = True
        await serving
        self.client.close()
        return came

    def _read(self) -> bytes:
        parts = []
        while part := self.client.recv(10_000):
            parts.append(part)
        return b"".join(parts)


def test_a_head_waits_for_its_body() -> None:
    seen = []

    async def answer(exchange: Exchange, send: Send) -> None:
        await send(length(4))
        seen.append(exchange.waiting())
        await send(body(b"here"))

    came = asyncio.run(Exchange(answer).run())
    assert seen == [b""]
    assert came.startswith(b"HTTP/1.1 200 OK\r\n")
    assert came.endswith(b"\r\n\r\nhere")


def test_a_head_whose_body_takes_long_goes_ahead() -> None:
    seen = []

    async def answer(exchange: Exchange, send: Send) -> None:
        await send(length(4))
        await asyncio.sleep(0.2)
        seen.append(exchange.waiting())
        await send(body(b"he", more=True))
        await send(body(b"re"))

    came = asyncio.run(Exchange(answer).run())
    assert seen[0].startswith(b"HTTP/1.1 200 OK\r\n")
    assert seen[0].endswith(b"\r\n\r\n")
    assert came.endswith(b"\r\n\r\nhere")


def test_an_answer_without_a_body_arrives() -> None:
    async def answer(exchange: Exchange, send: Send) -> None:
        await send({**HEAD, "status": 204})
        await send(body(b""))

    came = asyncio.run(Exchange(answer).run())
    assert came.startswith(b"HTTP/1.1 204 No Content\r\n")
    assert came.endswith(b"\r\n\r\n")


def test_calls_on_one_connection_are_answered_in_turn() -> None:
    numbers = iter(range(3))

    async def answer(exchange: Exchange, send: Send) -> None:
        await send(length(1))
        await send(body(b"%d" % next(numbers)))

    came = asyncio.run(Exchange(answer).run(requests=3))
    heads = came.split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert [head[-1:] for head in heads] == [b"0", b"1", b"2"]
