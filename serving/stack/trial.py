"""Requests to the whole stack, which ``--once`` checks."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from segue.errors import SegueError

__all__ = ["TrialFailed", "example_track", "try_stack"]

_SECONDS = 20.0


class TrialFailed(SegueError):
    """The stack runs, but does not answer as expected."""


def try_stack(gateway_url: str, page_url: str, key: str) -> list[str]:
    """Request the page and a list for a genre; returns its tracks as ``artist - title``."""
    genres = _call(f"{gateway_url}/api/genres", key)["items"]
    seed = {"genre": genres[0]["genre"]} if genres else {}
    answer = _call(f"{gateway_url}/api/recommendations", key, {"seeds": [seed], "k": 5})
    if not answer["items"]:
        raise TrialFailed(f"the list for {seed} is empty: {answer['reason']}")
    if answer["degraded"]:
        raise TrialFailed("the list is degraded: the predictor did not answer the transformer")
    with urllib.request.urlopen(page_url, timeout=_SECONDS) as page:  # noqa: S310 - http of our own
        if b"<title>" not in page.read():
            raise TrialFailed(f"{page_url} did not return a page")
    return [f"{item['artist_name']} - {item['track_name']}" for item in answer["items"]]


def example_track(gateway_url: str, key: str) -> str:
    """Id of a well-known track of the catalogue, for a first request."""
    genres = _call(f"{gateway_url}/api/genres", key)["items"]
    seed = {"genre": genres[0]["genre"]} if genres else {"features": {"energy": 0.5}}
    wanted: dict[str, Any] = {"k": 1, "popularity_weight": 1.0}
    wanted |= {"seeds": [seed]} if genres else seed
    return str(_call(f"{gateway_url}/api/recommendations", key, wanted)["items"][0]["track_id"])


def _call(url: str, key: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    request = urllib.request.Request(  # noqa: S310 - http of our own
        url,
        None if body is None else json.dumps(body).encode(),
        {"authorization": f"Bearer {key}", "content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            value: dict[str, Any] = json.loads(answer.read())
            return value
    except OSError as error:
        raise TrialFailed(f"{url}: {error}") from None
