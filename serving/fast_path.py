"""A middleware around kserve's application that answers plain V1 calls itself."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from serving.errors import ServiceError
from serving.pair_errors import write_error

__all__ = ["FastPath"]

logger = logging.getLogger(__name__)

Answer = Callable[[bytes, dict[str, str]], Awaitable[tuple[bytes, dict[str, str]]]]


class FastPath:
    """Answers V1 calls without FastAPI, whose routing and middleware take an eighth of the time.

    Calls of the path are answered by `answer`, which takes the body and headers of a request and returns
    those of the response. CloudEvents, bodies in several parts and other paths are passed on to kserve.
    """

    def __init__(self, app: Any, path: str, answer: Answer) -> None:
        self._app = app
        self._path = path
        self._answer = answer

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request, or pass it on."""
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
        except Exception as error:
            # no outer middleware would answer for it
            if not isinstance(error, ServiceError):
                logger.exception("a call failed")
            await write_error(error, headers)(scope, receive, send)
            return
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in extra.items()]
        raw.append((b"content-length", b"%d" % len(content)))
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        await send({"type": "http.response.body", "body": content})


def _again(message: Any, receive: Any) -> Any:
    """A `receive` that returns a message again, then the following ones."""
    first = [message]

    async def replayed() -> Any:
        return first.pop() if first else await receive()

    return replayed
