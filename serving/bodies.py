"""Two layers around kserve's web application: a limit on bodies, and a short way for plain V1 calls."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Response
from grpc_interceptor.exceptions import GrpcException

from serving.logs import request_id, take_request_id
from serving.refusals import TooLarge, answer_refusal

__all__ = ["BodyLimit", "ShortWay"]

# A refused body is read up to so many times the limit, and thrown away.
_DRAIN_FACTOR = 8

Answer = Callable[[bytes, dict[str, str]], Awaitable[tuple[bytes, dict[str, str]]]]


class ShortWay:
    """Answers plain calls of one path without FastAPI's routing, which takes an eighth of a call's time.

    What is not plain (a CloudEvent, a body in several parts, another path) goes the long way, through kserve.

    Parameters
    ----------
    app
        The application around which this lies.
    path
        The path, for example ``/v1/models/segue:predict``.
    answer
        Takes body and headers, gives body and headers; raises what kserve's handlers know.
    """

    def __init__(self, app: Any, path: str, answer: Answer) -> None:
        self._app = app
        self._path = path
        self._answer = answer

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, or pass on."""
        if scope["type"] != "http" or scope["path"] != self._path or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        message = await receive()
        if message.get("more_body") or message["type"] != "http.request" or "ce-id" in headers:
            await self._app(scope, _again(message, receive), send)
            return
        try:
            content, extra = await self._answer(message["body"], headers)
            response = Response(content, headers=extra)
        except GrpcException as error:
            response = await answer_refusal(None, error)
            response.headers["x-request-id"] = request_id.get() or take_request_id(headers)
        await response(scope, receive, send)


def _again(message: Any, receive: Any) -> Any:
    """A `receive` that gives a message once more, then goes on."""
    first = [message]

    async def replayed() -> Any:
        return first.pop() if first else await receive()

    return replayed


class _TooMuch(Exception):
    pass


class BodyLimit:
    """Refuse bodies over the limit with 413: by their declared length, or once too much has come."""

    def __init__(self, app: Any, most_bytes: int) -> None:
        self._app = app
        self._most = most_bytes

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Refuse, or pass on."""
        if scope["type"] != "http" or scope["method"] not in ("POST", "PUT", "PATCH"):
            await self._app(scope, receive, send)
            return
        for name, value in scope["headers"]:
            if name == b"content-length":
                if value.isdigit() and int(value) <= self._most:
                    await self._app(scope, receive, send)
                else:
                    await self._refuse(scope, receive, send)
                return
        await self._count(scope, receive, send)

    async def _count(self, scope: Any, receive: Any, send: Any) -> None:
        """A chunked body declares no length, so its bytes are counted as they come."""
        seen, is_over = 0, False

        async def counted() -> Any:
            nonlocal seen, is_over
            message = await receive()
            seen += len(message.get("body", b""))
            is_over = not message.get("more_body")
            if seen > self._most:
                raise _TooMuch
            return message

        async def unless_too_much(message: Any) -> None:
            # FastAPI makes a 400 of whatever goes wrong while it reads a body
            if seen <= self._most:
                await send(message)

        with contextlib.suppress(_TooMuch):
            await self._app(scope, counted, unless_too_much)
        if seen > self._most:
            await self._refuse(scope, receive, send, is_read=is_over)

    async def _refuse(self, scope: Any, receive: Any, send: Any, *, is_read: bool = False) -> None:
        # A client that is still sending when the connection closes never reads why; so let it, within reason.
        left = 0 if is_read else _DRAIN_FACTOR * self._most
        while left > 0:
            message = await receive()
            left -= len(message.get("body", b""))
            if not message.get("more_body"):
                break
        refusal = TooLarge(f"the body is larger than {self._most} bytes")
        response: Response = await answer_refusal(None, refusal)
        response.headers["connection"] = "close"
        await response(scope, receive, send)
