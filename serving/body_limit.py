"""A layer around a web application: a limit on bodies."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from starlette.responses import Response

__all__ = ["BodyLimit"]

# A refused body is read up to so many times the limit, and thrown away.
_DRAIN_FACTOR = 8


class _TooMuch(Exception):
    pass


class BodyLimit:
    """Refuse bodies over the limit: by their declared length, or once too much has come.

    Parameters
    ----------
    app
        The application around which this lies.
    most_bytes
        The limit.
    refuse
        Makes the answer, of the path and a message.
    """

    def __init__(self, app: Any, most_bytes: int, refuse: Callable[[str, str], Response]) -> None:
        self._app = app
        self._most = most_bytes
        self._answer = refuse

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
        response = self._answer(scope["path"], f"the body is larger than {self._most} bytes")
        response.headers["connection"] = "close"
        await response(scope, receive, send)
