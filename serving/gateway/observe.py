"""The outermost middleware: request ids, metrics of requests, and the answer to errors raised inside."""

from __future__ import annotations

import logging
import time
from typing import Any

from serving import metrics
from serving.gateway.error_responses import as_service_error, write_error
from serving.logs import request_id, take_request_id
from serving.wire import REQUEST_ID

__all__ = ["Observe"]

logger = logging.getLogger(__name__)

_REQUEST_ID = REQUEST_ID.encode()


class Observe:
    """Gives every request an id, measures it by its route, and answers exceptions with an error."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on, and record its status and time."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0
        given = next((value for name, value in scope["headers"] if name == _REQUEST_ID), b"")
        identity = take_request_id({REQUEST_ID: given.decode("latin-1")}).encode()

        async def noted(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (_REQUEST_ID, identity)]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:
            refused = as_service_error(error)
            if refused.status == 500:
                logger.exception("%s %s failed", scope["method"], scope["path"])
            if status:  # half of an answer is out
                raise
            await write_error(scope["path"], refused)(scope, receive, noted)
        finally:
            # a path would make the label unbounded; there are few routes
            route = getattr(scope.get("route"), "path", "none")
            metrics.GATEWAY_REQUESTS.labels(route, f"{(status or 500) // 100}xx").inc()
            seconds = time.perf_counter() - started
            metrics.GATEWAY_SECONDS.labels(route).observe(seconds)
            if logger.isEnabledFor(logging.DEBUG):
                fields = {"method": scope["method"], "route": route, "status": status}
                logger.debug("answered", extra={"fields": {**fields, "seconds": round(seconds, 6)}})
            request_id.set("")
