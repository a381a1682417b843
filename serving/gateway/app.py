"""The gateway's web application: routes and middleware."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware

from segue import __version__
from segue.database.settings import DatabaseSettings
from segue.log.settings import LogSettings
from segue.settings import read_settings
from serving.body_limit import BodyLimit
from serving.errors import BadRequest, ServiceError, TooLarge
from serving.gateway.access import Access
from serving.gateway.documentation import describe
from serving.gateway.error_responses import as_service_error, write_error
from serving.gateway.fast_path import FastPath
from serving.gateway.gateway import Gateway
from serving.gateway.observe import Observe
from serving.gateway.routes import alerts, artwork, bundles, feedback, health, lists, spotify, token
from serving.settings import GatewaySettings
from serving.wire import REQUEST_ID

__all__ = ["build_app"]

# The image route comes before that of a track, whose id may contain slashes.
_ROUTES = (health, artwork, lists, feedback, bundles, alerts, spotify, token)

# A list of ten has two kilobytes, which level 1 compresses to a fifth in 0.1 ms.
_GZIP_BYTES = 1_000


def build_app(
    settings: GatewaySettings, database: DatabaseSettings | None = None, log: LogSettings | None = None
) -> FastAPI:
    """Build the application. Nothing is started before it serves.

    Settings of database and log are read from the environment if they are not given.
    """
    gateway = Gateway(
        settings, database or read_settings(DatabaseSettings), log or read_settings(LogSettings)
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await gateway.start()
        yield
        await gateway.stop()

    app = FastAPI(title="Segue", version=__version__, lifespan=lifespan, redoc_url=None)
    app.state.gateway = gateway
    app.openapi = partial(describe, app)  # type: ignore[method-assign]
    for part in _ROUTES:
        app.include_router(part.router)
    for kind in (HTTPException, ServiceError):
        app.add_exception_handler(kind, _answer_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    # the last one added is the outermost
    app.add_middleware(FastPath, route=lists.lists_route())
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes, refuse=_refuse_body)
    app.add_middleware(Access, keys=gateway.keys, limits=gateway.limits)
    app.add_middleware(GZipMiddleware, minimum_size=_GZIP_BYTES, compresslevel=1)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=[origin.strip() for origin in settings.cors_origins.split(",")],
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type", "x-session-id", REQUEST_ID],
            expose_headers=[REQUEST_ID, "x-impression-id", "retry-after"],
        )
    app.add_middleware(Observe)
    return app


async def _answer_error(request: Request, error: Exception) -> Response:
    return write_error(request.url.path, as_service_error(error))


async def _answer_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = [str(part) for part in first["loc"] if part not in ("query", "path", "header")]
    field = ".".join(where[1:] or where)
    seen = "" if first["type"] == "missing" else f", got {first['input']!r:.60}"
    message = str(first["msg"]).removeprefix("Value error, ")
    return write_error(request.url.path, BadRequest(f"{field}: {message}{seen}", field=field))


def _refuse_body(path: str, message: str) -> Response:
    return write_error(path, TooLarge(message))
