"""A middleware that limits the size of request bodies."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from starlette.responses import Response

__all__ = ["BodyLimit"]

# How much of a refused body is read and discarded, as a multiple of the limit.
_DRAIN_FACTOR = 8


class _TooLarge(Exception):
    pass


class BodyLimit:
    """Refuses bodies over the limit: by their declared length, or once too many bytes have come.

    `refuse` makes the response from the path and a message.
    """

    def __init__(self, app: Any, max_bytes: int, refuse: Callable[[str, str], Response]) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._make_response = refuse

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Refuse a request, or pass it on."""
        if scope["type"] != "http" or scope["method"] not in ("POST", "PUT", "PATCH"):
            await self._app(scope, receive, send)
            return
        for name, value in scope["headers"]:
            if name == b"content-length":
                if value.isdigit() and int(value) <= self._max_bytes:
                    await self._app(scope, receive, send)
                else:
                    await self._refuse(scope, receive, send)
                return
        await self._count(scope, receive, send)

    async def _count(self, scope: Any, receive: Any, send: Any) -> None:
        """Count the bytes of a chunked body, which declares no length."""
        seen, is_over = 0, False

        async def counted() -> Any:
            nonlocal seen, is_over
            message = await receive()
            seen += len(message.get("body", b""))
            is_over = not message.get("more_body")
            if seen > self._max_bytes:
                raise _TooLarge
            return message

        async def send_within_limit(message: Any) -> None:
            # FastAPI answers 400 to any exception while it reads a body
            if seen <= self._max_bytes:
                await send(message)

        with contextlib.suppress(_TooLarge):
            await self._app(scope, counted, send_within_limit)
        if seen > self._max_bytes:
            await self._refuse(scope, receive, send, is_read=is_over)

    async def _refuse(self, scope: Any, receive: Any, send: Any, *, is_read: bool = False) -> None:
        # A client that is still sending when the connection closes never reads the response.
        left = 0 if is_read else _DRAIN_FACTOR * self._max_bytes
        while left > 0:
            message = await receive()
            left -= len(message.get("body", b""))
            if not message.get("more_body"):
                break
        response = self._make_response(scope["path"], f"the body is larger than {self._max_bytes} bytes")
        response.headers["connection"] = "close"
        await response(scope, receive, send)
