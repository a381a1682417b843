"""Errors of the page's calls to the gateway.

::

    GatewayFault
    ├── GatewayAway       no connection
    ├── GatewaySlow       no answer in time
    ├── GatewayStrange    an answer that is not the API's
    └── GatewayRefused    an error of the API, with its message
        ├── NoKey             401 and the page has no key
        ├── KeyRefused        401
        ├── ScopeMissing      403
        ├── NothingThere      404
        │   └── SeedsUnknown  404, with the seeds that the catalogue lacks
        ├── GatewayBusy       429 or 503, with the seconds to wait
        └── GatewayBroken     another 5xx, with the request id
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import httpx

from segue.errors import SegueError

__all__ = [
    "GatewayAway",
    "GatewayBroken",
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
    """The gateway gave no answer that can be shown.

    `words` are the names of the two texts that say what happened and what to do, `values` what is in them.
    """

    words: ClassVar[tuple[str, str]]

    def __init__(self, message: str, **values: object) -> None:
        super().__init__(message)
        self.values: Mapping[str, object] = {"detail": message, **values}


class GatewayAway(GatewayFault):
    """No connection."""

    words = ("error.away", "error.away_more")

    def __init__(self, url: str) -> None:
        super().__init__(f"the gateway at {url} does not answer", url=url)


class GatewaySlow(GatewayFault):
    """No answer in time."""

    words = ("error.slow", "error.slow_more")

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the gateway did not answer within {seconds:g} s", seconds=f"{seconds:g}")


class GatewayStrange(GatewayFault):
    """An answer that is not the API's."""

    words = ("error.strange", "error.strange_more")


class GatewayRefused(GatewayFault):
    """An error of the API, with the gateway's own sentence."""

    words = ("error.refused", "error.refused_more")


class NoKey(GatewayRefused):
    """The gateway needs a key and the page has none."""

    words = ("error.no_key", "error.no_key_more")


class KeyRefused(GatewayRefused):
    """The key is unknown, revoked or has expired."""

    words = ("error.key_refused", "error.no_key_more")


class ScopeMissing(GatewayRefused):
    """The key does not allow this."""

    words = ("error.scope", "error.refused_more")


class NothingThere(GatewayRefused):
    """No such track, bundle or route."""

    words = ("error.not_found", "error.refused_more")


class SeedsUnknown(NothingThere):
    """None of the seeds is in the catalogue."""

    words = ("list.all_unknown", "list.all_unknown_more")


class GatewayBusy(GatewayRefused):
    """Over a limit, or not ready; `values` has the seconds to wait."""

    words = ("error.busy", "error.busy_more")


class GatewayBroken(GatewayRefused):
    """An internal error of the gateway, which logs it with the request id."""

    words = ("error.failed", "error.failed_more")


_KINDS: Mapping[int, type[GatewayRefused]] = {
    401: KeyRefused,
    403: ScopeMissing,
    404: NothingThere,
    429: GatewayBusy,
    503: GatewayBusy,
}


def refusal_of(answer: httpx.Response, *, has_key: bool) -> GatewayRefused:
    """The exception for an answer of status 4xx or 5xx."""
    problem = _problem(answer)
    detail = str(problem.get("detail") or f"{answer.status_code} {answer.reason_phrase}")
    kind = _KINDS.get(answer.status_code, GatewayBroken if answer.is_server_error else GatewayRefused)
    if kind is KeyRefused and not has_key:
        kind = NoKey
    seeds = problem.get("unknown_seeds")
    if kind is NothingThere and isinstance(seeds, list) and seeds:
        return SeedsUnknown(detail, seeds=", ".join(map(str, seeds)))
    wait = answer.headers.get("retry-after", "")
    return kind(
        detail,
        seconds=wait if wait.isdecimal() else _RETRY_SECONDS,
        request_id=str(problem.get("request_id") or "–"),
    )


def _problem(answer: httpx.Response) -> Mapping[str, Any]:
    """The problem+json of an answer; empty if a proxy sent something else."""
    try:
        value = answer.json()
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
