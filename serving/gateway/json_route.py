"""JSON of the routes: responses, and requests that are refused under any other content type."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.routing import APIRoute

from serving.errors import BadRequest

__all__ = ["JsonResponse", "JsonRoute"]


class JsonResponse(Response):
    """A value as JSON; tests compare it with the documented schema."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Write the value."""
        return orjson.dumps(content)


class JsonRoute(APIRoute):
    """A route that takes JSON only.

    A page of another site can make a browser post a form or plain text, but not JSON. Without keys (``auth``
    off) nothing else would keep such a page from changing the bundle in service.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Check the content type before the framework's handler, whose message would not name it."""
        handle = super().get_route_handler()

        async def handle_json(request: Request) -> Response:
            given = request.headers.get("content-type", "")
            kind = given.partition(";")[0].strip().lower()
            if request.method == "POST" and kind != "application/json" and not kind.endswith("+json"):
                raise BadRequest(
                    f"expected the header Content-Type: application/json, got {given or 'none'!r:.80}",
                    field="Content-Type",
                )
            return await handle(request)

        return handle_json
