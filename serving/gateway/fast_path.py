"""A middleware that answers the route of lists itself, which gets most of the requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

__all__ = ["FastPath"]


class FastPath:
    """Answers one route without FastAPI's routing and middleware, which take a sixth of the time of a list.

    The route's endpoint and dependencies take the request as their only argument. Exceptions are answered
    by the outermost middleware, as for all routes.
    """

    def __init__(self, app: Any, route: APIRoute) -> None:
        self._app = app
        self._route = route
        self._methods = route.methods or set()
        self._endpoint: Callable[[Request], Awaitable[Response]] = route.endpoint
        self._checks = [given.dependency for given in route.dependencies if given.dependency]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request, or pass it on."""
        if (
            scope["type"] != "http"
            or scope["path"] != self._route.path
            or scope["method"] not in self._methods
        ):
            await self._app(scope, receive, send)
            return
        scope["route"] = self._route
        request = Request(scope, receive)
        for check in self._checks:
            await check(request)
        response = await self._endpoint(request)
        await response(scope, receive, send)
