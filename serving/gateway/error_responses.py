"""How the gateway writes an error: in the form of the API that the path belongs to."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson
from starlette.exceptions import HTTPException
from starlette.responses import Response

from segue.errors import BundleError, ChannelError, NoSuchChannel, RequestError, SegueError, UnknownSeeds
from serving import errors
from serving.errors import ServiceError
from serving.logs import request_id

__all__ = ["TOKEN_PATH", "as_service_error", "write_error"]

TOKEN_PATH = "/api/token"  # noqa: S105 - a path
_SPOTIFY = "/v1/"


class _Names(NamedTuple):
    """What an error is called: its URN and title (RFC 9457), and its code in OAuth 2 (RFC 6749, 5.2)."""

    urn: str
    title: str
    oauth: str = "server_error"


_NAMES: dict[type[ServiceError], _Names] = {
    errors.BadRequest: _Names("bad-request", "The request is wrong", "invalid_request"),
    errors.Unauthorized: _Names("unauthorized", "A key is needed", "invalid_client"),
    errors.Forbidden: _Names("forbidden", "The key does not allow this", "invalid_scope"),
    errors.NotFound: _Names("not-found", "Not found", "invalid_request"),
    errors.NoSuchSeeds: _Names("unknown-seeds", "None of the seeds is known", "invalid_request"),
    errors.MethodNotAllowed: _Names("method-not-allowed", "Method not allowed", "invalid_request"),
    errors.Conflict: _Names("conflict", "The channel can't be moved so"),
    errors.TooLarge: _Names("too-large", "The body is too large", "invalid_request"),
    errors.TooManyRequests: _Names("too-many-requests", "Too many requests", "temporarily_unavailable"),
    # the base of all others
    ServiceError: _Names("broken", "Internal error"),
    errors.BadGateway: _Names("bad-gateway", "The transformer failed"),
    errors.Unavailable: _Names("unavailable", "Not available now", "temporarily_unavailable"),
    errors.DeadlineExceeded: _Names("too-slow", "No answer in time", "temporarily_unavailable"),
}

_BY_STATUS: dict[int, type[ServiceError]] = {
    kind.status: kind
    for kind in (
        errors.BadRequest,
        errors.Forbidden,
        errors.NotFound,
        errors.MethodNotAllowed,
        errors.TooLarge,
    )
}

# What the library raises; the first that fits.
_OF_LIBRARY: tuple[tuple[type[SegueError], type[ServiceError]], ...] = (
    (NoSuchChannel, errors.NotFound),
    (ChannelError, errors.Conflict),
    (BundleError, errors.NotFound),
    (SegueError, errors.Unavailable),
)


def as_service_error(error: Exception) -> ServiceError:
    """Convert what the library or the framework raised."""
    if isinstance(error, ServiceError):
        return error
    if isinstance(error, HTTPException):
        return _of_framework(error)
    if isinstance(error, RequestError | UnknownSeeds):
        return errors.invalid_request(error)
    for raised, kind in _OF_LIBRARY:
        if isinstance(error, raised):
            return kind(str(error))
    return errors.InternalError("something went wrong here; the log has it under this request_id")


def _of_framework(error: HTTPException) -> ServiceError:
    kind = _BY_STATUS.get(error.status_code, errors.InternalError)
    detail, headers = str(error.detail), error.headers or {}
    # routing gives the name of the status alone
    if detail == "Not Found":
        detail = "there is no such path; see /docs"
    elif error.status_code == 405 and "Allow" in headers:
        detail = f"this path takes only {headers['Allow']}; see /docs"
    return kind(detail, headers=headers)


def write_error(path: str, error: ServiceError) -> Response:
    """Write an error in the form of the API that the path belongs to.

    Native API: problem+json (RFC 9457). Spotify's: ``{"error": {"status", "message"}}``. The token
    endpoint: ``{"error", "error_description"}`` (RFC 6749, 5.2).
    """
    names = next(_NAMES[kind] for kind in type(error).__mro__ if kind in _NAMES)
    media = "application/json"
    value: dict[str, Any]
    if path == TOKEN_PATH:
        value = {"error": error.fields.get("oauth", names.oauth), "error_description": error.detail}
    elif path.startswith(_SPOTIFY):
        value = {"error": {"status": error.status, "message": error.detail}}
    else:
        media = "application/problem+json"
        value = {
            "type": f"urn:segue:{names.urn}",
            "title": names.title,
            "status": error.status,
            "detail": error.detail,
            "instance": path,
            "request_id": request_id.get(),
            **error.fields,
        }
    return Response(orjson.dumps(value), error.status, error.headers, media)
