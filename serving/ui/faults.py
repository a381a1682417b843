"""What can go wrong between the page and the gateway.

::

    GatewayFault
    ├── GatewayAway       no connection
    ├── GatewaySlow       no answer in time
    ├── GatewayStrange    an answer that is none of the API's
    └── GatewayRefused    an error of the API, with its status and what it says
        ├── NoKey             401 and the page has no key
        ├── KeyRefused        401
        ├── ScopeMissing      403
        ├── NothingThere      404
        │   └── SeedsUnknown  404, with the seeds that the catalogue lacks
        └── GatewayBusy       429 or 503, with the seconds to wait
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from segue.errors import SegueError

__all__ = [
    "GatewayAway",
    "GatewayBusy",
    "GatewayFault",
    "GatewayRefused",
    "GatewaySlow",
    "GatewayStrange",
    "KeyRefused",
    "NoKey",
    "NothingThere",
    "ScopeMissing",
    "SeedsUnknown",
    "refusal_of",
]

_RETRY_SECONDS = 2


class GatewayFault(SegueError):
    """The gateway gave no answer that can be shown."""


class GatewayAway(GatewayFault):
    """No connection."""

    def __init__(self, url: str) -> None:
        super().__init__(f"the gateway at {url} does not answer")
        self.url = url


class GatewaySlow(GatewayFault):
    """No answer in time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the gateway did not answer within {seconds:g} s")
        self.seconds = seconds


class GatewayStrange(GatewayFault):
    """An answer that is none of the API's."""


class GatewayRefused(GatewayFault):
    """An error of the API.

    Attributes
    ----------
    status
        HTTP status.
    detail
        The gateway's own sentence.
    request_id
        What its log has the request under; empty if it did not say.
    """

    def __init__(self, status: int, detail: str, request_id: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.request_id = request_id


class NoKey(GatewayRefused):
    """The gateway wants a key and the page has none."""


class KeyRefused(GatewayRefused):
    """The key is unknown, revoked or has expired."""


class ScopeMissing(GatewayRefused):
    """The key does not allow this."""


class NothingThere(GatewayRefused):
    """No such track, bundle or route."""


class SeedsUnknown(NothingThere):
    """None of the seeds is in the catalogue; `seeds` are they."""

    seeds: tuple[str, ...] = ()


class GatewayBusy(GatewayRefused):
    """Over a limit, or not ready; `retry_seconds` says when to come back."""

    retry_seconds: int = _RETRY_SECONDS


def refusal_of(answer: httpx.Response, *, has_key: bool) -> GatewayRefused:
    """The exception for an answer of status 4xx or 5xx."""
    problem = _problem(answer)
    detail = str(problem.get("detail") or f"{answer.status_code} {answer.reason_phrase}")
    given = (answer.status_code, detail, str(problem.get("request_id") or ""))
    match answer.status_code:
        case 401:
            return KeyRefused(*given) if has_key else NoKey(*given)
        case 403:
            return ScopeMissing(*given)
        case 404 if problem.get("unknown_seeds"):
            unknown = SeedsUnknown(*given)
            unknown.seeds = tuple(map(str, problem["unknown_seeds"]))
            return unknown
        case 404:
            return NothingThere(*given)
        case 429 | 503:
            busy = GatewayBusy(*given)
            wait = answer.headers.get("retry-after", "")
            busy.retry_seconds = int(wait) if wait.isdecimal() else _RETRY_SECONDS
            return busy
    return GatewayRefused(*given)


def _problem(answer: httpx.Response) -> Mapping[str, Any]:
    """The problem+json of an answer; a proxy in between may have sent anything else."""
    try:
        value = answer.json()
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
