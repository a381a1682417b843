"""Routes that change something and take JSON: under no other content type, and the answer says so."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from serving.errors import BadRequest

__all__ = ["JsonRoute"]


class JsonRoute(APIRoute):
    """Takes what is posted as JSON only.

    Any other site's page may make a browser post a form or plain text, but not JSON. Without keys (``auth``
    off, on somebody's own machine) nothing else would stand between that page and what is in service.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Look at the content type before the framework's handler does, whose words are of a dictionary."""
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
