"""The gateway's web application: routes, and the layers around them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

from segue import __version__
from serving.body_limit import BodyLimit
from serving.gateway import health, native
from serving.gateway.documentation import describe
from serving.gateway.errors import BadRequest, Refused, TooLarge, as_refused, write_error
from serving.gateway.gateway import Gateway
from serving.gateway.observe import Observe
from serving.gateway.spotify import routes as spotify
from serving.settings import GatewaySettings

__all__ = ["build_app"]

# A list of ten is two kilobytes; level 1 makes a fifth of it in a tenth of a millisecond.
_GZIP_BYTES = 1_000


def build_app(settings: GatewaySettings) -> FastAPI:
    """Build the application. Nothing is started before it serves."""
    gateway = Gateway(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await gateway.start()
        yield
        await gateway.stop()

    app = FastAPI(title="Segue", version=__version__, lifespan=lifespan, redoc_url=None)
    app.state.gateway = gateway
    app.openapi = partial(describe, app)  # type: ignore[method-assign]
    for room in (health, native, spotify):
        app.include_router(room.router)
    for kind in (HTTPException, Refused):
        app.add_exception_handler(kind, _answer_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    # the last one added is the outermost
    app.add_middleware(BodyLimit, most_bytes=settings.max_body_bytes, refuse=_refuse_body)
    app.add_middleware(GZipMiddleware, minimum_size=_GZIP_BYTES, compresslevel=1)
    app.add_middleware(Observe)
    return app


async def _answer_error(request: Request, error: Exception) -> Response:
    return write_error(request.url.path, as_refused(error))


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
