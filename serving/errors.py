"""The errors that the gateway, the transformer and the predictor answer requests with.

Each class gives its HTTP status and, where the transformer or the predictor raises it, its gRPC status. How
an error is written is up to the process: see `serving.pair_errors` and `serving.gateway.error_responses`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from segue.errors import RequestError, UnknownSeeds

__all__ = [
    "PAIR_ERRORS",
    "BadGateway",
    "BadRequest",
    "BundleNotLoaded",
    "Conflict",
    "DeadlineExceeded",
    "Forbidden",
    "InternalError",
    "MethodNotAllowed",
    "NoSuchSeeds",
    "NotFound",
    "NotReady",
    "Overloaded",
    "ServiceError",
    "TooLarge",
    "TooManyRequests",
    "Unauthorized",
    "Unavailable",
    "invalid_request",
]


class ServiceError(Exception):
    """An error that a request is answered with: one sentence for the caller, and further fields of the JSON.

    `retry_after_seconds` becomes the header Retry-After; a class may have a value of its own.
    """

    status: ClassVar[int] = 500
    grpc_status: ClassVar[str] = "INTERNAL"
    # label of the metric segue_requests_total
    outcome: ClassVar[str] = "error"
    retry_after_seconds: int | None = None

    def __init__(
        self,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        retry_after_seconds: int | None = None,
        **fields: Any,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = dict(headers or {})
        self.fields = fields
        if retry_after_seconds is not None:
            self.retry_after_seconds = retry_after_seconds
        if self.retry_after_seconds is not None:
            self.headers["retry-after"] = str(self.retry_after_seconds)


class BadRequest(ServiceError):
    """A field is wrong."""

    status, grpc_status, outcome = 400, "INVALID_ARGUMENT", "invalid"


class Unauthorized(ServiceError):
    """No key, or one that is not valid."""

    status = 401

    def __init__(self, detail: str, *, scheme: str = 'Bearer realm="segue"') -> None:
        super().__init__(detail, headers={"www-authenticate": scheme})


class Forbidden(ServiceError):
    """The key lacks a scope."""

    status = 403


class NotFound(ServiceError):
    """No such track, bundle, channel or path."""

    status = 404


class NoSuchSeeds(NotFound):
    """None of the seeds is in the catalogue."""

    grpc_status, outcome = "NOT_FOUND", "unknown_seeds"


class MethodNotAllowed(ServiceError):
    """The path has other methods."""

    status = 405


class Conflict(ServiceError):
    """The channel was moved meanwhile, or is pinned."""

    status = 409


class BundleNotLoaded(ServiceError):
    """The predictor has not loaded the requested bundle.

    `instance` identifies its process, or is empty; `loaded` has the digests that it holds.
    """

    status, grpc_status, outcome = 412, "FAILED_PRECONDITION", "other_bundle"

    def __init__(self, detail: str, *, instance: str = "", loaded: Collection[str] = ()) -> None:
        super().__init__(detail)
        self.instance = instance
        self.loaded = loaded


class TooLarge(ServiceError):
    """The body is over the limit."""

    status, grpc_status, outcome = 413, "RESOURCE_EXHAUSTED", "too_large"


class TooManyRequests(ServiceError):
    """Over the key's rate limit."""

    status = 429


class InternalError(ServiceError):
    """A fault of this process; its log has the stack."""


class BadGateway(ServiceError):
    """The transformer's answer can't be used."""

    status = 502


class Unavailable(ServiceError):
    """A dependency is missing."""

    status, retry_after_seconds = 503, 2


class NotReady(Unavailable):
    """There is no bundle, or no predictor where answers must not be degraded."""

    grpc_status, outcome = "UNAVAILABLE", "not_ready"


class Overloaded(Unavailable):
    """More work than the limit."""

    grpc_status, outcome, retry_after_seconds = "RESOURCE_EXHAUSTED", "overloaded", 1

    def __init__(self, detail: str) -> None:
        super().__init__(detail, overloaded=True)


class DeadlineExceeded(ServiceError):
    """No answer within the deadline."""

    status = 504


# What the transformer and the predictor answer with.
PAIR_ERRORS = (BadRequest, NoSuchSeeds, TooLarge, Overloaded, NotReady, BundleNotLoaded, InternalError)


def invalid_request(error: RequestError | UnknownSeeds, *, prefix: str = "") -> ServiceError:
    """Convert what the library raises for a request.

    `prefix` is the path of the instance, such as ``instances[3]``, if the error does not name it yet.
    """
    if isinstance(error, UnknownSeeds):
        detail = f"{prefix}: {error}" if prefix else str(error)
        return NoSuchSeeds(detail, unknown_seeds=list(error.seeds))
    dotted = f"{prefix}." if prefix else ""
    return BadRequest(f"{dotted}{error}", field=f"{dotted}{error.field}".rstrip("."))
