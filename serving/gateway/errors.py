"""What a request can be refused with: one tree, one map to HTTP, one shape on each API.

::

    Refused
    ├── BadRequest          400  a field is wrong; `field` names it
    ├── Unauthorized        401  no key, or one that is not valid
    ├── Forbidden           403  the key lacks a scope
    ├── NotFound            404  no such track, bundle, channel or route
    │   └── NoSuchSeeds     404  none of the seeds is known; `unknown_seeds` lists them
    ├── MethodNotAllowed    405
    ├── Conflict            409  the channel was moved, or is pinned
    ├── TooLarge            413  the body is over the limit
    ├── TooManyRequests     429  over the key's rate; with Retry-After
    ├── Broken              500  a fault of ours
    ├── BadGateway          502  the transformer answered with something that is no answer
    ├── Unavailable         503  nothing to answer from now; with Retry-After
    └── TooSlow             504  the transformer's deadline passed
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import orjson
from starlette.exceptions import HTTPException
from starlette.responses import Response

from segue.errors import (
    BundleError,
    ChannelError,
    NoSuchChannel,
    RequestError,
    SegueError,
    UnknownSeeds,
)
from serving.logs import request_id

__all__ = [
    "BadGateway",
    "BadRequest",
    "Broken",
    "Conflict",
    "Forbidden",
    "MethodNotAllowed",
    "NoSuchSeeds",
    "NotFound",
    "Refused",
    "TooLarge",
    "TooManyRequests",
    "TooSlow",
    "Unauthorized",
    "Unavailable",
    "as_refused",
    "write_error",
]

TOKEN_PATH = "/api/token"  # noqa: S105 - a path
_SPOTIFY = "/v1/"


class Refused(Exception):
    """A request that gets no answer.

    Parameters
    ----------
    detail
        One sentence for the caller.
    headers
        Headers of the answer.
    fields
        What else the problem says.
    """

    status: ClassVar[int] = 500
    kind: ClassVar[str] = "broken"
    title: ClassVar[str] = "Internal error"
    # what OAuth 2 calls it (RFC 6749, 5.2)
    oauth: ClassVar[str] = "server_error"

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None, **fields: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = dict(headers or {})
        self.fields = fields


class BadRequest(Refused):
    """A field is wrong."""

    status, kind, title, oauth = 400, "bad-request", "The request is wrong", "invalid_request"


class Unauthorized(Refused):
    """No key, or one that is not valid."""

    status, kind, title, oauth = 401, "unauthorized", "A key is needed", "invalid_client"

    def __init__(self, detail: str, *, scheme: str = 'Bearer realm="segue"') -> None:
        super().__init__(detail, headers={"www-authenticate": scheme})


class Forbidden(Refused):
    """The key lacks a scope."""

    status, kind, title, oauth = 403, "forbidden", "The key does not allow this", "invalid_scope"


class NotFound(Refused):
    """No such track, bundle, channel or route."""

    status, kind, title, oauth = 404, "not-found", "Not found", "invalid_request"


class NoSuchSeeds(NotFound):
    """None of the seeds is in the catalogue."""

    kind, title = "unknown-seeds", "None of the seeds is known"


class MethodNotAllowed(Refused):
    """The route has other methods."""

    status, kind, title, oauth = 405, "method-not-allowed", "Method not allowed", "invalid_request"


class Conflict(Refused):
    """The channel was moved meanwhile, or is pinned."""

    status, kind, title = 409, "conflict", "The channel can't be moved so"


class TooLarge(Refused):
    """The body is over the limit."""

    status, kind, title, oauth = 413, "too-large", "The body is too large", "invalid_request"


class TooManyRequests(Refused):
    """Over the key's rate."""

    status, kind, title, oauth = 429, "too-many-requests", "Too many requests", "temporarily_unavailable"

    def __init__(self, detail: str, *, retry_after_seconds: int) -> None:
        super().__init__(detail, headers={"retry-after": str(retry_after_seconds)})


class Broken(Refused):
    """A fault of ours; the log has the stack."""


class BadGateway(Refused):
    """The transformer answered with something that is no answer."""

    status, kind, title = 502, "bad-gateway", "The transformer failed"


class Unavailable(Refused):
    """There is nothing to answer from now."""

    status, kind, title, oauth = 503, "unavailable", "Not available now", "temporarily_unavailable"

    def __init__(self, detail: str, *, retry_after_seconds: int = 2) -> None:
        super().__init__(detail, headers={"retry-after": str(retry_after_seconds)})


class TooSlow(Refused):
    """The deadline passed."""

    status, kind, title, oauth = 504, "too-slow", "No answer in time", "temporarily_unavailable"


_BY_STATUS: dict[int, type[Refused]] = {
    kind.status: kind for kind in (BadRequest, Forbidden, NotFound, MethodNotAllowed, TooLarge)
}


# what the library raises; the first that fits
_OF_LIBRARY: tuple[tuple[type[SegueError], type[Refused]], ...] = (
    (NoSuchChannel, NotFound),
    (ChannelError, Conflict),
    (BundleError, NotFound),
    (SegueError, Unavailable),
)


def as_refused(error: Exception) -> Refused:
    """Say what the library or the framework raised in the form that a route answers with."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, HTTPException):
        return _of_framework(error)
    if isinstance(error, RequestError):
        return BadRequest(str(error), field=error.field)
    if isinstance(error, UnknownSeeds):
        return NoSuchSeeds(str(error), unknown_seeds=list(error.seeds))
    for raised, refused in _OF_LIBRARY:
        if isinstance(error, raised):
            return refused(str(error))
    return Broken("something went wrong here; the log has it under this request_id")


def _of_framework(error: HTTPException) -> Refused:
    kind = _BY_STATUS.get(error.status_code, Broken)
    detail, headers = str(error.detail), error.headers or {}
    # what routing says of an address is its status's name alone
    if detail == "Not Found":
        detail = "there is no such path; /docs lists those that there are"
    elif error.status_code == 405 and "Allow" in headers:
        detail = f"this path takes {headers['Allow']} alone; /docs shows how it is asked"
    return kind(detail, headers=headers)


def write_error(path: str, error: Refused) -> Response:
    """Write an error in the shape of the API that the path belongs to.

    Native: problem+json (RFC 9457). Spotify-shaped: ``{"error": {"status", "message"}}``. The token
    endpoint: ``{"error", "error_description"}`` (RFC 6749, 5.2).
    """
    media = "application/json"
    value: dict[str, Any]
    if path == TOKEN_PATH:
        value = {"error": error.fields.get("oauth", error.oauth), "error_description": error.detail}
    elif path.startswith(_SPOTIFY):
        value = {"error": {"status": error.status, "message": error.detail}}
    else:
        media = "application/problem+json"
        value = {
            "type": f"urn:segue:{error.kind}",
            "title": error.title,
            "status": error.status,
            "detail": error.detail,
            "instance": path,
            "request_id": request_id.get(),
            **error.fields,
        }
    return Response(orjson.dumps(value), error.status, error.headers, media)
